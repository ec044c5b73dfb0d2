"""What environment variables set: whether the server is public, its limits per visitor and in total, its MCP tools."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

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


@dataclass(frozen=True, kw_only=True)
class PublicLimits:
    """The limits of a public server; each can be set by ``EMOTION_PUBLIC_`` and its name in capital letters.

    ``small`` and ``big`` are comma-separated names of the backbones that may be trained; ``small_blocks`` and
    ``big_blocks`` limit how many of their last blocks are trained, where "all" counts as twelve.
    Raises ConfigError if a number is out of its range.
    """

    set_pictures: int = 2_000  # in one picture set
    set_megabytes: int = 300  # of one picture set, unpacked
    upload_megabytes: int = 100  # of one upload
    sets: int = 5  # of one visitor
    runs: int = 20  # of one visitor
    queued: int = 5  # queued or running trainings of one visitor; the largest proposed sweep fits
    queued_in_all: int = 30
    cameras: int = 2  # live at a time
    camera_seconds: int = 120  # of one visitor, before another one's turn
    training_minutes: int = 60  # then a training is asked to stop; its best epoch is saved
    epochs: int = 20
    image_size: int = 224
    small: str = SMALL
    small_blocks: int = 6
    big: str = BIG
    big_blocks: int = 0
    disk_gigabytes: float = 20.0  # runs, sets and cache together
    kept_hours: float = 48.0  # then a visitor's data is deleted

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name.endswith("_blocks") else 1
            if isinstance(value, int | float) and not least <= value < 1e9:
                raise ConfigError(f"{PREFIX}{field.name.upper()} is {value:g}: use a number from {least} on.")

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
        """Check that a training is within the limits.
        Raises RefusedError if not; the message names the limit.
        """
        given = {"epochs": (config.epochs, self.epochs), "pixels of image size": (config.image_size, self.image_size)}
        for name, (value, most) in given.items():
            _require(value <= most, f"{value:,} {name} are more than this public server gives: use at most {most:,}.")
        small, big = _names(self.small), _names(self.big)
        _require(
            config.backbone in (*small, *big),
            f"This public server trains on no other backbones than these: {', '.join((*small, *big))}.",
        )
        most = self.small_blocks if config.backbone in small else self.big_blocks
        allowed = f"the classifier and at most {most} of its last blocks" if most else "the classifier alone"
        blocks = {"head": 0, "all": 12}.get(str(config.depth), config.depth)
        _require(
            int(blocks) <= most,
            f"On this public server {config.backbone} is trained as {allowed}: choose less depth.",
        )

    def check_counts(self, *, going: list[str], runs: list[str], visitor: str, near: Collection[str]) -> None:
        """Check that a visitor may start another training; ``near`` are all visitors of the same address.

        ``going`` has the owner of each queued or running training, ``runs`` the owner of each stored run that counts.
        Raises RefusedError if a limit is reached.
        """
        going_here, runs_here = (sum(owner in near for owner in owners) for owners in (going, runs))
        _require(
            going.count(visitor) < self.queued,
            f"A visitor may have {self.queued} trainings waiting or going on at a time: stop one of yours, or wait.",
        )
        _require(
            going_here < ADDRESS_FACTOR * self.queued,
            f"{going_here} trainings from your address wait or go on, the limit of this public server: wait.",
        )
        _require(
            len(going) < self.queued_in_all,
            f"This public server lets {self.queued_in_all} trainings wait or go on at a time: try again later.",
        )
        _require(
            runs.count(visitor) < self.runs,
            f"A visitor may keep {self.runs} runs: delete one of yours in the Runs tab.",
        )
        _require(
            runs_here < ADDRESS_FACTOR * self.runs,
            f"{runs_here} runs came from your address, the limit of this public server: delete some.",
        )


def switch(name: str, *, default: str = "0") -> bool:
    """Whether an environment variable is 1. Raises ConfigError if it is neither 0 nor 1."""
    given = os.environ.get(name, default)
    if given not in ("0", "1"):
        raise ConfigError(f"{name} is {given!r}: set it to 1 or to 0.")
    return given == "1"


def is_public() -> bool:
    """Whether this is a public server: ``EMOTION_PUBLIC=1``, or a Space where it is not ``0``."""
    return switch(PUBLIC, default="1" if os.environ.get("SPACE_ID") else "0")


def public_limits() -> PublicLimits | None:
    """Return the limits of a public server; None on one's own machine.
    Raises ConfigError if a variable is unknown, not a number, or out of range.
    """
    known = {PREFIX + field.name.upper(): field for field in fields(PublicLimits)}
    values: dict[str, Any] = {}
    for name in sorted(each for each in os.environ if each.startswith(PREFIX)):
        if name not in known:
            raise ConfigError(f"{name} is no limit of a public server: use one of {', '.join(known)}.")
        kind: Any = type(known[name].default)
        try:
            values[known[name].name] = kind(os.environ[name])
        except ValueError as error:
            what = "a whole number" if kind is int else "a number"
            raise ConfigError(f"{name} is {os.environ[name]!r}: set it to {what}.") from error
    limits = PublicLimits(**values)
    return limits if is_public() else None


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
        raise ConfigError(f"{MCP}=1 needs the package mcp: {what_to_install()}, or set {MCP} to 0.")
    return True


def what_to_install() -> str:
    """Return the command that installs the MCP package in Gradio's version."""
    return f'pip install "gradio[mcp]=={version("gradio")}"'


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _require(is_allowed: bool, sentence: str) -> None:
    if not is_allowed:
        raise RefusedError(sentence)
