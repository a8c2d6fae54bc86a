"""Which frames of a training sentence show which gloss."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans

REST = ""
"""Stands for frames between the signs; no gloss is the empty string."""


@dataclass(frozen=True)
class Segment:
    """Frames start..end-1 of sample number `sample` show `gloss` (or rest)."""

    sample: int
    gloss: str
    start: int
    end: int


def segments_of(samples: Sequence[Sample], use_spans: bool = True) -> list[Segment]:
    """Cut labelled clips into glosses.

    By the spans that a sample carries (`extra["spans"]`: a [start, end) in frames per gloss, what
    lies between is rest); a clip of one gloss without spans is that gloss; other clips are cut
    into equal parts.

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
            # More glosses than frames leave parts without a frame.
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
    """At most `per_gloss` segments of each gloss, spread over signers, clips of one sign first.

    Args:
        segments: from `segments_of(samples)`.
        samples: the samples they come from.
        per_gloss: 0 means all.
        rng: decides among equals.
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
    """A random choice that takes signers in turn."""
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
