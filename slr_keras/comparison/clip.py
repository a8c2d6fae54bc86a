"""Plot of one sentence of a comparison."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slr_keras.comparison.comparison import ComparedSentence
from slr_keras.comparison.emission import cleaned_singly, emission
from slr_keras.comparison.picture import Sign, draw_alignment
from slr_keras.comparison.recognised import Recognised
from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans


def draw_clip(path: Path, sentence: ComparedSentence, sides: Sequence[Recognised]) -> None:
    """Draw the emission probabilities of a sentence's glosses for both runs.

    Args:
        path: PNG file to write.
        sentence: the sentence to draw.
        sides: both runs with their splits; the spans of signs come from the first split that has
            them.

    Raises:
        UserError: spans of the sample that do not fit its glosses.
    """
    rows = [side.manifest.find(sentence.id) for side in sides]
    samples = [
        replace(side.manifest[row], fps=side.manifest.rate(row)) for side, row in zip(sides, rows)
    ]
    emissions = [emission(side, row) for side, row in zip(sides, rows)]
    rules = sides[0].run.config.data.scoring
    signs = next(filter(None, (_signs(sample, rules) for sample in samples)), [])
    titles = []
    for name, side, counts in zip("AB", sides, sentence.counts):
        errors = f"{counts.errors} error{'s' * (counts.errors != 1)}"
        titles.append(f"{name}  {side.run.path}, {side.run.config.model.name}: {errors}")
    draw_alignment(path, samples[0], signs, emissions, titles)


def _signs(sample: Sample, rules: str) -> list[Sign]:
    spans = sample.extra.get("spans")
    if spans is None:
        return []
    glosses = cleaned_singly(sample.glosses, rules)
    pairs = zip(glosses, checked_spans(sample, spans), strict=True)
    return [
        Sign(name, start / sample.fps, end / sample.fps) for name, (start, end) in pairs if name
    ]
