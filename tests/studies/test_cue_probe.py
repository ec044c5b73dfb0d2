"""Cue probes on judges that read a cue on some species and not on others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scipy.stats import ttest_1samp

from emotion.errors import ConfigError, PictureError, RunError
from emotion.faces.cues import CUES, draw_cue, individuals
from emotion.labels import EMOTIONS
from emotion.run import Run
from emotion.statistics.intervals import mean_interval
from emotion.studies.cue_probe import CueCurves, CueProbe, keep_probe, kept_probes, sentence_of

Reads = Callable[[str, int, float], float]


@dataclass
class ReadingJudge:
    """Knows each face of a cue again, and gives "happy" what ``reads`` says of species, individual and value."""

    cue: str
    reads: Reads
    base: str = "neutral"
    run: Run = field(default_factory=lambda: Run(Path("run")))
    classes: list[str] = field(default_factory=lambda: list(EMOTIONS))
    precision: str = "float32"
    looks: int = 0

    def __post_init__(self) -> None:
        cue = CUES[self.cue]
        self.known: dict[bytes, float] = {}
        for species in cue.species:
            for number, sitter in enumerate(individuals(species)):
                faces = draw_cue(cue, base=self.base, individual=sitter)
                for value, face in zip(cue.values, faces, strict=True):
                    self.known[face.tobytes()] = self.reads(species, number, value)

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        self.looks += len(pictures)
        shares = [self.known[each.tobytes()] for each in pictures if isinstance(each, Image.Image)]
        return [{name: share if name == "happy" else (1 - share) / 3 for name in EMOTIONS} for share in shares]


def done(study: Generator[Any, None, CueCurves]) -> CueCurves:
    try:
        while True:
            next(study)
    except StopIteration as end:
        result: CueCurves = end.value
        return result


def probed(reads: Reads, *, cue: str = "mouth_curve", base: str = "neutral") -> CueCurves:
    judge = ReadingJudge(cue, reads, base)
    return done(CueProbe(judge.run, cue, base).carry_out(judge))


def smile(species: str, number: int, value: float) -> float:
    """Read mouth corners on people, the other way round on cats, and on dogs nothing but who it is."""
    wobble = 0.01 * number
    slope = {"human": 0.3 + wobble, "cat": -0.1 - wobble, "dog": 0.02 * (-1) ** number}[species]
    return 0.4 + wobble + slope * value


@pytest.fixture(scope="module")
def smiles() -> CueCurves:
    return probed(smile)


def test_the_curves_are_the_means_over_individuals_with_their_intervals(smiles: CueCurves):
    for species, curves in smiles.species.items():
        assert curves.individuals == 5
        for place, value in enumerate(smiles.values):
            column = [smile(species, number, value) for number in range(5)]
            assert curves.means["happy"][place] == pytest.approx(sum(column) / 5)
            assert curves.intervals["happy"][place] == pytest.approx(mean_interval(column))
            assert sum(curves.means[label][place] for label in EMOTIONS) == pytest.approx(1)


def test_the_swing_is_paired_from_end_to_end(smiles: CueCurves):
    for species, curves in smiles.species.items():
        moved = [smile(species, number, 1) - smile(species, number, -1) for number in range(5)]
        swing, test = curves.swings["happy"], ttest_1samp(moved, 0)
        interval = test.confidence_interval(0.95)
        assert swing.interval == pytest.approx((interval.low, interval.high))
        assert swing.p_value == pytest.approx(test.pvalue)


def test_a_cue_that_is_read_on_people_alone_is_said_not_to_carry_over(smiles: CueCurves):
    assert smiles.leading == "happy"
    assert {species: smiles.verdict(species) for species in smiles.species} == {
        "human": "moves",
        "dog": "not told",
        "cat": "turns round",
    }
    said = sentence_of(smiles)
    assert said.startswith("Mouth corners, from down to up: “happy” goes from 10 % to 74 % on people (+64 points, 95 %")
    assert "on dogs (+1 point, 95 %" in said
    assert said.endswith("It turns round on cats. On dogs it cannot be told from no change.")


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "carries over"), (0.3, "carries over weakly")])
def test_a_cue_carries_over_as_far_as_it_moves_the_animals(share: float, verdict: str):
    curves = probed(
        lambda species, number, value: 0.4 + (1 if species == "human" else share) * (0.3 + 0.005 * number) * value,
        base="sad",
    )
    assert curves.verdict("dog") == curves.verdict("cat") == verdict
    assert sentence_of(curves).endswith(f" It {verdict} to dogs and cats.")
    assert "on a face that is otherwise sad" in sentence_of(curves)


def test_what_people_do_not_show_has_nothing_to_carry_over():
    # Read on dogs only: on people each individual moves its own way.
    curves = probed(lambda species, number, value: 0.4 + value * (0.3 if species == "dog" else 0.1 * (-1) ** number))
    assert curves.verdict("human") == "not told"
    assert curves.verdict("dog") == "nothing to carry"
    assert sentence_of(curves).endswith("told from no change, so there is nothing to carry over.")


def test_ears_are_probed_on_animals_and_nothing_is_said_to_come_from_people():
    curves = probed(lambda species, number, value: 0.5 - 0.3 * value + 0.01 * number * value, cue="ear_back")
    assert list(curves.species) == ["dog", "cat"]
    said = sentence_of(curves)
    assert "on dogs (−28 points, 95 %" in said
    assert said.endswith("People have no such cue.")
    assert "carries" not in said


def test_progress_goes_through_all_faces_and_unknown_names_are_refused_before_the_first():
    judge = ReadingJudge("tear", lambda *_: 0.25)
    steps = list(CueProbe(judge.run, "tear").carry_out(judge))
    assert {step.total for step in steps} == {75}
    assert [step.done for step in steps] == list(range(0, 75, 5))
    assert judge.looks == 75
    for wrong in (
        CueProbe(judge.run, "nose"),
        CueProbe(judge.run, "tear", "bored"),
        replace(steps_study(), cue="tear"),
    ):
        with pytest.raises(ConfigError):
            done(wrong.carry_out(judge))
    assert judge.looks == 75


def steps_study() -> CueProbe:
    return CueProbe(Run(Path("run")), "bags", individuals=0)


def test_a_probe_that_is_closed_early_looks_at_no_more():
    judge = ReadingJudge("tear", lambda *_: 0.25)
    study = CueProbe(judge.run, "tear").carry_out(judge)
    next(study), next(study)
    study.close()
    assert judge.looks == 5


def test_the_last_probe_of_each_cue_is_kept_with_the_run_newest_first(tmp_path: Path, smiles: CueCurves):
    run = Run(tmp_path)
    assert kept_probes(run) == []
    keep_probe(run, replace(smiles, base="angry"))
    ears = replace(smiles, cue="ear_back")
    for curves in (smiles, ears):
        keep_probe(run, curves)
    found = kept_probes(run)
    assert {curves.cue: curves for curves in found} == {"mouth_curve": smiles, "ear_back": ears}
    assert found[0] == ears
    (tmp_path / "probes" / "tear.json").write_text("{torn")
    (tmp_path / "probes" / "bags.json").write_text('{"schema": 1, "cue": "bags"}')
    assert kept_probes(run) == found


def test_a_run_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, smiles: CueCurves):
    with pytest.raises(RunError, match="cannot be written"):
        keep_probe(Run(tmp_path / "gone"), smiles)
