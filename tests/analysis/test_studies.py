"""Further questions to a comparison, put to runs of which it is known what they can see.

One run learnt pictures whose upper half has the colour of the class and whose lower half is noise.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import Emotion
from helpers.comparisons import compared, report_of, scores, write_comparison
from helpers.markdown import tables
from helpers.pictures import EMOTIONS, picture, write_pictures
from helpers.studies import ask, cue_faces
from PIL import Image, ImageOps
from scipy import stats

from emotion.analysis.cues import CueCurves, SpeciesCurves
from emotion.analysis.statistics import Change
from emotion.analysis.studies import Question, find_study
from emotion.core.errors import EmotionError
from emotion.core.progress import result_of
from emotion.runs.run import Run
from emotion.server.model_process import carry_out

FACES = Path(__file__).parents[2] / "assets" / "faces"
SMALL = ("--batch-size", 8, "--image-size", 32, "--precision", "float32")


def write_halves(folder: Path, *, count: int, dim: int = 0) -> None:
    """Write pictures whose upper half alone tells the class; ``dim`` takes as much from every pixel."""
    for label in EMOTIONS:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            name = f"{folder.name}/{label}/{number}"
            rng, whole = random.Random(name), picture(label, name, size=(32, 32))
            noise = Image.frombytes("RGB", (4, 4), bytes(rng.randrange(90, 150) for _ in range(48)))
            whole.paste(noise.resize((32, 16), Image.Resampling.NEAREST), (0, 16))
            whole.point(lambda level: max(0, level - dim)).save(folder / label / f"{number:03}.png")


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory, tiny_vit: Path) -> Path:
    """A folder with the run that learnt upper halves, its pictures, and sets of people, dogs and dim dogs."""
    from emotion.cli import main

    root = tmp_path_factory.mktemp("halves")
    write_halves(root / "learnt", count=24)
    for name, dim in (("people", 0), ("dogs", 0), ("dim_dogs", 110)):
        write_halves(root / name, count=12, dim=dim)
    words = ["train", "--pictures", root / "learnt", "--backbone", tiny_vit, "--epochs", 20, *SMALL]
    assert main([*map(str, words), "--head-learning-rate", "0.01", "--runs", str(root / "runs")]) == 0
    return root


@pytest.fixture
def dogs(halves: Path, tmp_path: Path) -> Path:
    """Dogs of this test's own."""
    return Path(shutil.copytree(halves / "dogs", tmp_path / "dogs"))


Compare = Callable[..., Path]


@pytest.fixture
def compare(halves: Path, isolated: Path, emotion: Emotion) -> Compare:
    """Return a function that compares sets with the run that learnt upper halves and returns the saved file."""
    [trained] = (halves / "runs").glob("2*")
    run = Path(shutil.copytree(trained, isolated / "runs" / trained.name))
    usual = {"human": halves / "people", "dog": halves / "dogs"}

    def make(*words: object, run: Path = run, **sets: Path) -> Path:
        return Path(compared(emotion, run, *words, **(sets or usual))["file"])

    return make


def rows_of(file: Path, name: str, label: str = "happy") -> list[dict[str, Any]]:
    """Return the scored pictures of a set that a comparison keeps."""
    return list(json.loads(file.read_text("utf-8"))["sets"][name][label]["pictures"])


def said(row: dict[str, Any]) -> str:
    return max(row["scores"], key=row["scores"].get)


def saved(images: Iterable[Image.Image], folder: Path) -> list[Path]:
    for number, image in enumerate(images):
        image.save(folder / f"{number:02}.png")
    return sorted(folder.glob("*.png"))


