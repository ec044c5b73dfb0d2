"""What a public server gives each visitor, and all of them together, as its environment says."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from emotion.core.config import TrainConfig
from emotion.core.errors import ConfigError, RefusedError
from emotion.data.limits import Limits

SWITCH, PREFIX, PASSWORD = "EMOTION_PUBLIC", "EMOTION_PUBLIC_", "EMOTION_PASSWORD"
# Visitors of one address, as of a school, may together have so many times what one may have.
ADDRESS_FACTOR = 3
SMALL = "dinov2-small, facebook/dinov2-small, facebook/dinov2-with-registers-small, "
SMALL += "WinKawaks/vit-small-patch16-224, facebook/deit-small-patch16-224, "
SMALL += "microsoft/swin-tiny-patch4-window7-224, facebook/convnext-tiny-224"
BIG = "google/vit-base-patch16-224-in21k, google/vit-base-patch16-224, facebook/dinov2-base, "
BIG += "google/siglip2-base-patch16-224, openai/clip-vit-base-patch16, microsoft/beit-base-patch16-224-pt22k"


@dataclass(frozen=True, kw_only=True)
class PublicLimits:
    """The limits of a public server; each may be changed by ``EMOTION_PUBLIC_`` and its name in capital letters.

    ``small`` and ``big`` are the names of the backbones that may be trained on, parted by commas; of each kind at most
    so many last blocks are trained, where "everything" needs all twelve.

    Raises:
        ConfigError: a number is out of its range.
    """

    set_pictures: int = 2_000  # in one picture set
    set_megabytes: int = 300  # of one picture set, unpacked
    upload_megabytes: int = 100  # of one upload
    sets: int = 5  # of one visitor
    runs: int = 20  # of one visitor
    queued: int = 5  # trainings of one visitor that wait or go on: as many as a sweep proposes at most
    queued_in_all: int = 30
    cameras: int = 2  # live at a time
    camera_seconds: int = 120  # of one visitor, then another one's turn has come
    training_minutes: int = 60  # then a training is asked to stop, and keeps its best epoch
    epochs: int = 20
    image_size: int = 224
    small: str = SMALL
    small_blocks: int = 6
    big: str = BIG
    big_blocks: int = 0
    disk_gigabytes: float = 20.0  # runs, sets and cache together
    kept_hours: float = 48.0  # then what a visitor left is deleted

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name.endswith("_blocks") else 1
            if isinstance(value, int | float) and not least <= value < 1e9:
                raise ConfigError(f"{PREFIX}{field.name.upper()} is {value:g}: use a number from {least} on.")

    def of_import(self) -> Limits:
        """Return what the import of a picture set may hold."""
        return Limits(
            pictures=self.set_pictures,
            files=4 * self.set_pictures,
            bytes=self.set_megabytes * 1_000_000,
            picture_bytes=min(20, self.set_megabytes) * 1_000_000,
            depth=8,
            seconds=600,
        )

    def check(self, config: TrainConfig) -> None:
        """Let pass a training that is within the limits.

        Raises:
            RefusedError: it is not; the sentence names the limit.
        """
        given = {"epochs": (config.epochs, self.epochs), "pixels of image size": (config.image_size, self.image_size)}
        for name, (value, most) in given.items():
            _require(value <= most, f"{value:,} {name} are more than this public server gives: use at most {most:,}.")
        small, big = _names(self.small), _names(self.big)
        offered = ", ".join((*small, *big))
        is_offered = config.backbone in (*small, *big)
        _require(is_offered, f"This public server trains on no other backbones than these: {offered}.")
        most = self.small_blocks if config.backbone in small else self.big_blocks
        allowed = f"the classifier and at most {most} of its last blocks" if most else "the classifier alone"
        _require(
            int({"head": 0, "all": 12}.get(str(config.depth), config.depth)) <= most,
            f"On this public server {config.backbone} is trained as {allowed}: choose less depth.",
        )

    def check_counts(self, *, going: list[str], runs: list[str], visitor: str, near: Collection[str]) -> None:
        """Let pass one more training of a visitor; ``near`` are those who came from the same address, the visitor too.

        ``going`` has the owner of each training that waits or goes on, ``runs`` of each run that would be one more.

        Raises:
            RefusedError: it would be one too many.
        """
        from_here, later = sum(owner in near for owner in going), "try again later"
        _require(
            going.count(visitor) < self.queued,
            f"A visitor may have {self.queued} trainings waiting or going on at a time: stop one of yours, or wait.",
        )
        _require(
            from_here < ADDRESS_FACTOR * self.queued,
            f"{from_here} trainings from your address wait or go on, the limit of this public server: {later}.",
        )
        _require(
            len(going) < self.queued_in_all,
            f"This public server lets {self.queued_in_all} trainings wait or go on at a time: {later}.",
        )
        kept = sum(owner in near for owner in runs)
        _require(
            runs.count(visitor) < self.runs,
            f"A visitor may keep {self.runs} runs: delete one of yours in the Runs tab.",
        )
        _require(
            kept < ADDRESS_FACTOR * self.runs,
            f"{kept} runs came from your address, the limit of this public server: delete some.",
        )


def is_public(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this is a public server: ``EMOTION_PUBLIC=1``, or a Space where it is not ``0``."""
    given = os.environ if environment is None else environment
    return given.get(SWITCH, "1" if given.get("SPACE_ID") else "0") == "1"


def public_limits() -> PublicLimits | None:
    """Return the limits of a public server; None on one's own machine.

    Raises:
        ConfigError: a variable is unknown, no number, or out of its range.
    """
    given = os.environ
    if given.get(SWITCH, "0") not in ("0", "1"):
        raise ConfigError(f"{SWITCH} is {given[SWITCH]!r}: set it to 1 for a public server, or to 0.")
    known = {PREFIX + field.name.upper(): field for field in fields(PublicLimits)}
    values: dict[str, Any] = {}
    for name in sorted(each for each in given if each.startswith(PREFIX)):
        if name not in known:
            raise ConfigError(f"{name} is no limit of a public server: use one of {', '.join(known)}.")
        kind: Any = type(known[name].default)
        try:
            values[known[name].name] = kind(given[name])
        except ValueError as error:
            what = "a whole number" if kind is int else "a number"
            raise ConfigError(f"{name} is {given[name]!r}: set it to {what}.") from error
    limits = PublicLimits(**values)
    return limits if is_public() else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _require(is_allowed: bool, sentence: str) -> None:
    if not is_allowed:
        raise RefusedError(sentence)
