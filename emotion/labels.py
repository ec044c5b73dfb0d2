"""The four emotions, the species, and how each is named and coloured everywhere. Knows nothing of pictures."""

EMOTIONS: tuple[str, ...] = ("happy", "sad", "angry", "tired")

# Okabe and Ito's colour-blind safe palette (https://jfly.uni-koeln.de/color/), so that the four stay apart
# for every common kind of colour vision, on white and on near-black.
EMOTION_COLOURS: dict[str, str] = {
    "happy": "#E69F00",
    "sad": "#0072B2",
    "angry": "#D55E00",
    "tired": "#8C7AA9",
}
SPECIES_COLOURS: dict[str, str] = {
    "human": "#56B4E9",
    "dog": "#009E73",
    "cat": "#CC79A7",
}
OTHER_COLOUR = "#7F7F7F"

DRAWN_NOTE = "Drawn pictures show how the tool works and say nothing of real dogs."


def in_order(names: set[str] | list[str]) -> list[str]:
    """Return class names in the order they are shown: the four emotions first, then the rest by alphabet."""
    known = [name for name in EMOTIONS if name in names]
    return known + sorted(name for name in names if name not in EMOTIONS)


def chance_level(class_count: int) -> float:
    """Return the accuracy of guessing among ``class_count`` equally likely classes (0 to 1)."""
    return 1 / class_count


def colour_of(name: str) -> str:
    """Return the colour of an emotion or a species as ``#RRGGBB``; grey for a name that is neither."""
    return EMOTION_COLOURS.get(name) or SPECIES_COLOURS.get(name, OTHER_COLOUR)
