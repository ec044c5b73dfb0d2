"""The four emotions, the species, and how each is named and coloured everywhere. Knows nothing of pictures."""

from __future__ import annotations

from collections.abc import Iterable

EMOTIONS: tuple[str, ...] = ("happy", "sad", "angry", "tired")

# What other people's picture sets call the four. Only words for the same thing: `relaxed`, `calm` and `neutral` are
# states of their own, and `unhappy` often stands for everything that is not happy.
ALIASES: dict[str, tuple[str, ...]] = {
    "happy": ("happiness", "joy", "joyful", "cheerful", "glad"),
    "sad": ("sadness", "sorrow", "sorrowful"),
    "angry": ("anger", "mad", "furious", "rage"),
    "tired": (
        "tiredness", "sleepy", "sleepiness", "drowsy", "drowsiness", "exhausted", "exhaustion", "fatigue", "fatigued",
        "weary",
    ),
}  # fmt: skip
ALIASES_SETTING = "Read other names of the four emotions"
RELAXED_SETTING = "Read “relaxed” as tired"
RELAXED_WARNING = (
    "Relaxed is not tired: a relaxed dog is at ease, a tired one wants to sleep. Whatever comes out for “tired” then "
    "says how the run calls relaxed animals."
)
_MEANT = {name: emotion for emotion, aliases in ALIASES.items() for name in (emotion, *aliases)}

# After Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), moved where two of ours came close to each other
# for one kind of colour vision; tests/ui/test_colours.py measures it.
EMOTION_COLOURS: dict[str, str] = {
    "happy": "#E69F00",
    "sad": "#0072B2",
    "angry": "#D2432B",
    "tired": "#A493B8",
}
SPECIES_COLOURS: dict[str, str] = {
    "human": "#4A90E2",
    "dog": "#00805E",
    "cat": "#CF7A9C",
}
OTHER_COLOUR = "#7F7F7F"

DRAWN_NOTE = "Drawn pictures show how the tool works and say nothing of real dogs."


def in_order(names: set[str] | list[str]) -> list[str]:
    """Return class names in the order they are shown: the four emotions first, then the rest by alphabet."""
    known = [name for name in EMOTIONS if name in names]
    return known + sorted(name for name in names if name not in EMOTIONS)


def emotion_meant(name: str) -> str:
    """Return the emotion that a class name means, in any case; the name as it is where it means none of the four."""
    return _MEANT.get(name.casefold(), name)


def is_relaxed(name: str) -> bool:
    """Whether a class shows relaxed animals, which are often taken for tired ones and are not."""
    return name.casefold() == "relaxed"


def alias_offer(classes: Iterable[str], *, how: str = f"switch on “{ALIASES_SETTING}”") -> str:
    """Return the sentence that offers to read classes under the emotions' names; empty where each has its own.

    ``how`` says what a person does to have it so. Nobody's classes are renamed unasked.
    """
    names = sorted({name for name in classes if emotion_meant(name) != name}, key=lambda name: (name.casefold(), name))
    if not names:
        return ""
    *others, last = [f"{name!r} for {emotion_meant(name)}" for name in names]
    said = f"{', '.join(others)} and {last}" if others else last
    return f"This set says {said}: {how} to read {'them' if others else 'it'} as such."


def chance_level(class_count: int) -> float:
    """Return the accuracy of guessing among ``class_count`` equally likely classes (0 to 1)."""
    return 1 / class_count


def colour_of(name: str) -> str:
    """Return the colour of an emotion or a species as ``#RRGGBB``; grey for a name that is neither."""
    return EMOTION_COLOURS.get(name) or SPECIES_COLOURS.get(name, OTHER_COLOUR)


def species_of(name: str) -> str:
    """Return the species that a set's name begins with, or nothing."""
    first = name.lower().replace("-", "_").replace(" ", "_").split("_")[0]
    for species in SPECIES_COLOURS:
        if first in (species, species + "s"):
            return species
    return ""


def species_in(name: str) -> str:
    """Return the species that a word of a name means, the first one; nothing where none does."""
    words = name.replace("-", " ").replace("_", " ").split()
    return next((species for word in words if (species := species_of(word))), "")


def colour_of_set(name: str) -> str:
    """Return the colour of the species that a set's name begins with; grey where it begins with none."""
    return SPECIES_COLOURS.get(species_of(name), colour_of(name))
