"""What environment variables set: whether the server is public, its limits per visitor and in total, its MCP tools."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from math import inf
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from emotion.core.config import TrainConfig
from emotion.core.errors import ConfigError, RefusedError
from emotion.data.limits import Limits

PUBLIC, PREFIX = "EMOTION_PUBLIC", "EMOTION_PUBLIC_"
PASSWORD, MCP = "EMOTION_PASSWORD", "EMOTION_MCP"
# Visitors of one address, such as a school's, may together have this many times one visitor's limit.
ADDRESS_FACTOR = 3
SMALL = "dinov2-small, facebook/dinov2-small, facebook/dinov2-with-registers-small, "
SMALL += "WinKawaks/vit-small-patch16-224, facebook/deit-small-patch16-224, "
SMALL += "microsoft/swin-tiny-patch4-window7-224, facebook/convnext-tiny-224"
BIG = "google/vit-base-patch16-224-in21k, google/vit-base-patch16-224, facebook/dinov2-base, "
BIG += "google/siglip2-base-patch16-224, openai/clip-vit-base-patch16, microsoft/beit-base-patch16-224-pt22k"
Count = Annotated[int, Field(ge=1, lt=1e9)]
Amount = Annotated[float, Field(ge=1, lt=1e9)]
Blocks = Annotated[int, Field(ge=0, lt=1e9)]


@dataclass(frozen=True, kw_only=True)
class PublicLimits:
    """The limits of a public server; each can be set by ``EMOTION_PUBLIC_`` and its name in capital letters.

    ``small`` and ``big`` are comma-separated names of the backbones that may be trained; ``small_blocks`` and
    ``big_blocks`` limit how many of their last blocks are trained, where "all" counts as twelve.
    """

    set_pictures: Count = 2_000  # in one picture set
    set_megabytes: Count = 300  # of one picture set, unpacked
    upload_megabytes: Count = 100  # of one upload
    sets: Count = 5  # of one visitor
    runs: Count = 20  # of one visitor
    queued: Count = 5  # queued or running trainings of one visitor; the largest proposed sweep fits
    queued_in_all: Count = 30
    cameras: Count = 2  # live at a time
    camera_seconds: Count = 120  # of one visitor, before another one's turn
    training_minutes: Count = 60  # then a training is asked to stop; its best epoch is saved
    epochs: Count = 20
    image_size: Count = 224
    small: str = SMALL
    small_blocks: Blocks = 6
    big: str = BIG
    big_blocks: Blocks = 0
    disk_gigabytes: Amount = 20.0  # runs, sets and cache together
    kept_hours: Amount = 48.0  # then a visitor's data is deleted

    def of_import(self) -> Limits:
        """Return the limits of the import of a picture set."""
        return Limits(
            pictures=self.set_pictures,
            files=4 * self.set_pictures,
            bytes=self.set_megabytes * 1_000_000,
            picture_bytes=min(20, self.set_megabytes) * 1_000_000,
            depth=8,
            seconds=600,
        )

    def check(self, config: TrainConfig) -> None:
        """Check that a training is within the limits. Raises RefusedError, which names the limit, if it is not."""
        small, big = ([name.strip() for name in names.split(",")] for names in (self.small, self.big))
        most = self.small_blocks if config.backbone in small else self.big_blocks
        part = f"the classifier and at most {most} of its last blocks" if most else "the classifier alone"
        blocks = int({"head": 0, "all": 12}.get(str(config.depth), config.depth))
        more = "are more than this public server gives: use at most"
        rules = {
            f"{config.epochs:,} epochs {more} {self.epochs:,}.": config.epochs <= self.epochs,
            f"{config.image_size} pixels of image size {more} {self.image_size}.": config.image_size <= self.image_size,
            f"This public server trains on no other backbones than these: {self.small}, {self.big}.": (
                config.backbone in (*small, *big)
            ),
            f"On this public server {config.backbone} is trained as {part}: choose less depth.": blocks <= most,
        }
        for sentence, holds in rules.items():
            if not holds:
                raise RefusedError(sentence)


def require_share(
    what: str, used: Mapping[str, float], visitor: str, near: Collection[str], *, most: float, in_all: float = inf
) -> None:
    """Check that neither a visitor nor all those ``near``, of the same address, nor all together use up their share.

    ``used`` is how much of ``what`` each visitor has, of which one may have ``most``.
    Raises RefusedError, which names the limit, if it is reached.
    """
    for whose, has, limit in (
        ("You", used.get(visitor, 0), most),
        ("Visitors of your address", sum(used.get(each, 0) for each in near), ADDRESS_FACTOR * most),
        ("All visitors together", sum(used.values()), in_all),
    ):
        if has >= limit:
            raise RefusedError(
                f"{whose} may have at most {limit:,.6g} {what}, since this server is public: stop or delete some of "
                "yours, or try again later."
            )


_LIMITS = TypeAdapter(PublicLimits)


def public_limits() -> PublicLimits | None:
    """Return the limits of a public server; None on one's own machine.
    Raises ConfigError if a variable is unknown, not a number, or out of range.
    """
    given = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    known = [field.name.upper() for field in fields(PublicLimits)]
    if unknown := sorted(set(given) - set(known)):
        raise ConfigError(f"{PREFIX}{unknown[0]} is no limit of a public server: use one of {', '.join(known)}.")
    try:
        limits = _LIMITS.validate_python({name.lower(): value for name, value in given.items()})
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{first['loc'][0]}".upper()
        raise ConfigError(f"{name} is {first['input']!r}: {first['msg'].replace('Input', 'it')}.") from error
    return limits if is_public() else None


def switch(name: str, *, default: str = "0") -> bool:
    """Whether an environment variable is 1. Raises ConfigError if it is neither 0 nor 1."""
    given = os.environ.get(name, default)
    if given not in ("0", "1"):
        raise ConfigError(f"{name} is {given!r}: set it to 1 or to 0.")
    return given == "1"


def is_public() -> bool:
    """Whether this is a public server: ``EMOTION_PUBLIC=1``, or a Space where it is not ``0``."""
    return switch(PUBLIC, default="1" if os.environ.get("SPACE_ID") else "0")


def serves_mcp() -> bool:
    """Whether ``EMOTION_MCP`` asks for the endpoints as MCP tools too, which need an additional package.
    Raises ConfigError if the package is missing, or the server is public or has a password.
    """
    if not switch(MCP):
        return False
    if is_public() or os.environ.get(PASSWORD):
        raise ConfigError(
            f"{MCP}=1 is for one's own machine, since its calls carry neither cookie nor password: set it to 0, or "
            f"serve without {PASSWORD} and not in public."
        )
    if find_spec("mcp") is None:
        how = f'pip install "gradio[mcp]=={version("gradio")}"'
        raise ConfigError(f"{MCP}=1 needs the package mcp: {how}, or set {MCP} to 0.")
    return True
