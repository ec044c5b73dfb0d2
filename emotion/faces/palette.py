"""The palette of the drawn pictures, and functions to mix its colours."""

from __future__ import annotations

Colour = tuple[int, int, int]

INK: Colour = (62, 45, 60)
SHADOW: Colour = (74, 44, 84)
WHITE: Colour = (255, 252, 246)
MOUTH: Colour = (116, 42, 54)
TONGUE: Colour = (238, 134, 138)
TEAR: Colour = (120, 192, 232)
GOLD: Colour = (240, 186, 84)

SKINS: tuple[Colour, ...] = (
    (255, 224, 200),
    (248, 208, 176),
    (238, 188, 148),
    (222, 166, 122),
    (198, 138, 96),
    (164, 108, 74),
    (128, 82, 60),
    (110, 72, 57),
)
HAIRS: tuple[Colour, ...] = (
    (48, 38, 46),
    (72, 50, 46),
    (112, 72, 50),
    (156, 100, 58),
    (196, 92, 52),
    (226, 178, 102),
    (240, 208, 148),
    (96, 58, 72),
)
GREY_HAIR: Colour = (214, 208, 208)
IRISES: tuple[Colour, ...] = ((92, 60, 44), (120, 78, 48), (72, 112, 140), (92, 128, 90), (86, 84, 100))
CLOTHES: tuple[Colour, ...] = (
    (216, 106, 82),
    (236, 168, 84),
    (108, 154, 134),
    (74, 116, 142),
    (138, 112, 160),
    (206, 122, 140),
    (242, 226, 202),
    (70, 74, 104),
    (150, 168, 108),
)
BACKGROUNDS: tuple[Colour, ...] = (
    (252, 232, 208),
    (248, 214, 196),
    (214, 230, 216),
    (208, 226, 236),
    (228, 218, 238),
    (250, 238, 190),
    (244, 220, 226),
    (222, 222, 206),
    (200, 220, 222),
    (238, 206, 178),
)
PLAIN_BACKGROUND: Colour = (243, 236, 226)
DOG_COATS: tuple[Colour, ...] = (
    (226, 174, 112),
    (198, 134, 80),
    (142, 92, 62),
    (104, 72, 60),
    (84, 76, 86),
    (240, 220, 188),
    (172, 160, 158),
    (206, 108, 66),
    (248, 238, 224),
)
CAT_COATS: tuple[Colour, ...] = (
    (236, 160, 88),
    (164, 154, 158),
    (124, 114, 124),
    (84, 78, 92),
    (244, 226, 200),
    (198, 152, 116),
    (248, 240, 230),
    (142, 104, 84),
    (120, 136, 156),
)
CAT_IRISES: tuple[Colour, ...] = ((242, 196, 82), (154, 190, 98), (118, 182, 206), (226, 148, 66), (112, 176, 150))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour ``share`` (0 to 1) of the way from ``first`` to ``second``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def inked(skin: Colour) -> Colour:
    """Return the colour of a line that is visible on ``skin``, even darker on dark skin."""
    return mix((32, 18, 28), mix(INK, darker(skin, 0.85), 0.4), min(1.0, brightness(skin) * 1.5))


def darker(colour: Colour, share: float) -> Colour:
    """Return a darker ``colour``, mixed towards plum instead of black, so that shadows stay warm."""
    return mix(colour, SHADOW, share)


def lighter(colour: Colour, share: float) -> Colour:
    """Return a lighter ``colour``, mixed towards a warm white."""
    return mix(colour, WHITE, share)


def deeper(colour: Colour, share: float) -> Colour:
    """Return a darker ``colour`` of the same hue and higher saturation, as in the shade of a warm room."""
    red, green, blue = (round(255 * (part / 255) ** (1 + 1.6 * share)) for part in colour)
    return (red, green, blue)


def brightness(colour: Colour) -> float:
    """Return the perceived brightness, 0 to 1 (ITU-R BT.601 weights)."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255
