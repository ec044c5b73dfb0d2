"""The four emotions and the species, with their names and colours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from emotion.core.format import listed

EMOTIONS: tuple[str, ...] = ("happy", "sad", "angry", "tired")

# Other picture sets' names for the four emotions. Only synonyms: `relaxed`, `calm` and `neutral` are states of their
# own, and `unhappy` often means everything that is not happy.
ALIASES: dict[str, tuple[str, ...]] = {
    "happy": ("happiness", "joy", "joyful", "cheerful", "glad"),
    "sad": ("sadness", "sorrow", "sorrowful"),
    "angry": ("anger", "mad", "furious", "rage"),
    "tired": ("tiredness", "sleepy", "sleepiness", "drowsy", "drowsiness", "exhausted", "exhaustion", "fatigue",
              "fatigued", "weary"),
}  # fmt: skip
ALIASES_SETTING = "Read other names of the four emotions"
RELAXED_SETTING = "Read “relaxed” as tired"
RELAXED_WARNING = (
    "Relaxed is not tired: a relaxed dog is at ease, a tired one wants to sleep. Whatever comes out for “tired” then "
    "says how the run calls relaxed animals."
)
_MEANT = {name: emotion for emotion, aliases in ALIASES.items() for name in (emotion, *aliases)}

# After Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), adjusted where two colours were too similar for one
# kind of colour vision; tests/ui/test_colours.py measures it.
EMOTION_COLOURS = {"happy": "#E69F00", "sad": "#0072B2", "angry": "#D2432B", "tired": "#A493B8"}
SPECIES_COLOURS = {"human": "#4A90E2", "dog": "#00805E", "cat": "#CF7A9C"}
# Colours of a second set of the same species.
SECOND_COLOURS = {"human": "#8AD2FF", "dog": "#82E5BE", "cat": "#F3BCD0"}
OTHER_COLOUR = "#7F7F7F"

DRAWN_NOTE = "Drawn pictures show how the tool works and say nothing of real dogs."


def in_order(names: set[str] | list[str]) -> list[str]:
    """Return class names in display order: the four emotions first, then the rest alphabetically."""
    known = [name for name in EMOTIONS if name in names]
    return known + sorted(name for name in names if name not in EMOTIONS)


def emotion_meant(name: str) -> str:
    """Return the emotion that a class name means, in any case; the unchanged name where it means none of the four."""
    return _MEANT.get(name.casefold(), name)


def is_relaxed(name: str) -> bool:
    """Whether a class shows relaxed animals, which are often mistaken for tired ones."""
    return name.casefold() == "relaxed"


def alias_offer(classes: Iterable[str], *, how: str = f"switch on “{ALIASES_SETTING}”") -> str:
    """Return a sentence that offers to rename classes to the emotions they mean; empty where there are none.

    ``how`` says how to accept the offer. No class is renamed without it.
    """
    names = sorted({name for name in classes if emotion_meant(name) != name}, key=lambda name: (name.casefold(), name))
    if not names:
        return ""
    said = listed([f"{name!r} for {emotion_meant(name)}" for name in names])
    return f"This set says {said}: {how} to read {'them' if len(names) > 1 else 'it'} as such."


def chance_level(class_count: int) -> float:
    """Return the accuracy of guessing among ``class_count`` equally likely classes (0 to 1)."""
    return 1 / class_count


def colour_of(name: str) -> str:
    """Return the colour of an emotion or a species as ``#RRGGBB``; grey for any other name."""
    return EMOTION_COLOURS.get(name) or SPECIES_COLOURS.get(name, OTHER_COLOUR)


def species_of(name: str) -> str:
    """Return the species that a set's name begins with; empty where there is none."""
    return species_in(re.split("[-_ ]", name)[0])


def species_in(name: str) -> str:
    """Return the first species named by a word of a name; empty where there is none."""
    words = re.split("[-_ ]", name.lower())
    return next((species for word in words for species in SPECIES_COLOURS if word in (species, f"{species}s")), "")


def colour_of_set(name: str, among: Iterable[str]) -> str:
    """Return the colour of a set ``among`` others: its species' for the first of a species, a shade for the second.

    Grey for a name without a species, and for a third set of the same one.
    """
    alike = [other for other in among if species_of(other) == species_of(name)]
    place = alike.index(name) if name in alike else 0
    colours = SPECIES_COLOURS if place == 0 else SECOND_COLOURS if place == 1 else {}
    return colours.get(species_of(name), colour_of(name))
