"""Visitors of a public server who mean no good: what they send, claim, hoard and hold up."""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import struct
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from helpers.looking import confusion, open_run, panel
from helpers.pictures import picture_bytes, write_pictures, write_zip
from helpers.processes import frozen
from helpers.run_folder import events_of, runs_in, status_of
from helpers.serving import Site
from helpers.visitors import RefusedError, Visitor, file_payload
from helpers.waiting import until
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

UNKNOWN, BESIDE = "is not a picture", "carries too much beside its pixels"


@pytest.fixture(scope="module")
def site(serve_public: Callable[..., Site]) -> Site:
    """A Space, whose proxy says where a visitor comes from, with little room."""
    return serve_public(
        SPACE_ID="somebody/emotion",
        SPACE_HOST="somebody-emotion.hf.space",
        EMOTION_PUBLIC_QUEUED="2",
        EMOTION_PUBLIC_DISK_GIGABYTES="4",
    )


def coded(image: Image.Image, kind: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def test_fault_an_upload_is_its_senders_alone_and_what_is_no_upload_is_none(
    site: Site, anna: Visitor, bert: Visitor
) -> None:
    hers, stray = anna.upload("hers.png", picture_bytes()), site.uploads / "stray.png"
    stray.write_bytes(picture_bytes())
    address = f"gradio_api/file={hers['path']}"
    assert anna.http.get(address).content == picture_bytes()
    assert bert.http.get(address).status_code == 403
    nobodys = (site.uploads, Path(hers["path"]).parent, stray, site.uploads / "nothing.png")
    for visitor, path in ((bert, hers["path"]), *product((anna, bert), nobodys)):
        for endpoint, values in (("predict", [""]), ("import_pictures", ["mine", "dog", False])):
            given = file_payload(str(path), "x.png")
            assert visitor.refusal(endpoint, given, *values).code == "upload_missing", path
    assert anna.ask("predict", hers, "")["scores"]
    assert not Path(hers["path"]).exists()


def test_fault_who_sends_no_cookie_brings_and_trains_nothing(site: Site, tiny_dinov2: Path, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "x.zip", write_pictures(tmp_path / "x", count=2)).read_bytes()
    before = sorted(site.sets.iterdir())
    with Visitor(site.url, enters=False) as nobody:
        given = nobody.upload("x.zip", archive)
        answer = nobody.http.post("gradio_api/run/import_pictures", json={"data": [given, "mine", "dog", False]})
        assert answer.status_code >= 400
        assert nobody.refusal("train", "given/human_train", "Quick", str(tiny_dinov2), 1, 8, "head", 42, False)
    assert sorted(site.sets.iterdir()) == before
    assert len(runs_in(site.runs)) == 1


def loaded(kind: str) -> bytes:
    """A small picture with megabytes beside its pixels, each in a form that Pillow goes through in Python."""
    small = coded(Image.new("P", (8, 8)) if kind == "GIF" else Image.new("RGB", (8, 8)), kind)
    if kind == "GIF":
        return small[:13] + b"\x21\xfe" + (b"\xff" + bytes(255)) * 40_000 + b"\0" + small[13:]
    if kind == "JPEG":
        return small[:2] + b"\xff\xe1\x00\x09Exif\0\0x" * 200_000 + small[2:]
    if kind == "PNG":
        return small[:33] + (b"\0\0\0\0prVt" + struct.pack(">I", zlib.crc32(b"prVt"))) * 500_000 + small[33:]
    tags = [(number, 3, 1, 8) for number in (256, 257, 258)] + [(number, 4, 5_000_000, 99) for number in (273, 279)]
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + directory + bytes(20_000_100)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", UNKNOWN, id="PostScript"),
        pytest.param(coded(Image.new("RGB", (40, 40)), "PPM"), UNKNOWN, id="a format not listed"),
        pytest.param(coded(Image.new("L", (8000, 6500)), "PNG"), "smaller than 50 megapixels", id="52 megapixels"),
        *(pytest.param(loaded(kind), BESIDE, id=f"megabytes in a {kind}") for kind in ("GIF", "JPEG", "TIFF")),
        pytest.param(loaded("PNG"), "cannot be read", id="megabytes in a PNG"),
    ],
)
def test_fault_what_pillow_would_open_is_no_picture_unless_it_is_listed_and_small_enough(
    anna: Visitor, content: bytes, said: str
) -> None:
    assert said in anna.refusal("predict", anna.upload("dog.png", content), "").sentence


@pytest.mark.slow
def test_a_phones_108_megapixels_are_read(anna: Visitor) -> None:
    assert anna.predict(content=coded(Image.new("RGB", (12_000, 9_000), "orange"), "JPEG", quality=30))


def test_fault_trainings_go_by_turns_of_their_owners_and_an_address_has_a_few_visitors_worth(
    site: Site, bert: Visitor, tiny_dinov2: Path
) -> None:
    def train(visitor: Visitor, **settings: Any) -> Path:
        return site.runs / visitor.train(tiny_dinov2, **settings)

    crowd = [Visitor(site.url) for _ in range(4)]
    with Visitor(site.url, **{"x-forwarded-for": "203.0.113.9"}) as first:
        long = train(first, epochs=20, batch=4, depth="6")
        with frozen(long, site.process.pid):
            theirs = [train(visitor) for visitor in crowd[:3] for _ in range(2)]
            with pytest.raises(RefusedError, match="Visitors of your address may have at most 6 trainings"):
                train(crowd[3])
            his = train(bert)
            assert bert.ask("run_status", his.name)["queue_place"] == 4
            first.ask("stop", long.name)
    until(lambda: all(status_of(run) == "finished" for run in (*theirs, his)))
    begun = sorted((*theirs, his), key=lambda run: (run / "split.json").stat().st_mtime_ns)
    # One of each of the crowd, and then his.
    assert begun.index(his) <= 3
    assert {events_of(run)[-1]["event"] for run in begun} == {"RunFinished"}
    for visitor in crowd:
        visitor.http.close()


