"""A supersampled canvas that draws outlines in any of the styles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from emotion.faces.palette import INK, SHADOW, WHITE, Colour, darker, deeper, lighter
from emotion.faces.shapes import Point, Points, ribbon

SIZE = 224  # pixels per side of a finished picture
OVERSAMPLING = 4  # pixels drawn for each finished pixel, per axis
PIXELS = SIZE * OVERSAMPLING
STYLES: tuple[str, ...] = ("flat", "outline", "soft", "paper")


@dataclass(frozen=True)
class Light:
    """Where the light comes from: ``x`` -1 (left) to 1 (right), always from above."""

    x: float


class Canvas:
    """A square picture being drawn. Points are given in the unit of the current frame."""

    def __init__(self, background: Image.Image, *, style: str, light: Light) -> None:
        self.image = background
        self.style = style
        self.light = light
        self._clip: Image.Image | None = None
        self._place: tuple[float, float, float, float, float] = (0.0, 0.0, float(PIXELS), 1.0, 0.0)

    @property
    def unit(self) -> float:
        """Drawn pixels in one unit of the current frame."""
        return self._place[2]

    @contextmanager
    def frame(self, *, x: float, y: float, unit: float, turn: float = 0.0) -> Iterator[None]:
        """Move the origin to (x, y) and set the unit, both in finished pixels; ``turn`` is clockwise in degrees."""
        outer = self._place
        angle = math.radians(turn)
        scale = OVERSAMPLING
        self._place = (x * scale, y * scale, unit * scale, math.cos(angle), math.sin(angle))
        try:
            yield
        finally:
            self._place = outer

    @contextmanager
    def shifted(self, x: float, y: float) -> Iterator[None]:
        """Move the origin to (x, y) in the current frame's unit."""
        outer = self._place
        [(left, top)] = self._pixels([(x, y)])
        self._place = (left, top, *outer[2:])
        try:
            yield
        finally:
            self._place = outer

    @contextmanager
    def clip(self, points: Sequence[Point]) -> Iterator[None]:
        """Restrict drawing to the inside of ``points``."""
        outer = self._clip
        mask = Image.new("L", (PIXELS, PIXELS))
        ImageDraw.Draw(mask).polygon(self._pixels(points), fill=255)
        self._clip = mask if outer is None else ImageChops.multiply(mask, outer)
        try:
            yield
        finally:
            self._clip = outer

    def part(self, points: Sequence[Point], colour: Colour, *, depth: float = 1.0, ink: bool = True) -> None:
        """Draw a body part in the canvas's style; ``depth`` scales its shading (0 for none)."""
        pixels = self._pixels(points)
        if self.style == "paper" and depth > 0:
            self._drop_shadow(pixels, depth)
        if self.style == "soft":
            self._fill_soft(pixels, colour, depth)
        else:
            self._fill(pixels, colour)
        if self.style == "flat" and depth > 0:
            self._rim(pixels, darker(colour, 0.17), depth * 0.17, away=True)
        if self.style == "paper" and depth > 0:
            self._rim(pixels, lighter(colour, 0.35), 0.0, away=False, pixels_wide=3.5)
        if self.style == "outline" and ink:
            self._ink(pixels, darker(colour, 0.75) if depth else INK)

    def contour(self, points: Sequence[Point], colour: Colour) -> None:
        """Trace an edge that ``part`` drew without ink; only visible in the outlined style."""
        if self.style == "outline":
            self._ink(self._pixels(points), darker(colour, 0.75), closed=False)

    def mark(self, points: Sequence[Point], colour: Colour, *, alpha: float = 1.0) -> None:
        """Fill an outline with one colour in any style; ``alpha`` is 0 to 1."""
        self._fill(self._pixels(points), colour, alpha=alpha)

    def line(
        self, points: Sequence[Point], colour: Colour, width: float, *, taper: float = 0.5, alpha: float = 1.0
    ) -> None:
        """Draw a rounded stroke of ``width`` units."""
        self.mark(ribbon(points, width, taper=taper), colour, alpha=alpha)

    def glow(self, points: Sequence[Point], colour: Colour, *, alpha: float, blur: float) -> None:
        """Fill an outline with a blurred edge of ``blur`` units, sharp in the styles without gradients."""
        radius = blur * self.unit if self.style == "soft" else 0.0
        self._fill(self._pixels(points), colour, alpha=alpha, blur=radius)

    def finished(self) -> Image.Image:
        """Return the picture at its final size."""
        # A box filter on integers gives the same bits on every machine.
        return self.image.reduce(OVERSAMPLING)

    def _pixels(self, points: Sequence[Point]) -> Points:
        x, y, unit, cos, sin = self._place
        return [(x + (px * cos - py * sin) * unit, y + (px * sin + py * cos) * unit) for px, py in points]

    def _box(self, pixels: Points, margin: float) -> tuple[int, int, int, int]:
        left = max(math.floor(min(x for x, _ in pixels) - margin), 0)
        top = max(math.floor(min(y for _, y in pixels) - margin), 0)
        right = min(math.ceil(max(x for x, _ in pixels) + margin) + 1, PIXELS)
        bottom = min(math.ceil(max(y for _, y in pixels) + margin) + 1, PIXELS)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def _mask(self, pixels: Points, box: tuple[int, int, int, int]) -> Image.Image:
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in pixels], fill=255)
        return mask

    def _paste(self, colour: Colour | Image.Image, mask: Image.Image, box: tuple[int, int, int, int]) -> None:
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip.crop(box))
        self.image.paste(colour, box, mask)

    def _fill(self, pixels: Points, colour: Colour, *, alpha: float = 1.0, blur: float = 0.0) -> None:
        box = self._box(pixels, blur * 3)
        mask = self._mask(pixels, box)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur))
        if alpha < 1:
            mask = mask.point([round(level * alpha) for level in range(256)])
        self._paste(colour, mask, box)

    def _fill_soft(self, pixels: Points, colour: Colour, depth: float) -> None:
        box = self._box(pixels, 4)
        mask = self._mask(pixels, box).filter(ImageFilter.GaussianBlur(1.5))
        width, height = box[2] - box[0], box[3] - box[1]
        # A round light slightly above the middle, on the lit side; the gradient is dark at its rim.
        reach = round(max(width, height) * 1.7)
        ball = Image.radial_gradient("L").resize((reach, reach), Image.Resampling.BILINEAR)
        left = round((reach - width) / 2 - self.light.x * width * 0.24)
        top = round((reach - height) / 2 + height * 0.22)
        rim = ball.crop((left, top, left + width, top + height))
        bright, shade = lighter(colour, 0.20 * depth), darker(deeper(colour, 0.20 * depth), 0.14 * depth)
        self._paste(
            Image.composite(Image.new("RGB", rim.size, shade), Image.new("RGB", rim.size, bright), rim),
            mask,
            box,
        )

    def _rim(self, pixels: Points, colour: Colour, share: float, *, away: bool, pixels_wide: float = 0.0) -> None:
        """Tint the edge on the side away from the light (or towards it), as wide as ``share`` of the shape."""
        box = self._box(pixels, 2)
        mask = self._mask(pixels, box)
        width = pixels_wide or share * min(box[2] - box[0], box[3] - box[1])
        sign = 1 if away else -1
        dx, dy = round(self.light.x * width * sign), round(-0.55 * width * sign)
        kept = self._mask([(x + dx, y + dy) for x, y in pixels], box)
        self._paste(colour, ImageChops.subtract(mask, kept), box)

    def _drop_shadow(self, pixels: Points, depth: float) -> None:
        reach = 9 * min(depth, 1.0)
        shifted = [(x - self.light.x * reach, y + reach) for x, y in pixels]
        self._fill(shifted, SHADOW, alpha=0.30, blur=7 * min(depth, 1.0) + 1)

    def _ink(self, pixels: Points, colour: Colour, *, closed: bool = True) -> None:
        width = 9
        box = self._box(pixels, width)
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        around = [(x - box[0], y - box[1]) for x, y in (*pixels, *(pixels[:2] if closed else ()))]
        ImageDraw.Draw(mask).line(around, fill=255, width=width, joint="curve")
        self._paste(colour, mask, box)


def blank(colour: Colour = WHITE) -> Image.Image:
    """Return an empty supersampled picture."""
    return Image.new("RGB", (PIXELS, PIXELS), colour)