def refusal(file: Path, question: str, **asked: Any) -> str:
    with pytest.raises(EmotionError) as caught:
        ask(file, question, **asked)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_cover_over_what_carries_the_class_loses_it_and_a_cover_elsewhere_does_not(compare: Compare):
    file = compare("--emotion", "all", "--size", "all")
    found = {name: ask(file, "controls", name=name)["sets"] for name in ("top_covered", "bottom_covered", "grey")}
    for name in ("human", "dog"):
        top, bottom, grey = (found[control][name] for control in found)
        assert top["before"]["correct"] > 40
        assert 7 <= top["after"]["correct"] <= 18
        assert top["after"]["correct_confidence"] == pytest.approx(0.25, abs=0.06)
        assert top["change"]["interval"][1] < -0.3
        assert abs(bottom["change"]["mean"]) < 0.1
        assert bottom["after"]["correct"] > 36
        # The class was a colour.
        assert grey["change"]["interval"][1] < -0.15


def test_a_control_is_the_same_pictures_changed_judged_and_paired(compare: Compare, emotion: Emotion, tmp_path: Path):
    file = compare("--size", 6)
    rows = rows_of(file, "dog")
    turned = saved([ImageOps.mirror(Image.open(row["picture"]).convert("RGB")) for row in rows], tmp_path)
    mirrored = emotion("predict", "--run", file.parents[1], *turned, "--json").json["predictions"]
    before, after = (np.array([each["scores"]["happy"] for each in scored]) for scored in (rows, mirrored))
    found, test = ask(file, "controls", name="mirrored")["sets"]["dog"], stats.ttest_rel(after, before)
    low, high = test.confidence_interval(0.95)
    assert found["before"]["correct_confidence"] == pytest.approx(before.mean(), abs=1e-5)
    assert found["after"]["correct_confidence"] == pytest.approx(after.mean(), abs=1e-4)
    assert found["after"]["correct"] == sum(each["label"] == "happy" for each in mirrored)
    assert found["change"]["interval"] == pytest.approx([max(-1, low), min(1, high)], abs=1e-3)
    assert found["change"]["p_value"] == pytest.approx(test.pvalue, abs=1e-2)


@pytest.mark.parametrize("shown", [EMOTIONS, ("happy",)], ids=["all emotions", "one emotion"])
def test_under_shuffled_labels_a_perfect_model_falls_to_chance(run: Path, shown: tuple[str, ...]):
    perfect = {label: [scores(**{label: 0.97})] * 300 for label in shown}
    means = []
    for seed in range(6):
        file = write_comparison(run, {"dog": perfect}, name=f"20260101-000000-{seed:06}", seed=seed)
        found = ask(file, "controls", name="shuffled")["sets"]["dog"]
        assert found["before"]["correct_confidence"] == pytest.approx(0.97)
        means.append(found["after"]["correct_confidence"])
    # Of n labels by lot each is right one time in four: four standard errors of the mean of six.
    error = 0.96 * np.sqrt(0.25 * 0.75 / (300 * len(shown) * 6))
    assert np.mean(means) == pytest.approx(0.25, abs=4 * error)
    assert len(set(means)) > 1
    assert ask(file, "controls", name="shuffled")["sets"]["dog"] == found


def test_all_eleven_controls_and_shuffled_labels_of_drawn_faces_are_kept_together_and_counted_as_so_many_looks(
    compare: Compare, emotion: Emotion
):
    file = compare("--size", 2, human=FACES / "human_eval", dog=FACES / "dog_eval")
    names = ["centre_crop", "border_blurred", "top_covered", "bottom_covered", "grey", "mirrored", "upside_down"]
    names += ["shuffled", "eyes_neutral", "brows_neutral", "mouth_neutral", "background_removed"]
    found = {name: ask(file, "controls", name=name)["sets"] for name in names}
    kept = json.loads((file.with_suffix("") / "controls.json").read_text())
    assert {name: kept[name]["sets"] for name in names} == found
    for name in ("eyes_neutral", "mouth_neutral", "background_removed"):
        assert any(each["change"]["mean"] != 0 for each in found[name].values())
    text = report_of(emotion, file.parents[1])
    assert len(tables(text)["Mean correct-class confidence before and under each control"]) == 1 + 2 * len(names)
    # Shuffled labels are no finding.
    changes = [each["change"]["interval"] for name in names if name != "shuffled" for each in found[name].values()]
    assert f"Of 22 changes {sum(not low <= 0 <= high for low, high in changes)} leave 0 out" in text


