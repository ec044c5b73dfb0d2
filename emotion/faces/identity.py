"""The lasting features of one person, dog or cat, as plain values, independent of emotion."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from emotion.faces.canvas import STYLES
from emotion.faces.palette import (
    CAT_COATS,
    CAT_IRISES,
    CLOTHES,
    DOG_COATS,
    GREY_HAIR,
    HAIRS,
    IRISES,
    SKINS,
    Colour,
    brightness,
    darker,
    lighter,
    mix,
)

SPECIES: tuple[str, ...] = ("human", "dog", "cat")


@dataclass(frozen=True)
class _Identity:
    style: str  # one of STYLES

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Rebuild an identity from ``to_json``, whose colours JSON turned into lists."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**plain)


@dataclass(frozen=True)
class HumanIdentity(_Identity):
    """A person. Sizes are factors around 1, or 0 to 1 where noted."""

    skin: Colour
    age: float  # 0 a child to 1 very old
    face_width: float
    jaw: float  # narrow to square
    eye_size: float
    eye_gap: float
    iris: Colour
    nose: float
    lips: float  # 0 unpainted to 1 full and coloured
    mouth: float
    brow_weight: float
    hair: str  # see hair.py
    hair_colour: Colour
    part: float  # side on which the hair is parted, -1 or 1
    beard: str  # none, stubble, moustache, goatee, full
    glasses: str  # none, round, square
    cover: str  # none, beanie, cap, hijab, turban, band
    cover_colour: Colour
    clothes: str  # crew, shirt, hood, turtleneck
    clothes_colour: Colour
    freckles: bool
    blush: float  # 0 to 1
    earrings: bool


@dataclass(frozen=True)
class DogIdentity(_Identity):
    """A dog."""

    coat: Colour
    second: Colour  # muzzle, chest and blaze
    dark: Colour  # ears and patches
    ears: str  # floppy, pricked, tipped, long
    head_width: float
    muzzle: float  # length and breadth
    eye_size: float
    iris: Colour
    patch: float  # -1 left eye, 1 right eye, 0 none
    blaze: float  # 0 none, else its breadth
    mask: bool  # a dark muzzle
    fluff: float  # 0 short-haired to 1 fluffy
    collar: Colour
    tag: bool


@dataclass(frozen=True)
class CatIdentity(_Identity):
    """A cat."""

    coat: Colour
    second: Colour
    dark: Colour
    pattern: str  # solid, tabby, tuxedo, calico, points
    ears: float  # size
    fold: bool  # folded ears
    head_width: float
    fluff: float
    eye_size: float
    iris: Colour
    nose: Colour
    collar: Colour
    bell: bool


Identity = HumanIdentity | DogIdentity | CatIdentity
_KINDS: dict[str, type[Identity]] = {"human": HumanIdentity, "dog": DogIdentity, "cat": CatIdentity}


def identity_from_json(species: str, values: dict[str, Any]) -> Identity:
    """Rebuild an identity of ``species`` from JSON values."""
    return _KINDS[species].from_json(values)


def rng_of(*key: object) -> random.Random:
    """Return a generator keyed by words and numbers, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def identity_of(species: str, *, seed: int | str, styles: Sequence[str] = STYLES) -> Identity:
    """Draw an individual of ``species``, in one of ``styles``."""
    rng = rng_of("identity", species, seed)
    style = rng.choice(list(styles))
    if species == "human":
        return _human(rng, style)
    return _dog(rng, style) if species == "dog" else _cat(rng, style)


def _pick(rng: random.Random, options: dict[str, float]) -> str:
    return rng.choices(list(options), weights=list(options.values()))[0]


def _near(rng: random.Random, middle: float, spread: float) -> float:
    return round(rng.uniform(middle - spread, middle + spread), 3)


