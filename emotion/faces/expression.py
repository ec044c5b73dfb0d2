"""An expression as continuous parameters, shared by all species."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from emotion.faces.moods import MOODS


@dataclass(frozen=True)
class Expression:
    """A facial expression. Each parameter is 0 (``lid_opening`` and ``pupil_size``: 1) in a neutral face.

    The ranges are in ``RANGES``. Parts that a species lacks are not drawn (people do not move their ears).
    """

    brow_height: float = 0.0  # -1 lowered to 1 raised
    brow_angle: float = 0.0  # -1 inner ends up (grief) to 1 inner ends down (anger)
    lid_opening: float = 1.0  # 0 upper lid closed, 1 relaxed, 1.3 wide
    lid_squint: float = 0.0  # 0 to 1 lower lid pushed up by the cheek
    lid_slant: float = 0.0  # -1 outer end of the upper lid hangs to 1 inner end pressed down
    gaze_x: float = 0.0  # -1 left to 1 right, as seen
    gaze_y: float = 0.0  # -1 up to 1 down
    pupil_size: float = 1.0  # 0.4 pinprick to 1.6 wide
    tear: float = 0.0  # 0 none, then wet eyes, to 1 a large tear on the cheek
    bags: float = 0.0  # 0 to 1 rings under the eyes
    mouth_curve: float = 0.0  # -1 corners down to 1 corners up
    mouth_opening: float = 0.0  # 0 closed to 1 wide open
    mouth_width: float = 0.0  # -1 pursed or rounded to 1 stretched
    teeth: float = 0.0  # 0 covered, 0.5 the upper row, 1 both rows bared
    tongue: float = 0.0  # 0 inside to 1 out (a panting dog)
    nose_wrinkle: float = 0.0  # 0 to 1 nose and upper lip pulled up
    ear_lift: float = 0.0  # -1 drooping to 1 pricked (dogs and cats)
    ear_back: float = 0.0  # 0 facing forward to 1 laid flat (dogs and cats)

    def __post_init__(self) -> None:
        # Rounded before drawing, so that the short numbers in the manifest give the same picture.
        for name, (low, high) in RANGES.items():
            object.__setattr__(self, name, round(min(max(float(getattr(self, name)), low), high), 3))

    def without(self, *parts: str) -> Expression:
        """Return this expression with some ``PARTS`` (such as "eyes") made neutral."""
        return replace(self, **{name: getattr(NEUTRAL, name) for part in parts for name in PARTS[part]})

    def to_json(self) -> dict[str, float]:
        """Return the parameters that differ from neutral."""
        return {name: value for name, value in asdict(self).items() if value != getattr(NEUTRAL, name)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Expression:
        """Rebuild an expression from ``to_json``."""
        return cls(**values)


RANGES: dict[str, tuple[float, float]] = {
    "brow_height": (-1, 1),
    "brow_angle": (-1, 1),
    "lid_opening": (0, 1.3),
    "lid_squint": (0, 1),
    "lid_slant": (-1, 1),
    "gaze_x": (-1, 1),
    "gaze_y": (-1, 1),
    "pupil_size": (0.4, 1.6),
    "tear": (0, 1),
    "bags": (0, 1),
    "mouth_curve": (-1, 1),
    "mouth_opening": (0, 1),
    "mouth_width": (-1, 1),
    "teeth": (0, 1),
    "tongue": (0, 1),
    "nose_wrinkle": (0, 1),
    "ear_lift": (-1, 1),
    "ear_back": (0, 1),
}
PARTS: dict[str, tuple[str, ...]] = {
    "brows": ("brow_height", "brow_angle"),
    "eyes": ("lid_opening", "lid_squint", "lid_slant", "gaze_x", "gaze_y", "pupil_size", "tear", "bags"),
    "mouth": ("mouth_curve", "mouth_opening", "mouth_width", "teeth", "tongue", "nose_wrinkle"),
    "ears": ("ear_lift", "ear_back"),
}
NEUTRAL = Expression()


def expression_of(emotion: str, *, species: str, strength: float, rng: random.Random) -> Expression:
    """Draw a random expression of ``emotion`` for ``species``.

    ``strength`` is 0 for a neutral face and 1 for an unmistakable one. Each emotion has a few moods (a closed smile, a
    laugh); one is picked, and each of its parameters varies around its full-strength value.
    """
    moods = MOODS[species][emotion]
    full = rng.choices([mood for _, mood in moods], weights=[weight for weight, _ in moods])[0]
    values: dict[str, float] = {}
    for field in fields(Expression):
        jitter, swing = rng.gauss(0, 0.07), rng.uniform(0.82, 1.12)
        neutral = getattr(NEUTRAL, field.name)
        target = full.get(field.name, neutral)
        if target != neutral:
            values[field.name] = neutral + (target - neutral) * strength * swing
        elif field.name in ("brow_height", "brow_angle", "gaze_x", "gaze_y", "ear_lift", "mouth_width"):
            values[field.name] = neutral + jitter
    # The side to which a face glances is independent of its emotion.
    if "gaze_x" in full:
        values["gaze_x"] *= rng.choice((-1, 1))
    return Expression(**values)