def test_what_cannot_be_asked_is_one_sentence_and_leaves_no_file(compare: Compare, dogs: Path):
    file = compare("--size", 2, dog=dogs)
    for question, asked, sentence in (
        ("controls", {"name": "eyes_neutral"}, "Control cannot be 'eyes_neutral': choose one of all, centre_crop"),
        ("luck", {"seeds": 1}, "choose 2 to 10"), ("luck", {"seeds": None}, "choose 2 to 10"),
        ("cues", {"cue": "nose"}, "choose one of mouth_curve"), ("cues", {"base": "bored"}, "choose one of neutral"),
        ("cues", {"cue": "tear", "individuals": 21}, "choose 1 to 20"),
    ):  # fmt: skip
        assert sentence in refusal(file, question, **asked)
    Path(rows_of(file, "dog")[0]["picture"]).unlink()
    assert "check its path" in refusal(file, "saliency", emotion="happy", number=1)
    shutil.rmtree(dogs)
    assert "None of the pictures of dog can be read any more" in refusal(file, "controls", name="mirrored")
    assert "There is no folder" in refusal(file, "luck")
    assert not file.with_suffix("").exists()


def test_luck_repeats_the_comparison_over_trainings_and_draws(compare: Compare):
    file, whole = compare("--size", 5), compare("--size", "all")
    found = ask(file, "luck", seeds=2, draws=40)
    assert [found[name] for name in ("seeds", "draws", "reference", "emotion")] == [[42, 43], 40, "human", "happy"]
    means = {name: np.array(each["means"]) for name, each in found["sets"].items()}
    for name, each in found["sets"].items():
        assert (each["n"], each["size"], each["unreadable"], each["trained_on"]) == (12, 5, 0, 0)
        assert means[name].shape == (2, 40)
        # The first training is that of the run itself; the others differ.
        own, drawn = (np.mean([row["scores"]["happy"] for row in rows_of(of, name)]) for of in (whole, file))
        assert each["trainings"][0]["correct_confidence"] == pytest.approx(own, abs=0.02)
        assert len({training["correct_confidence"] for training in each["trainings"]}) == 2
        assert each["quantiles"] == pytest.approx(np.quantile(means[name], [0.025, 0.25, 0.5, 0.75, 0.975]), abs=1e-4)
        assert each["training_deviation"] == pytest.approx(means[name].mean(1).std(ddof=1), abs=1e-4)
        assert each["observed"] == pytest.approx(drawn)
    assert found["sets"]["dog"]["reference_ahead"] == pytest.approx((means["human"] > means["dog"]).mean(), abs=0.02)
    assert ask(file, "luck", seeds=2, draws=40) == found
    other = ask(compare("--size", 5, "--seed", 7), "luck", seeds=2, draws=40)
    assert other["sets"]["dog"]["means"] != found["sets"]["dog"]["means"]


def test_what_is_gone_cannot_be_read_or_was_trained_on_is_left_out_and_counted(
    compare: Compare, halves: Path, dogs: Path
):
    shutil.copy(halves / "learnt" / "happy" / "000.png", dogs / "happy" / "more.png")
    file = compare("--size", 6, dog=dogs)
    gone, torn, *_ = (Path(row["picture"]) for row in rows_of(file, "dog"))
    gone.unlink()
    torn.write_text("torn")
    found = ask(file, "controls", name="mirrored")["sets"]["dog"]
    assert (found["before"]["n"], found["after"]["n"], found["change"]["n"], found["left_out"]) == (4, 4, 4, 2)
    dog = ask(file, "luck", seeds=2, draws=10)["sets"]["dog"]
    assert (dog["n"], dog["size"], dog["unreadable"], dog["trained_on"]) == (10, 6, 1, 1)


