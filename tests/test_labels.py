"""Names of the emotions: other people's words are offered as ours, and only where they mean the same."""

from __future__ import annotations

import pytest

from emotion.labels import ALIASES, EMOTIONS, alias_offer, emotion_meant, species_in


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        ("happiness", "happy"), ("joy", "happy"), ("Happy", "happy"), ("happy", "happy"), ("Sadness", "sad"),
        ("anger", "angry"), ("MAD", "angry"), ("sleepy", "tired"), ("exhausted", "tired"), ("drowsy", "tired"),
        ("Fatigue", "tired"),
    ],
)  # fmt: skip
def test_other_words_mean_an_emotion_in_any_case(name: str, emotion: str) -> None:
    assert emotion_meant(name) == emotion


@pytest.mark.parametrize("name", ["relaxed", "neutral", "fear", "surprise", "disgust", "Calm", "unhappy", "dog", ""])
def test_a_state_of_its_own_is_left_alone(name: str) -> None:
    assert emotion_meant(name) == name
    assert alias_offer([name]) == ""


def test_no_word_means_two_emotions() -> None:
    words = [word for aliases in ALIASES.values() for word in aliases]
    assert len(set(words)) == len(words)
    assert not set(words) & set(EMOTIONS)
    assert all(word == word.casefold() for word in words)
    assert set(ALIASES) == set(EMOTIONS)


def test_other_names_are_offered_in_one_sentence() -> None:
    assert alias_offer(["Sadness", "happy", "anger", "relaxed"]) == (
        "This set says 'anger' for angry and 'Sadness' for sad: switch on “Read other names of the four emotions” "
        "to read them as such."
    )
    assert alias_offer(["joy", "mad", "Anger"], how="give --use-aliases") == (
        "This set says 'Anger' for angry, 'joy' for happy and 'mad' for angry: give --use-aliases to read them as such."
    )
    assert alias_offer(["anger", "sad"], how="give --use-aliases") == (
        "This set says 'anger' for angry: give --use-aliases to read it as such."
    )


def test_nothing_is_offered_for_the_four_names_themselves() -> None:
    assert alias_offer(EMOTIONS) == alias_offer([]) == ""


@pytest.mark.parametrize(
    ("name", "species"), [("my dogs", "dog"), ("Rosa-cat_2", "cat"), ("Human faces", "human"), ("doghouse", "")]
)
def test_a_species_is_found_in_the_words_of_a_name(name: str, species: str) -> None:
    assert species_in(name) == species
