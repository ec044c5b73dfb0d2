"""The limits of a report's numbers, with their sources."""

from __future__ import annotations

from emotion.analysis.blocks import Section, Source, Text
from emotion.analysis.calibration import OVADIA
from emotion.analysis.results import WILSON
from emotion.analysis.studies import find_study
from emotion.core.format import count
from emotion.core.labels import DRAWN_NOTE, RELAXED_WARNING
from emotion.report.material import Material

BARRETT: Source = ("Barrett et al. 2019", "https://doi.org/10.1177/1529100619832930")
GOODFELLOW: Source = ("Goodfellow et al. 2013", "https://arxiv.org/abs/1307.0414")
CAEIRO: Source = ("Caeiro et al. 2017", "https://doi.org/10.1038/s41598-017-15091-4")
MARTVEL: Source = ("Martvel et al. 2025", "https://doi.org/10.1038/s41598-025-25199-7")
AI_ACT: Source = ("Regulation (EU) 2024/1689, Article 5(1)(f)", "https://eur-lex.europa.eu/eli/reg/2024/1689/oj")
# Of every model that reads faces: title, text and sources.
GENERAL: tuple[tuple[str, str, tuple[Source, ...]], ...] = (
    ("A facial expression is not a feeling",
     "People smile without joy and are happy without a smile. A review of the evidence finds that emotions cannot be "
     "read off faces with confidence, across situations, people and cultures.", (BARRETT,)),
    ("Posed expressions",
     "Pictures found under a word mostly show faces made for a camera. Reading those well is no sign of reading what "
     "people do unasked.", (BARRETT,)),
    ("Label noise",
     "A label is what people called a picture, not what was felt. On a known set of faces people agree with the labels "
     "two times in three; no model can be shown to do better than its labels.", (GOODFELLOW,)),
    ("Dogs are not small people",
     "In comparable situations dogs move other parts of the face than people do. What tells a model about people need "
     "not exist in a dog, and background and breed can drive the answer.", (CAEIRO, MARTVEL)),
    ("Confidence under a shift",
     "A probability that fits pictures of the training’s kind need not fit others, and another species is such.",
     (OVADIA,)),
    ("Near-duplicates",
     "The check finds the same picture saved again, sized, greyed or mirrored. It does not find one cropped by more "
     "than about two percent, nor the same person or animal in another picture.", ()),
    ("Where such systems are banned",
     "In the European Union, AI systems that infer the emotions of people at work and in education are prohibited, "
     "except for medical or safety reasons. What stands here shows what such a model can and cannot do. It is not fit "
     "for judging anyone, and not for deciding what is done with an animal.", (AI_ACT,)),
)  # fmt: skip


def limits(material: Material) -> Section:
    """Return the limits that apply to a comparison: its own and the general ones."""
    comparison, emotion = material.comparison, material.emotion
    fewest = min(each.n for results in comparison.sets.values() for each in results.values())
    is_repeated = find_study("luck").kept(material.file) is not None
    relaxed = "A relaxed animal is at ease, a tired one wants to sleep; here “relaxed” was not read as tired."
    if comparison.relaxed_as_tired:
        relaxed = f"In this comparison “relaxed” was read as tired. {RELAXED_WARNING}"
    own = {
        "Drawn pictures": DRAWN_NOTE if material.is_drawn else "",
        "One emotion alone": f"Only “{emotion}” was shown. A model that calls everything {emotion} would come out "
        "perfect: a high value is no skill until other emotions are shown as well. Comparing all emotions tells."
        if emotion
        else "",
        "Relaxed is not tired": relaxed,
        "One run": "Another seed of the training, or another draw of the sample, gives other numbers. "
        + ("How far they move is among the checks above." if is_repeated else "One run says nothing of how far."),
    }
    small = (
        f"The smallest sample has {count(fewest, 'picture')}. An interval says how far the luck of the draw reaches: "
        "values inside it cannot be told apart. It does not say whether the sample is like the world."
    )
    specific = [Text(text, title=title) for title, text in own.items() if text]
    return Section("Limits", [*specific, Text(small, sources=(WILSON,), title="Small samples"), *general()])


def general() -> list[Text]:
    """Return the limits of every model that reads faces."""
    return [Text(text, sources=sources, title=title) for title, text, sources in GENERAL]