def test_a_run_that_trained_blocks_is_drawn_anew_and_not_trained_anew(
    compare: Compare, emotion: Emotion, tiny_vit: Path, tiny_pictures: Path
):
    words = ("--pictures", tiny_pictures / "human_train", "--backbone", tiny_vit, "--depth", 1, "--epochs", 1, *SMALL)
    run = Path(emotion("train", *words, "--json").json["run"])
    sets = {"human": tiny_pictures / "human_eval", "dog": tiny_pictures / "dog_eval"}
    found = ask(compare("--size", 3, run=run, **sets), "luck", draws=20)
    assert (found["is_retrained"], found["seeds"]) == (False, [42])
    assert found["sets"]["dog"]["training_deviation"] is None
    assert np.shape(found["sets"]["dog"]["means"]) == (1, 20)
    assert "nothing is left to luck" in refusal(compare("--size", "all", run=run, **sets), "luck")


def test_fault_a_map_tells_sets_that_lie_by_species_from_sets_that_lie_by_emotion(compare: Compare, halves: Path):
    file = compare("--size", "all", human=halves / "people", dog=halves / "dogs", dim=halves / "dim_dogs")
    found = ask(file, "map")
    assert (found["reference"], found["fitted_on"], any(found["unreadable"].values())) == ("human", 96, False)
    assert len(found["points"]) == len({(each["set_name"], each["picture"]) for each in found["points"]}) == 3 * 48
    assert all(each["picture"].startswith(f"{each['label']}/") for each in found["points"])
    first, second = found["explained"]
    assert 0 < second <= first <= first + second <= 1.0001
    alike, moved = found["distances"]["dog"], found["distances"]["dim"]
    # Dogs made as people were lie among people of the same emotion; dim ones among their own.
    assert (alike["n"], moved["n"]) == (48, 48)
    assert alike["nearer"] < 12
    assert moved["nearer"] > 36
    assert alike["across"] < 0.5 * alike["within"]
    assert moved["across"] > moved["within"]
    assert ask(file, "map") == found
    # What the run calls a picture is what the comparison says.
    happy = {Path(row["picture"]).name: said(row) for row in rows_of(file, "dog")}
    points = [each for each in found["points"] if (each["set_name"], each["label"]) == ("dog", "happy")]
    assert {each["picture"].removeprefix("happy/"): each["predicted"] for each in points} == happy


def test_a_map_draws_by_seed_no_more_than_a_page_shows_and_counts_the_unreadable(compare: Compare, tmp_path: Path):
    many = write_pictures(tmp_path / "many", count=18)
    file = compare("--size", 2, **dict.fromkeys(("human", "dog", "cat", "fox"), many))
    assert len(ask(file, "map")["points"]) == 240
    (many / "sad" / "sad_001.png").write_text("torn")
    alone = ask(compare("--size", 2, dog=many), "map")
    assert (len(alone["points"]), alone["unreadable"], alone["distances"]) == (71, {"dog": 1}, {})


def test_a_person_stands_beside_a_dog_under_maps_of_what_is_shown_and_of_what_was_said(
    compare: Compare, halves: Path, dogs: Path
):
    for path in sorted((dogs / "happy").iterdir())[3:]:
        path.unlink()
    file = compare("--emotion", "all", "--size", "all", human=halves / "people", dog=dogs)
    in_upper_half, labels = [], set()
    for emotion, number in (("happy", 1), ("happy", 2), ("tired", 1), ("tired", 2), ("tired", 3)):
        found = ask(file, "saliency", emotion=emotion, number=number)
        assert [each["set_name"] for each in found["pictures"]] == ["human", "dog"]
        for each in found["pictures"]:
            row = rows_of(file, each["set_name"], emotion)[number - 1]
            assert each["picture"]["picture"] == row["picture"]
            assert [one["label"] for one in each["maps"]] == list(dict.fromkeys([emotion, said(row)]))
            labels.add((emotion, said(row)))
            for one in each["maps"]:
                values = np.array(one["values"])
                assert one["confidence"] == row["scores"][one["label"]]
                assert values.shape == (4, 4)
                assert 0 <= values.min() <= values.max() <= 1
                if emotion == "happy":
                    in_upper_half.append(values[:2].sum() / values.sum())
    # It learnt upper halves, and looks there.
    assert np.mean(in_upper_half) > 0.55
    assert any(shown != called for shown, called in labels)
    # A set with fewer pictures is passed over.
    assert [each["set_name"] for each in ask(file, "saliency", emotion="happy", number=4)["pictures"]] == ["human"]