@pytest.mark.slow
def test_fault_many_slow_pictures_of_one_visitor_hardly_delay_anothers(
    site: Site, anna: Visitor, bert: Visitor
) -> None:
    slow = coded(Image.effect_noise((7000, 7000), 60).convert("RGB"), "PNG", compress_level=1)

    def seconds() -> float:
        began = time.monotonic()
        bert.predict()
        return time.monotonic() - began

    seconds()
    alone = statistics.median(seconds() for _ in range(5))
    given = [anna.upload(f"{number}.png", slow) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(anna.ask, "predict", each, "") for each in given]
        until(lambda: any(call.running() for call in asked))
        beside = statistics.median(seconds() for _ in range(3))
        assert not all(call.done() for call in asked)
        assert all(call.result()["scores"] for call in asked)
    # On two cores, one of which decodes; the bound is 3 on quiet ones.
    assert beside < 6 * alone + 0.2


def test_fault_too_many_predictions_of_one_visitor_are_refused_and_leave_no_upload(site: Site, anna: Visitor) -> None:
    given = [anna.upload(f"{number}.png", picture_bytes(seed=str(number))) for number in range(30)]
    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(anna.ask, "predict", each, "") for each in given]
    assert {getattr(call.exception(), "code", call.exception()) for call in asked} <= {None, "refused"}
    until(lambda: not any(Path(each["path"]).exists() for each in given))


def test_fault_one_address_never_fills_the_queue_of_all(site: Site, bert: Visitor) -> None:
    # Of its own: what it leaves in the queue would refuse the next test's visitor of the same address.
    crowd = Visitor(site.url, **{"x-forwarded-for": "203.0.113.10"})

    def join(number: int) -> int:
        values = [["given/human_eval", "given/dog_eval"], "", "happy", 6, number, False]
        return crowd.http.post("gradio_api/call/compare", json={"data": values}).status_code

    runs = bert.ask("runs")
    with crowd, ThreadPoolExecutor(20) as pool:
        # Each of them takes a moment, while more come.
        said = list(pool.map(join, range(400)))
        assert bert.ask("runs") == runs
    assert (set(said), said.count(200) < 400) == ({200, 503}, True)


def test_fault_uploads_count_and_an_address_has_a_share_of_the_room(site: Site, anna: Visitor, bert: Visitor) -> None:
    sent = [anna.upload(f"{number}.bin", b"x") for number in range(2)]
    try:
        # 800 MB each, which take no room on the disk: the share of an address is 1.5 of 4 GB.
        for each in sent:
            os.truncate(each["path"], 800_000_000)
        answer = anna.http.post("gradio_api/upload", files={"files": ("more.bin", b"x")})
        assert (answer.status_code, "from your address" in answer.text) == (413, True)
        assert bert.upload("his.bin", b"x")
    finally:
        for each in sent:
            Path(each["path"]).unlink()


@pytest.mark.slow
def test_fault_many_empty_files_fill_an_address_share_before_other_visitors_uploads_are_forgotten(
    site: Site, anna: Visitor, bert: Visitor
) -> None:
    his = bert.upload("his.png", picture_bytes())
    files = [("files", ("a.png", b"")) for _ in range(999)]
    try:
        for _ in range(19):
            assert anna.http.post("gradio_api/upload", files=files).status_code == 200
        assert anna.http.post("gradio_api/upload", files=files).status_code == 413
        assert bert.ask("predict", his, "")["scores"]
    finally:
        for each in site.uploads.glob("*/a.png"):
            each.unlink()


@pytest.mark.slow
def test_fault_a_shared_run_of_three_hundred_classes_shows_the_most_confused_ones(
    site: Site, browser: Browser, trained_run: Path
) -> None:
    run = Path(shutil.copytree(trained_run, site.root / "20200101-000000-many"))
    names = [f"class {number:03}" for number in range(300)]
    scores = dict.fromkeys(names, 0.0)
    pictures = [
        {"picture": f"{name}/1.png", "label": name, "scores": {**scores, names[7 if number < 40 else number]: 1.0}}
        for number, name in enumerate(names)
    ]
    (run / "validation.json").write_text(json.dumps({"epoch": 1, "classes": names, "pictures": pictures}))
    run = run.rename(site.runs / run.name)
    with site.visit(browser) as page:
        open_run(page, run)
        panel(page).get_by_text("of its 300 classes the 20 that are confused most often", exact=False).wait_for()
        assert confusion(page).get_by_role("cell").count() < 600
        assert confusion(page).get_by_text("class 007").count() > 0
    shutil.rmtree(run)


@pytest.mark.slow
def test_fault_no_place_on_the_servers_disk_and_no_name_of_anothers_set_is_told(
    site: Site, anna: Visitor, bert: Visitor, browser: Browser, trained_run: Path, tmp_path: Path
) -> None:
    archive = write_zip(tmp_path / "x.zip", write_pictures(tmp_path / "x", count=2))
    assert anna.bring(archive, "Rosa") != bert.bring(archive, "Rosa")
    with pytest.raises(RefusedError, match="You have a picture set 'Rosa' already"):
        anna.bring(archive, "Rosa")
    with site.visit(browser) as page:
        open_run(page, trained_run)
        panel(page).get_by_text("The same on the command line").first.wait_for()
        told = page.content() + page.request.get(f"{site.url}/config").text()
    assert [place for place in (str(site.root), str(site.root.parent), str(Path.home())) if place in told] == []
