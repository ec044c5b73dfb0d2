"""What the numbers of a report do not say, with the publications that say why. Measures nothing."""

from __future__ import annotations

from emotion.analysis.blocks import Limit, Limits, Section, Source
from emotion.analysis.results import WILSON
from emotion.analysis.studies import find_study
from emotion.core.format import count
from emotion.core.labels import DRAWN_NOTE, RELAXED_WARNING
from emotion.report.material import Material

BARRETT = Source("Barrett et al. 2019", "https://doi.org/10.1177/1529100619832930")
GOODFELLOW = Source("Goodfellow et al. 2013", "https://arxiv.org/abs/1307.0414")
CAEIRO = Source("Caeiro et al. 2017", "https://doi.org/10.1038/s41598-017-15091-4")
MARTVEL = Source("Martvel et al. 2025", "https://doi.org/10.1038/s41598-025-25199-7")
OVADIA = Source("Ovadia et al. 2019", "https://arxiv.org/abs/1906.02530")
AI_ACT = Source("Regulation (EU) 2024/1689, Article 5(1)(f)", "https://eur-lex.europa.eu/eli/reg/2024/1689/oj")


def limits(material: Material) -> Section:
    """Return every limit that bears on a comparison: those of all of them, and those of its own."""
    return Section("Limits", (Limits((*_own(material), *_of_all())),))


def _own(material: Material) -> list[Limit]:
    comparison, emotion = material.comparison, material.emotion
    found = []
    if material.is_drawn:
        found.append(Limit("Drawn pictures", DRAWN_NOTE))
    if emotion is not None:
        found.append(
            Limit(
                "One emotion alone",
                f"Only “{emotion}” was shown. A model that calls everything {emotion} would come out perfect here: a "
                "high value is no skill until other emotions are shown as well. Comparing all emotions tells.",
            )
        )
    fewest = min(each.n for results in comparison.sets.values() for each in results.values())
    found.append(
        Limit(
            "Small samples",
            f"The smallest sample has {count(fewest, 'picture')}. An interval says how far the luck of the draw "
            "reaches: values inside it cannot be told apart. It does not say whether the sample is like the world.",
            (WILSON,),
        )
    )
    if comparison.relaxed_as_tired:
        found.append(
            Limit("Relaxed is not tired", f"In this comparison “relaxed” was read as tired. {RELAXED_WARNING}")
        )
    else:
        found.append(
            Limit(
                "Relaxed is not tired",
                "Sets of animals often have relaxed ones and no tired ones. A relaxed dog is at ease, a tired one "
                "wants to sleep; here “relaxed” was not read as tired.",
            )
        )
    moved = (
        "How far they move is among the checks above."
        if find_study("luck").kept(material.file)
        else "One run says nothing of how far they move."
    )
    found.append(
        Limit("One run", f"Another seed of the training, or another draw of the sample, gives other numbers. {moved}")
    )
    return found


def _of_all() -> list[Limit]:
    return [
        Limit(
            "A facial expression is not a feeling",
            "People smile without joy and are happy without a smile. Whether emotions can be read off faces at all, "
            "across situations, people and cultures, is disputed: a review of the evidence finds that they cannot be "
            "with confidence.",
            (BARRETT,),
        ),
        Limit(
            "Posed expressions",
            "Pictures found under a word mostly show faces made for a camera. Reading those well is no sign of reading "
            "what people do unasked.",
            (BARRETT,),
        ),
        Limit(
            "Label noise",
            "The label is what people called a picture, not what was felt. On a known set of faces people agree with "
            "the labels about two times in three; no model can be shown to do better than its labels. Labels of "
            "animals are given by people too.",
            (GOODFELLOW,),
        ),
        Limit(
            "Dogs are not small people",
            "In comparable situations dogs move other parts of the face than people do. What tells a model about "
            "people need not exist in a dog, and background and breed can drive the answer.",
            (CAEIRO, MARTVEL),
        ),
        Limit(
            "Confidence under a shift",
            "A probability that fits pictures of the training’s kind need not fit others: calibration does not carry "
            "over a shift, and another species is one.",
            (OVADIA,),
        ),
        Limit(
            "Near-duplicates",
            "The check finds the same picture saved again, sized, greyed or mirrored. It does not find one cropped by "
            "more than about two percent, nor the same person or animal in another picture.",
        ),
        Limit(
            "Where such systems are banned",
            "In the European Union, AI systems that infer the emotions of people at the workplace and in education are "
            "prohibited, except for medical or safety reasons. This report is for finding out what such a model can "
            "and cannot do. It is not fit for judging anyone, and not for deciding what is done with an animal.",
            (AI_ACT,),
        ),
    ]