def _human(rng: random.Random, style: str) -> HumanIdentity:
    tone = rng.randrange(len(SKINS))
    skin = mix(SKINS[tone], SKINS[min(tone + 1, len(SKINS) - 1)], rng.random())
    age = round(rng.random(), 3)
    hair_colour = rng.choice(HAIRS[:4] if tone > 4 else HAIRS)
    hair_colour = mix(hair_colour, GREY_HAIR, round(max(0.0, (age - 0.6) / 0.4) ** 0.7 * rng.uniform(0.5, 1), 2))
    bearded = age > 0.25 and rng.random() < 0.4
    hair = _pick(
        rng,
        {
            "short": 3,
            "buzz": 1.5,
            "side": 3,
            "quiff": 2,
            "fringe": 2,
            "curly": 2.5,
            "afro": 1.5,
            "bob": 2.5,
            "long": 3,
            "wavy": 2.5,
            "bun": 2,
            "braids": 1.5,
            "bald": 1.5 if age > 0.4 else 0.2,
        },
    )
    if bearded and hair in ("bob", "bun", "braids", "wavy"):
        hair = "short"
    cover = _pick(rng, {"none": 8, "beanie": 1.2, "cap": 1.2, "turban": 0.8, "hijab": 1.4, "band": 0.7})
    if (bearded and cover in ("hijab", "band")) or (hair in ("bald", "buzz") and cover == "band"):
        cover = "none"
    clothes_colour = rng.choice(CLOTHES)
    return HumanIdentity(
        style=style,
        skin=skin,
        age=age,
        face_width=_near(rng, 0.97, 0.07),
        jaw=_near(rng, 1.0, 0.14),
        eye_size=_near(rng, 1.1 - 0.14 * age, 0.08),
        eye_gap=_near(rng, 1.0, 0.07),
        iris=rng.choice(IRISES[:2] if tone > 4 else IRISES),
        nose=_near(rng, 0.9 + 0.2 * age, 0.15),
        lips=round(rng.uniform(0.3, 1), 3) if not bearded and rng.random() < 0.5 else 0.0,
        mouth=_near(rng, 1.0, 0.1),
        brow_weight=_near(rng, 1.0, 0.3),
        hair=hair,
        hair_colour=hair_colour,
        part=rng.choice((-1.0, 1.0)),
        beard=_pick(rng, {"stubble": 1, "moustache": 1, "goatee": 1, "full": 2}) if bearded else "none",
        glasses=_pick(rng, {"none": 5, "round": 1, "square": 1}),
        cover=cover,
        cover_colour=rng.choice([colour for colour in CLOTHES if colour != clothes_colour]),
        clothes=rng.choice(("crew", "shirt", "hood", "turtleneck")),
        clothes_colour=clothes_colour,
        freckles=tone < 4 and rng.random() < 0.2,
        blush=round(rng.random(), 3),
        earrings=not bearded and rng.random() < 0.3,
    )


def _dog(rng: random.Random, style: str) -> DogIdentity:
    coat = rng.choice(DOG_COATS)
    second = lighter(coat, 0.7) if rng.random() < 0.6 else rng.choice((DOG_COATS[5], DOG_COATS[8]))
    dark = darker(coat, 0.45) if rng.random() < 0.7 else rng.choice((DOG_COATS[2], DOG_COATS[3], DOG_COATS[1]))
    return DogIdentity(
        style=style,
        coat=coat,
        second=second,
        dark=dark,
        ears=_pick(rng, {"floppy": 3, "pricked": 2, "tipped": 2, "long": 2}),
        head_width=_near(rng, 1.0, 0.1),
        muzzle=_near(rng, 1.0, 0.13),
        eye_size=_near(rng, 1.0, 0.12),
        iris=rng.choice(((96, 62, 44), (122, 80, 48), (78, 56, 52), (150, 104, 60))),
        patch=rng.choice((-1.0, 1.0, 0.0, 0.0)),
        blaze=rng.choice((0.0, _near(rng, 1.0, 0.3))),
        mask=brightness(coat) > 0.55 and rng.random() < 0.25,
        fluff=round(rng.random(), 3),
        collar=rng.choice(CLOTHES),
        tag=rng.random() < 0.7,
    )


def _cat(rng: random.Random, style: str) -> CatIdentity:
    pattern = _pick(rng, {"solid": 2, "tabby": 3, "tuxedo": 2, "calico": 1.5, "points": 1.5})
    coat = rng.choice(CAT_COATS)
    if pattern == "points":
        coat = rng.choice((CAT_COATS[4], CAT_COATS[6]))
    dark = darker(coat, 0.4)
    if pattern == "calico":
        coat, dark = CAT_COATS[6], rng.choice((CAT_COATS[0], CAT_COATS[5]))
    return CatIdentity(
        style=style,
        coat=coat,
        second=lighter(coat, 0.75),
        dark=dark,
        pattern=pattern,
        ears=_near(rng, 1.0, 0.15),
        fold=rng.random() < 0.15,
        head_width=_near(rng, 1.0, 0.08),
        fluff=round(rng.random(), 3),
        eye_size=_near(rng, 1.0, 0.1),
        iris=rng.choice(CAT_IRISES),
        nose=rng.choice(((232, 140, 138), (206, 110, 112), (120, 82, 84))),
        collar=rng.choice(CLOTHES),
        bell=rng.random() < 0.6,
    )
