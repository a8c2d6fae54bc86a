"""Segmentation of training sentences into glosses."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans

REST = ""
"""Label of frames between signs; no gloss is the empty string."""


@dataclass(frozen=True)
class Segment:
    """Frames start..end-1 of sample number `sample` show `gloss` (or rest)."""

    sample: int
    gloss: str
    start: int
    end: int


def segments_of(samples: Sequence[Sample], use_spans: bool = True) -> list[Segment]:
    """Cut labelled clips into glosses.

    Samples with spans (`extra["spans"]`: a [start, end) in frames per gloss) are cut there, and the
    frames between spans are rest. Samples without spans are cut into equal parts.

    Args:
        samples: clips with glosses; others are skipped.
        use_spans: if False, cut all clips into equal parts.

    Raises:
        UserError: spans that do not fit the glosses or the frames; names the sample.

    >>> from slr_keras.baselines.segments import segments_of
    >>> from slr_keras.data.sample import Sample
    >>> [(s.gloss, s.start, s.end) for s in segments_of([Sample("a", ("A", "B"), 10)])]
    [('A', 0, 5), ('B', 5, 10)]
    """
    segments = []
    for row, sample in enumerate(samples):
        if not sample.glosses or not sample.frames:
            continue
        spans = sample.extra.get("spans") if use_spans else None
        if spans is None:
            edges = np.linspace(0, sample.frames, len(sample.glosses) + 1).round().astype(int)
            spans = list(zip(edges[:-1].tolist(), edges[1:].tolist()))
            # With more glosses than frames, some parts have no frame.
            parts = [(g, s, e) for g, (s, e) in zip(sample.glosses, spans) if e > s]
        else:
            parts = _with_rest(sample, checked_spans(sample, spans))
        segments += [Segment(row, gloss, start, end) for gloss, start, end in parts]
    return segments


def choose_templates(
    segments: Sequence[Segment],
    samples: Sequence[Sample],
    per_gloss: int,
    rng: np.random.Generator,
) -> list[Segment]:
    """Choose at most `per_gloss` segments of each gloss, distributed evenly over signers.

    If a gloss has clips of this single sign, only those are used.

    Args:
        segments: from `segments_of(samples)`.
        samples: the samples of the segments.
        per_gloss: maximum number per gloss; 0 means all.
        rng: generator of the random choice.
    """
    alone = [len(sample.glosses) == 1 for sample in samples]
    by_gloss: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        by_gloss[segment.gloss].append(segment)
    chosen = []
    for gloss in sorted(by_gloss):
        pool = by_gloss[gloss]
        if gloss != REST and any(alone[segment.sample] for segment in pool):
            pool = [segment for segment in pool if alone[segment.sample]]
        chosen += _spread(pool, samples, per_gloss or len(pool), rng)
    return chosen


def _spread(pool, samples, count, rng) -> list[Segment]:
    """Choose randomly, one signer after the other."""
    turns: dict[str, int] = defaultdict(int)
    keyed = []
    for k in rng.permutation(len(pool)):
        signer = samples[pool[k].sample].signer
        keyed.append((turns[signer], len(keyed), pool[k]))
        turns[signer] += 1
    return [segment for _, _, segment in sorted(keyed, key=lambda item: item[:2])[:count]]


def _with_rest(sample: Sample, spans: list[tuple[int, int]]) -> list[tuple[str, int, int]]:
    parts, before = [], 0
    for gloss, (start, end) in zip(sample.glosses, spans, strict=True):
        if start > before:
            parts.append((REST, before, start))
        parts.append((gloss, start, end))
        before = max(before, end)
    if before < sample.frames:
        parts.append((REST, before, sample.frames))
    return parts
