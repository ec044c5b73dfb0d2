"""How each species shows each emotion, at full strength: weighted moods of ``Expression`` parameters."""

from __future__ import annotations

Mood = dict[str, float]
Moods = dict[str, list[tuple[float, Mood]]]

# Each mood is a paragraph, which compares better than one number per line.
# fmt: off
_HUMAN: Moods = {
    "happy": [
        (3, {"mouth_curve": 1.0, "mouth_width": 0.5, "lid_squint": 0.45, "brow_height": 0.3}),
        (3, {"mouth_curve": 0.95, "mouth_opening": 0.36, "mouth_width": 0.6, "teeth": 0.75, "lid_squint": 0.45,
             "brow_height": 0.35}),
        (3, {"mouth_curve": 1.0, "mouth_opening": 0.72, "mouth_width": 0.45, "teeth": 0.45, "tongue": 0.4,
             "lid_squint": 0.75, "lid_opening": 0.8, "brow_height": 0.5}),
    ],
    "sad": [
        (3, {"mouth_curve": -0.9, "brow_angle": -0.95, "brow_height": 0.15, "lid_slant": -0.7,
             "lid_opening": 0.85, "gaze_y": 0.6}),
        (3, {"mouth_curve": -0.85, "brow_angle": -1.0, "brow_height": 0.2, "lid_slant": -0.7, "lid_opening": 0.85,
             "gaze_y": 0.35, "tear": 0.9, "mouth_width": -0.15}),
        (2, {"mouth_curve": -1.0, "mouth_opening": 0.26, "mouth_width": 0.1, "brow_angle": -1.0,
             "lid_slant": -0.75, "lid_opening": 0.8, "lid_squint": 0.2, "gaze_x": 0.4, "gaze_y": 0.4, "tear": 0.95}),
    ],
    "angry": [
        (3, {"brow_angle": 1.0, "brow_height": -0.75, "lid_slant": 0.85, "lid_squint": 0.2, "mouth_curve": -0.6,
             "mouth_width": 0.0, "nose_wrinkle": 0.5, "pupil_size": 0.75}),
        (3, {"brow_angle": 1.0, "brow_height": -0.8, "lid_slant": 0.9, "lid_squint": 0.3, "mouth_curve": -0.5,
             "mouth_opening": 0.36, "mouth_width": 0.5, "teeth": 1.0, "nose_wrinkle": 0.9, "pupil_size": 0.7}),
        (2, {"brow_angle": 1.0, "brow_height": -0.6, "lid_slant": 0.8, "lid_opening": 1.1, "mouth_curve": -0.55,
             "mouth_opening": 0.8, "mouth_width": 0.25, "teeth": 0.6, "tongue": 0.25, "nose_wrinkle": 0.8,
             "pupil_size": 0.65}),
    ],
    "tired": [
        (4, {"lid_opening": 0.30, "bags": 1.0, "brow_height": 0.2, "mouth_curve": -0.08, "gaze_y": 0.35,
             "mouth_width": -0.15}),
        (2, {"lid_opening": 0.22, "bags": 0.9, "brow_height": 0.35, "brow_angle": -0.25, "mouth_curve": -0.12,
             "gaze_x": 0.3}),
        (3, {"lid_opening": 0.16, "bags": 0.8, "brow_height": 0.55, "brow_angle": -0.3, "mouth_opening": 0.85,
             "mouth_width": -0.8, "tongue": 0.3}),
    ],
}
_DOG: Moods = {
    "happy": [
        (4, {"mouth_curve": 1.0, "mouth_opening": 0.75, "tongue": 0.95, "lid_squint": 0.3, "brow_height": 0.45,
             "ear_lift": 0.35, "pupil_size": 1.15}),
        (2, {"mouth_curve": 1.0, "mouth_opening": 0.5, "tongue": 0.55, "lid_squint": 0.7, "brow_height": 0.5,
             "ear_lift": 0.25}),
        (2, {"mouth_curve": 0.95, "mouth_opening": 0.3, "tongue": 0.3, "lid_squint": 0.45, "brow_height": 0.4,
             "ear_lift": 0.5}),
    ],
    "sad": [
        (3, {"brow_angle": -1.0, "brow_height": 0.25, "lid_slant": -0.75, "lid_opening": 0.85, "gaze_y": 0.6,
             "mouth_curve": -0.9, "ear_lift": -0.9, "pupil_size": 1.25}),
        (3, {"brow_angle": -1.0, "brow_height": 0.2, "lid_slant": -0.75, "lid_opening": 0.9, "gaze_y": -0.35,
             "gaze_x": 0.3, "mouth_curve": -0.85, "ear_lift": -0.8, "tear": 0.85, "pupil_size": 1.35}),
    ],
    "angry": [
        (4, {"brow_angle": 1.0, "brow_height": -0.8, "lid_slant": 0.9, "lid_squint": 0.25, "mouth_curve": -0.5,
             "mouth_opening": 0.4, "teeth": 1.0, "nose_wrinkle": 1.0, "ear_back": 0.95, "pupil_size": 0.7}),
        (2, {"brow_angle": 1.0, "brow_height": -0.7, "lid_slant": 0.85, "mouth_curve": -0.4, "mouth_opening": 0.8,
             "teeth": 0.9, "tongue": 0.15, "nose_wrinkle": 0.9, "ear_back": 0.9, "pupil_size": 0.6}),
    ],
    "tired": [
        (4, {"lid_opening": 0.34, "bags": 0.9, "ear_lift": -0.55, "mouth_curve": -0.35, "brow_height": 0.1,
             "brow_angle": -0.25, "gaze_y": 0.3}),
        (2, {"lid_opening": 0.18, "bags": 0.85, "ear_lift": -0.7, "mouth_curve": -0.35, "brow_height": 0.25,
             "brow_angle": -0.3}),
        (2, {"lid_opening": 0.12, "bags": 0.7, "ear_lift": -0.4, "mouth_opening": 1.0, "mouth_width": -0.9,
             "brow_height": 0.5, "tongue": 0.28, "teeth": 0.3}),
    ],
}
_CAT: Moods = {
    "happy": [
        (3, {"mouth_curve": 1.0, "lid_squint": 0.9, "lid_opening": 1.05, "ear_lift": 0.4, "brow_height": 0.7,
             "pupil_size": 1.4}),
        (3, {"mouth_curve": 1.0, "mouth_opening": 0.5, "tongue": 0.35, "lid_squint": 0.8, "lid_opening": 1.05,
             "ear_lift": 0.45, "brow_height": 0.6, "pupil_size": 1.3}),
        (2, {"mouth_curve": 1.0, "mouth_opening": 0.3, "lid_squint": 0.35, "ear_lift": 0.5, "pupil_size": 1.3,
             "brow_height": 0.5}),
    ],
    "sad": [
        (3, {"mouth_curve": -0.9, "brow_angle": -1.0, "brow_height": 0.3, "lid_slant": -0.75, "lid_opening": 0.95,
             "gaze_y": 0.4, "pupil_size": 1.5, "ear_lift": -0.75, "tear": 0.35}),
        (3, {"mouth_curve": -0.95, "brow_angle": -1.0, "brow_height": 0.25, "lid_slant": -0.7,
             "lid_opening": 0.95, "pupil_size": 1.5, "ear_lift": -0.8, "tear": 0.95}),
    ],
    "angry": [
        (4, {"mouth_opening": 0.7, "mouth_curve": -0.5, "teeth": 1.0, "tongue": 0.25, "nose_wrinkle": 0.9,
             "brow_angle": 1.0, "brow_height": -0.7, "lid_slant": 0.95, "ear_back": 1.0, "pupil_size": 0.5}),
        (2, {"mouth_opening": 0.3, "mouth_curve": -0.8, "teeth": 0.9, "nose_wrinkle": 0.8, "brow_angle": 1.0,
             "brow_height": -0.8, "lid_slant": 1.0, "lid_squint": 0.2, "ear_back": 0.9, "pupil_size": 0.45}),
    ],
    "tired": [
        (4, {"lid_opening": 0.36, "bags": 0.85, "ear_lift": -0.45, "gaze_y": 0.3, "mouth_curve": -0.35,
             "brow_angle": -0.25}),
        (2, {"lid_opening": 0.12, "bags": 0.8, "ear_lift": -0.55, "mouth_curve": -0.3, "brow_angle": -0.3}),
        (2, {"lid_opening": 0.14, "bags": 0.7, "ear_lift": -0.35, "mouth_opening": 1.0, "mouth_width": -0.9,
             "tongue": 0.28, "teeth": 0.3, "brow_height": 0.4}),
    ],
}
# fmt: on

MOODS: dict[str, Moods] = {"human": _HUMAN, "dog": _DOG, "cat": _CAT}
