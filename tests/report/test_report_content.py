"""What a report says of a comparison: the same numbers and sentences, and no place on anybody's disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from emotion.comparison import Comparison, SampleResult, ScoredPicture, load_comparison, summarise
from emotion.comparison.findings import caveats, details_sentence, gap_sentence
from emotion.errors import RunError
from emotion.labels import DRAWN_NOTE, RELAXED_WARNING, colour_of_set, species_of
from emotion.pictures import drawn
from emotion.pictures.folders import hash_file, within
from emotion.report import Report, build_report, to_html, to_markdown
from emotion.report.asking import standing
from emotion.report.content import Cell, Gallery, Limits, Points, Section, Table
from emotion.report.naming import place_of, without_places
from emotion.report.repeating import fingerprint
from emotion.split_record import SplitRow

MakeComparison = Callable[..., Path]
SECTIONS = [
    "What was asked", "The model", "Results", "Differences between the sets", "Pictures left out", "Checks", "Limits",
    "How to repeat it",
]  # fmt: skip


def section(report: Report, title: str) -> Section:
    return next(each for each in report.sections if each.title == title)


def tables(part: Section) -> list[Table]:
    return [block for block in part.blocks if isinstance(block, Table)]


def test_the_sections_stand_in_the_order_in_which_they_are_read(make_comparison: MakeComparison) -> None:
    assert [each.title for each in build_report(make_comparison()).sections] == SECTIONS


def test_every_measure_is_the_comparisons_own(make_comparison: MakeComparison) -> None:
    file = make_comparison(sets=("human", "dog", "cat"))
    measures = tables(section(build_report(file), "Results"))[0]
    results = load_comparison(file).results("happy")
    assert [row.name for row in measures.rows] == [*results, "An even guess"]
    for row, result in zip(measures.rows, results.values(), strict=False):
        low, high = (f"{100 * bound:.0f}" for bound in result.correct_confidence_interval)
        worst, best = (f"{100 * bound:.0f}" for bound in result.accuracy_interval)
        mean = f"{100 * result.correct_confidence:.1f} %" + ("†" if result.is_piled_up else "")
        right = Cell(f"{result.correct} of {result.n}", f"{100 * result.accuracy:.0f} %: {worst} to {best}")
        assert row.cells == (
            Cell(str(result.n)), Cell(mean, f"{low} to {high}"), right, Cell(str(result.runner_up)),
            Cell(f"{result.log_loss:.2f}"), Cell(f"{result.brier:.2f}"),
        )  # fmt: skip
    assert [cell.text for cell in measures.rows[-1].cells] == ["–", "25 %", "25 %", "25 %", "1.39", "0.75"]


def test_gaps_are_told_in_the_words_and_numbers_of_the_screen(make_comparison: MakeComparison) -> None:
    file = make_comparison(sets=("human", "dog", "cat"), emotion=None)
    found = load_comparison(file).gaps
    part = section(build_report(file), "Differences between the sets")
    [said] = [block for block in part.blocks if isinstance(block, Points)]
    assert said.items == tuple((gap_sentence(gap), details_sentence(gap)) for gap in found if gap.emotion is None)
    [table] = tables(part)
    assert [row.name for row in table.rows] == [f"human over {gap.other}, {gap.emotion or 'all'}" for gap in found]
    for row, gap in zip(table.rows, found, strict=True):
        assert row.cells[0].text == f"{100 * gap.difference.gap:+.1f}".replace("-", "−")
        assert row.cells[3].text == f"{100 * gap.difference.superiority:.0f} %"


def test_warnings_of_the_screen_stand_beside_the_answer(make_comparison: MakeComparison) -> None:
    file = make_comparison(size=12)
    report = build_report(file)
    assert list(report.warnings) == caveats(load_comparison(file), "happy")
    assert "dogs are called tired" in " ".join(report.warnings)
    assert "falls back to one class on dogs" in report.answer


def picture(number: int, **scores: float) -> ScoredPicture:
    rest = (1 - sum(scores.values())) / (4 - len(scores))
    classes = ("happy", "sad", "angry", "tired")
    return ScoredPicture(f"{number}.png", "", "happy", {name: scores.get(name, rest) for name in classes})


def happy(centre: float, *, spread: float = 0.05) -> SampleResult:
    pictures = [picture(i, happy=centre + spread * (i / 19 - 0.5)) for i in range(20)]
    return summarise(pictures, classes=["happy", "sad", "angry", "tired"])


@pytest.mark.parametrize(("result", "at"), [(happy(0.6), "above"), (happy(0.25), "level"), (happy(0.1), "below")])
def test_a_set_is_held_against_chance_by_the_interval_of_its_mean(result: SampleResult, at: str) -> None:
    assert standing(result, chance=0.25) == at


def test_where_the_interval_of_the_mean_misleads_the_hits_are_held_against_chance() -> None:
    pictures = [picture(i, happy=0.001 if i < 14 else 0.9) for i in range(20)]
    piled = summarise(pictures, classes=["happy", "sad", "angry", "tired"])
    assert piled.is_piled_up
    assert standing(replace(piled, correct_confidence_interval=(0.9, 1.0)), chance=0.25) == "level"


def test_nothing_says_where_folders_lie(make_comparison: MakeComparison, tmp_path: Path) -> None:
    twins = {"happy_003.png": str(tmp_path / "human_train" / "happy" / "happy_001.png")}
    file = make_comparison(twins=twins, unreadable={"happy_005.png": "[Errno 13] Permission denied"}, size=None)
    report = build_report(file)
    for text in (to_html(report), to_markdown(report)):
        plain = text.replace("\\", "")
        assert "Permission denied" in plain
        assert "happy/happy_001.png" in plain
        for place in (str(tmp_path), str(Path.home()), str(Path.cwd()), "/secret", "/tmp/"):
            assert place not in plain
        # Nothing that begins like a path, but for ends of sentences, addresses and the stand-ins for folders.
        assert re.findall(r"(?<![\w/.<])/(?!/)[A-Za-z][\w.]*/\w+", plain) == []


def test_what_was_left_out_is_named_within_its_set(make_comparison: MakeComparison, tmp_path: Path) -> None:
    twins = {"happy_003.png": str(tmp_path / "human_train" / "happy" / "happy_001.png")}
    file = make_comparison(sets=("dog",), twins=twins, unreadable={"happy_005.png": "torn"}, size=None)
    found, torn = tables(section(build_report(file), "Pictures left out"))
    assert [cell.text for cell in found.rows[0].cells] == ["happy/happy_003.png", "happy/happy_001.png"]
    assert torn.rows[0].cells[0].text == "happy/happy_005.png"
    assert "torn" in torn.rows[0].cells[1].text


def test_only_ticked_pictures_are_shown(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    pictures = load_comparison(file).sets["dog"]["happy"].pictures
    assert "Pictures" not in [each.title for each in build_report(file).sections]
    report = build_report(file, ticked=[pictures[0].sha256, pictures[3].picture, "0" * 64])
    [gallery] = [block for block in section(report, "Pictures").blocks if isinstance(block, Gallery)]
    assert gallery.name == "dog"
    assert len(gallery.pictures) == 2
    assert to_html(report).count("<img ") == 2
    assert "data:image" not in to_markdown(report)


def test_a_ticked_picture_that_is_another_one_by_now_is_not_shown(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    chosen = load_comparison(file).sets["dog"]["happy"].pictures[0]
    Image.new("RGB", (40, 40), "red").save(chosen.picture)
    report = build_report(file, ticked=[chosen.sha256])
    assert to_html(report).count("<img ") == 0
    assert "1 ticked picture cannot be shown" in to_markdown(report)


def test_a_picture_shows_its_pixels_and_tells_nothing_else(tmp_path: Path) -> None:
    import base64
    import io

    from emotion.pictures.decoding import open_picture
    from emotion.report.sampling import SIDE, data_uri

    noted = Image.new("RGB", (400, 300), "green")
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    noted.save(tmp_path / "a.jpg", exif=exif, comment=b"taken at home")
    data = base64.b64decode(data_uri(open_picture(tmp_path / "a.jpg")).partition(",")[2])
    assert b"taken at home" not in data
    with Image.open(io.BytesIO(data)) as small:
        assert max(small.size) == SIDE
        assert not small.getexif()


def test_limits_are_named_with_their_sources(make_comparison: MakeComparison) -> None:
    report = build_report(make_comparison())
    [found] = [block for block in section(report, "Limits").blocks if isinstance(block, Limits)]
    titles = [each.title for each in found.items]
    for title in (
        "One emotion alone", "Small samples", "Relaxed is not tired", "A facial expression is not a feeling",
        "Posed expressions", "Label noise", "Confidence under a shift", "Where such systems are banned",
    ):  # fmt: skip
        assert title in titles
    sources = {source.text: source.url for each in found.items for source in each.sources}
    assert sources["Barrett et al. 2019"] == "https://doi.org/10.1177/1529100619832930"
    assert "5(1)(f)" in next(text for text in sources if text.startswith("Regulation (EU) 2024/1689"))
    assert DRAWN_NOTE not in to_markdown(report)


def test_a_report_on_drawn_pictures_says_what_they_are_worth(
    make_comparison: MakeComparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_comparison()
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", Path(load_comparison(file).folders["dog"]).resolve())
    report = build_report(file)
    assert report.warnings[0] == DRAWN_NOTE
    [found] = [block for block in section(report, "Limits").blocks if isinstance(block, Limits)]
    assert found.items[0].text == DRAWN_NOTE


def test_relaxed_that_was_read_as_tired_is_said_at_the_top_and_among_the_limits(
    make_comparison: MakeComparison,
) -> None:
    classes = ("Joy", "sad", "angry", "relaxed")
    asked = {"classes": classes, "emotion": "tired", "use_aliases": True, "relaxed_as_tired": True}
    report = build_report(make_comparison(sets=("dog",), **asked))
    assert RELAXED_WARNING in report.warnings
    [sets] = tables(section(report, "What was asked"))
    read = sets.rows[0].cells[-1].text
    assert "Joy read as happy" in read
    assert "relaxed read as tired" in read
    assert "--use-aliases --relaxed-as-tired" in to_markdown(report)


def test_a_class_folder_that_was_not_used_is_named(make_comparison: MakeComparison) -> None:
    [sets] = tables(
        section(build_report(make_comparison(classes=("happy", "bored", "angry", "tired"))), "What was asked")
    )
    assert "bored not used" in sets.rows[0].cells[-1].text


def test_a_report_is_the_same_each_time(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    assert to_html(build_report(file)) == to_html(build_report(file))


def test_a_run_folder_that_has_been_moved_is_found_around_its_comparison(
    make_comparison: MakeComparison, tmp_path: Path
) -> None:
    file = make_comparison()
    moved = tmp_path / "elsewhere" / file.parents[1].name
    moved.parent.mkdir()
    file.parents[1].rename(moved)
    assert build_report(moved / "comparisons" / file.name).sections[1].title == "The model"


def test_a_comparison_that_is_torn_is_an_error_of_one_sentence(make_comparison: MakeComparison) -> None:
    file = make_comparison()
    file.write_text("{")
    with pytest.raises(RunError, match="compare again"):
        build_report(file)


def test_folders_stand_in_for_where_they_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert place_of("/home/a/photos/dogs") == "path/to/dogs"
    monkeypatch.setattr(drawn, "DRAWN_FOLDER", tmp_path.resolve())
    assert place_of(str(tmp_path / "dog_eval")) == "assets/faces/dog_eval"
    assert within("/home/a/dogs/happy/1.png", "/home/a/dogs") == "happy/1.png"
    assert within("/elsewhere/b/happy/1.png", "/home/a/dogs") == "happy/1.png"
    assert without_places("/home/a/dogs/happy/1.png of /home/a/dogs", ["/home/a/dogs"]) == "happy/1.png of dogs"
    assert without_places("No such file: '/home/b/dogs/1.png'", ["/home/a/dogs"]) == "No such file: '1.png'"


def test_pictures_behind_a_link_are_named_within_their_set(tmp_path: Path) -> None:
    (tmp_path / "far" / "dogs").mkdir(parents=True)
    (tmp_path / "dogs").symlink_to(tmp_path / "far" / "dogs")
    assert (
        within(str((tmp_path / "far" / "dogs").resolve() / "a" / "b" / "1.png"), str(tmp_path / "dogs")) == "a/b/1.png"
    )
    assert without_places(f"{tmp_path.resolve()}/far/dogs/a/1.png", [str(tmp_path / "dogs")]) == "a/1.png"


@pytest.mark.parametrize("name", ["dog", "Dogs", "dog_eval", "dog (photos)"])
def test_a_set_has_the_colour_of_its_species(name: str) -> None:

    assert species_of(name) == "dog"
    assert colour_of_set(name) == colour_of_set("dog")


def test_a_set_of_pictures_has_one_fingerprint_in_any_order(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    rows = [SplitRow(name, "", hash_file(tmp_path / name)) for name in "ab"]
    assert fingerprint(rows) == fingerprint(rows[::-1]) != fingerprint(rows[:1])


def test_the_pages_curves_have_the_dashboards_colours() -> None:
    from emotion.report import training
    from emotion.ui.charts import look

    assert (training.TRAINING_COLOUR, training.VALIDATION_COLOUR) == (look.TRAIN_COLOUR, look.VALIDATION_COLOUR)


def test_looks_at_a_run_are_counted(make_comparison: MakeComparison) -> None:
    first, second = make_comparison(seed=1), make_comparison(seed=2)
    assert isinstance(load_comparison(first), Comparison)
    for number, file in enumerate(sorted((first, second)), start=1):
        assert f"comparison {number} of 2" in to_markdown(build_report(file))