def test_a_cue_is_moved_over_its_range_on_the_same_individuals(compare: Compare, emotion: Emotion, tmp_path: Path):
    file = compare("--size", 2)
    found = ask(file, "cues", cue="ear_back", individuals=2)
    # People have no such ears.
    assert list(found["species"]) == ["dog", "cat"]
    assert found["values"] == sorted(found["values"])
    paths = saved([face for row in cue_faces("ear_back", "dog", individuals=2) for face in row], tmp_path)
    judged = emotion("predict", "--run", file.parents[1], *paths, "--json").json["predictions"]
    dog = found["species"]["dog"]
    assert dog["individuals"] == 2
    for label in EMOTIONS:
        values = np.array([each["scores"][label] for each in judged]).reshape(2, -1)
        assert dog["means"][label] == pytest.approx(values.mean(0), abs=1e-4)
        assert dog["swings"][label]["mean"] == pytest.approx((values[:, -1] - values[:, 0]).mean(), abs=2e-4)


def test_what_a_guest_of_a_run_asks_of_cues_is_shown_to_the_guest_and_not_written_into_the_run(compare: Compare):
    file, cues = compare("--size", 2), find_study("cues")
    run = Run(file.parents[1], guest="bert")
    run.comparisons.mkdir()
    guests = Path(shutil.copy(file, run.comparisons))
    result_of(carry_out(Question(run, "cues", str(guests), {"cue": "tear", "individuals": 1})))
    assert [*cues.kept(guests)] == ["tear"]
    assert cues.kept(file) is None
    ask(file, "cues", cue="mouth_curve", individuals=1)
    assert {*cues.kept(guests)} == {"tear", "mouth_curve"}
    assert [*cues.kept(file)] == ["mouth_curve"]


def moved(mean: float, *, told: bool = True) -> Change:
    reach = 0.01 if told else 2 * abs(mean) + 0.01
    return Change(5, mean, (mean - reach, mean + reach), 0.001 if told else 0.5)


@pytest.mark.parametrize(
    ("people", "dogs", "verdict"),
    [
        (moved(0.6), moved(0.5), "carries over"),
        (moved(0.6), moved(0.2), "carries over weakly"),
        (moved(0.6), moved(-0.4), "turns round"),
        (moved(0.6), moved(0.1, told=False), "not told"),
        (moved(0.2, told=False), moved(0.1), "nothing to carry"),
    ],
)
def test_a_cue_carries_over_where_it_moves_dogs_as_it_moves_people(people: Change, dogs: Change, verdict: str):
    species = {
        name: SpeciesCurves(5, {}, {}, {"sad": moved(0.0, told=False), "happy": change})
        for name, change in (("human", people), ("dog", dogs))
    }
    curves = CueCurves("mouth_curve", "neutral", [-1.0, 1.0], ["sad", "happy"], "float32", species)
    assert curves.verdict("human") == ("moves" if people.is_told else "not told")
    assert curves.verdict("dog") == verdict


def test_answers_that_cannot_be_read_are_taken_for_none(run: Path, emotion: Emotion):
    file = write_comparison(run, {"dog": {"happy": [scores(happy=0.4), scores(happy=0.5)]}})
    file.with_suffix("").mkdir()
    for name in ("luck", "controls", "map", "saliency"):
        (file.with_suffix("") / f"{name}.json").write_text('{"schema": 1, "sets": {"dog": {"n": 3}}}')
    (run / "probes").mkdir()
    (run / "probes" / "tear.json").write_text("{torn")
    lacking = report_of(emotion, run).partition("Not checked:")[2]
    assert all(word in lacking for word in ("other draws", "controls", "cues", "feature map"))
