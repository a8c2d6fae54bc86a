"""Verification of a bundle: scores compared with Keras, and WER on the dev split."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from export.common.comparison import relative_error, require_agreement
from export.lite.conversion import (
    DYNAMIC,
    FLOAT16,
    FLOAT32,
    INT8,
)
from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import raw_clip
from slr_keras.metrics.wer import ErrorCounts, sentence_counts
from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

# WER (for single signs: error rate) that a precision may lose, in points.
WER_LIMITS: Mapping[str, float] = {FLOAT32: 0.1, FLOAT16: 0.1, DYNAMIC: 0.3, INT8: 1.0}
# Largest difference of the fp32 scores, as a fraction of the largest score.
PARITY_LIMIT = 1e-5
# Lowest fraction of steps whose best class is that of Keras.
AGREEMENT: Mapping[str, float] = {FLOAT32: 0.95, FLOAT16: 0.9, DYNAMIC: 0.6, INT8: 0.5}
BATCH = 8


@dataclass(frozen=True)
class Reference:
    """Results of Keras on a split, with the heads of the bundle.

    Attributes:
        manifest: the clips.
        scores: of each clip, `(steps, tokens)`.
        glosses: recognised in each clip.
        counts: errors of each clip.
    """

    manifest: Manifest
    scores: tuple[np.ndarray, ...]
    glosses: tuple[tuple[str, ...], ...]
    counts: tuple[ErrorCounts, ...]

    @property
    def total(self) -> ErrorCounts:
        """Errors of all clips."""
        return sum(self.counts, ErrorCounts())


def keras_reference(
    run: Run,
    heads: Sequence[str],
    manifest: Manifest,
    advance: Callable[[int], None] = lambda clips: None,
) -> Reference:
    """Recognise a split with the Keras model of a run, as `predict` does.

    Args:
        run: with the weights.
        heads: heads whose mean probability is decoded.
        manifest: the clips.
        advance: called with the clip count after each batch.

    Raises:
        UserError: the contract of the split differs from that of the run.
    """
    from slr_keras.decoding.outputs import ENSEMBLE
    from slr_keras.recognition.recogniser import Recogniser

    run.contract.require_same(manifest.contract, f"the run {run.path}", str(manifest.folder))
    recogniser = Recogniser(run, replace(run.decoding, heads=tuple(heads)))
    scores: list[np.ndarray] = []
    for first in range(0, len(manifest), BATCH):
        rows = range(first, min(first + BATCH, len(manifest)))
        logits = recogniser.logits([raw_clip(manifest, row) for row in rows])
        scores += [clip[ENSEMBLE] for clip in logits]
        advance(len(rows))
    glosses = tuple(run.vocabulary.decode(recogniser.decode(clip).ids) for clip in scores)
    counts = _counted(manifest, glosses, run.config.data.scoring)
    return Reference(manifest, tuple(scores), glosses, counts)


def verify(
    bundle: Bundle,
    reference: Reference,
    precision: str,
    advance: Callable[[int], None] = lambda clips: None,
) -> dict[str, Any]:
    """Results of one precision of a bundle on the clips of a reference.

    Args:
        bundle: to verify.
        reference: results of Keras.
        precision: of the files.
        advance: called with the clip count after each clip.

    Returns:
        `wer` and `change` in points (long clips are read in windows, as in an app),
        `relative_error` and `argmax_agreement` (of clips that fit into a bucket; None if no clip
        does), `clips`, and
        `windowed`, the number of clips read in windows.
    """
    glosses, errors, agreeing, steps, windowed = [], [0.0], 0, 0, 0
    manifest = reference.manifest
    with bundle_recogniser(bundle, precision) as recogniser:
        for row, expected in enumerate(reference.scores):
            raw = raw_clip(manifest, row)
            scores = recogniser.scores(raw)
            glosses.append(bundle.vocabulary.decode(recogniser.decode(scores).ids))
            if len(raw) > bundle.buckets[-1]:
                windowed += 1
            else:
                seen = np.isfinite(expected)
                errors.append(relative_error(scores[seen], expected[seen]))
                agreeing += int((scores.argmax(-1) == expected.argmax(-1)).sum())
                steps += len(expected)
            advance(1)
    total = sum(_counted(manifest, tuple(glosses), bundle.scoring), ErrorCounts())
    return {
        "wer": round(total.wer, 4),
        "change": round(total.wer - reference.total.wer, 4),
        "relative_error": float(f"{np.max(errors):.3g}"),
        "argmax_agreement": round(agreeing / steps, 6) if steps else None,
        "clips": len(manifest),
        "windowed": windowed,
    }


def require_within(
    result: Mapping[str, Any],
    precision: str,
    words: int,
    wer_limits: Mapping[str, float] = WER_LIMITS,
    parity_limit: float = PARITY_LIMIT,
) -> None:
    """Refuse a precision that differs too much from Keras.

    A limit of eight bits is never below one gloss: on a small split, a single clip whose two best
    glosses are almost equal would decide.

    Args:
        result: of `verify`.
        precision: that was verified.
        words: number of reference glosses, for the message.
        wer_limits: by precision, in points.
        parity_limit: largest relative error of `fp32`.

    Raises:
        UserError: a limit is exceeded; names the figure and the limit.

    >>> from export.lite.verification import require_within
    >>> require_within({"change": 0.2, "relative_error": 0.01, "windowed": 0}, "dynamic", 500)
    >>> require_within({"change": 0.37, "relative_error": 0.01, "windowed": 0}, "dynamic", 270)
    """
    if np.isnan(result["relative_error"]):
        raise UserError(f"{precision}: its scores are not numbers; nothing was written")
    if precision == FLOAT32 and result["relative_error"] > parity_limit:
        raise UserError(
            f"fp32: its scores differ from Keras by {result['relative_error']:.2g} of the largest, "
            f"limit {parity_limit:g} (--parity); nothing was written"
        )
    require_agreement(result.get("argmax_agreement"), AGREEMENT[precision], precision)
    limit = wer_limits[precision]
    if precision in (DYNAMIC, INT8):
        limit = max(limit, 100 / words)
    # Rates are rounded before they are compared.
    if result["change"] > limit + 1e-4:
        windows = (
            f"; {result['windowed']} clips are longer than the largest bucket and are read in "
            "windows: a larger --frames may help"
            if result["windowed"]
            else ""
        )
        raise UserError(
            f"{precision}: loses {result['change']:.2f} points of WER on the dev split, limit "
            f"{limit:.3g} (--limit {precision}=POINTS; one of {words} glosses is "
            f"{100 / words:.2f} points){windows}; nothing was written"
        )


def precisions_of(limits: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Parse limits of the form `PRECISION=POINTS`.

    Raises:
        UserError: a limit has another form.

    >>> from export.lite.verification import precisions_of
    >>> dict(precisions_of(["int8=2.5"]))
    {'int8': 2.5}
    """
    for text in limits:
        name, _, value = text.partition("=")
        try:
            points = float(value)
        except ValueError:
            points = -1.0
        if name not in WER_LIMITS or not 0 <= points <= 1000:
            raise UserError(
                f"--limit {text}: write PRECISION=POINTS with one of {', '.join(WER_LIMITS)}, "
                "such as int8=1.5"
            )
        yield name, points


def _counted(
    manifest: Manifest, glosses: tuple[tuple[str, ...], ...], scoring: str
) -> tuple[ErrorCounts, ...]:
    clean = CLEAN_UP[scoring]
    references = [clean(sample.glosses) for sample in manifest]
    return tuple(sentence_counts(references, [clean(said) for said in glosses]))
