"""Domain stand-ins: a tiny random ViT, and pictures whose class can be seen by a machine at a glance."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from emotion.config import TrainConfig

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLOURS = {"happy": (230, 190, 40), "sad": (40, 70, 190), "angry": (200, 40, 30), "tired": (120, 110, 120)}
_FAINT = [200 + level // 5 for level in range(256)]
MakePictures = Callable[..., Path]

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A webcam that shows a clock, allowed without a question.
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what fixtures of several tests look at out of the cache in the working directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTION_CACHE", str(tmp_path_factory.mktemp("cache-of-the-session")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of activations of its own, so that none profits from what another has looked at."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EMOTION_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def own_sets(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a folder of picture sets of its own, and leave alone the one in the working directory."""
    folder = tmp_path_factory.mktemp("sets")
    monkeypatch.setenv("EMOTION_SETS", str(folder))
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of all tests: Playwright cannot be started twice in a process."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}: apt-get install chromium.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=120_000)
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT of the report's architecture, random, width 32, two blocks, 32 px, in the Hub's layout."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    folder = tmp_path_factory.mktemp("tiny-vit")
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DINOv2 like the bundled one, random, width 32, seven blocks for Thorough's six, 28 px, in the Hub's layout."""
    import torch
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    folder = tmp_path_factory.mktemp("tiny-dinov2")
    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=7, num_attention_heads=2, mlp_ratio=2, image_size=28, patch_size=14
    )
    Dinov2Model(config).save_pretrained(folder)
    BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


@pytest.fixture
def make_pictures(tmp_path: Path) -> MakePictures:
    """Return a function that writes ``count`` small noisy pictures a class into a folder and returns it."""

    def make(name: str = "pictures", *, count: int = 12, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
        for label in classes:
            (tmp_path / name / label).mkdir(parents=True)
            for number in range(count):
                rng = random.Random(f"{name}/{label}/{number}")
                colour = tuple(min(255, max(0, part + rng.randint(-40, 40))) for part in COLOURS[label])
                # A pattern of its own: otherwise all of them would be near-duplicates of one another.
                pattern = Image.frombytes("L", (8, 8), rng.randbytes(64)).resize((40, 36), Image.Resampling.BICUBIC)
                image = Image.composite(
                    Image.new("RGB", (40, 36), colour), Image.new("RGB", (40, 36), "white"), pattern.point(_FAINT)
                )
                image.putpixel((number % 40, number // 40), (255, 255, 255))
                image.save(tmp_path / name / label / f"{label}_{number:03}.png")
        return tmp_path / name

    return make


@pytest.fixture
def tiny_config(make_pictures: MakePictures, tiny_vit: Path) -> TrainConfig:
    """Settings of a training that is over in a second: three epochs of the tiny ViT on 48 pictures."""
    return TrainConfig(
        pictures=str(make_pictures()),
        backbone=str(tiny_vit),
        epochs=3,
        batch_size=8,
        image_size=32,
        precision="float32",
    )
