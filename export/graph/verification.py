"""Verification of a SavedModel: scores compared with Keras, and error rates on the dev split."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.common.comparison import relative_error, require_agreement
from export.graph import reload
from export.graph.names import (
    DEFAULT,
    ENCODED,
    GLOSSES,
    LOGITS,
)
from slr_keras.decoding.outputs import ENSEMBLE, FIRST_GLOSS, with_special_tokens
from slr_keras.metrics.wer import ErrorCounts, sentence_counts
from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from export.graph.inputs import GraphInput
    from slr_keras.data.manifest import Manifest
    from slr_keras.recognition.recogniser import Recogniser

#: Largest difference of scores from Keras in float32, as a fraction of the largest score.
PARITY = {"float32": 1e-5, "float16": 0.01, "bfloat16": 0.1}
#: WER (for single signs: error rate) that a precision may lose, in points.
WER_LIMITS = {"float32": 0.1, "float16": 0.3, "bfloat16": 0.5}
#: Lowest fraction of steps whose best class is that of Keras.
AGREEMENT = {"float32": 0.95, "float16": 0.9, "bfloat16": 0.8}
_TIMEOUT = 1800


def expected_scores(recogniser: "Recogniser", clips: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Scores by Keras of each clip alone, `(steps, columns)` or `(columns,)` for one sign."""
    expected = {}
    for name, clip in clips.items():
        scores = recogniser.logits([clip])[0][ENSEMBLE]
        one_sign = recogniser.scorer.decoder.names_one_sign
        expected[name] = scores[0, FIRST_GLOSS:] if one_sign else scores
    return expected


def reloaded(folder: Path, clips: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Outputs of the SavedModel in a fresh process, see `reload`.

    Args:
        folder: of the version.
        clips: name → raw clip.
        name: of the input that takes the clips.

    Raises:
        UserError: the SavedModel does not load or run there; quotes TensorFlow.
    """
    with tempfile.TemporaryDirectory() as scratch:
        given, results = Path(scratch, "clips.npz"), Path(scratch, "results.npz")
        np.savez(given, __input__=name, **clips)
        # -P: the script's folder must not shadow other modules of the same names.
        command = [sys.executable, "-P", reload.__file__, str(folder), str(given), str(results)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"the SavedModel did not finish the golden clips within {_TIMEOUT} seconds; "
                "nothing was written (--no-verify skips them)"
            ) from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise UserError(
                f"the SavedModel does not run in a separate process: {last}; nothing was written"
            )
        with np.load(results) as file:
            return dict(file)


def compare(
    outputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], limit: float
) -> dict[str, float]:
    """The largest relative error of the scores: of single clips, batches and encoded files.

    Args:
        outputs: of `reloaded`.
        expected: of `expected_scores`.
        limit: largest relative error.

    Raises:
        UserError: an error exceeds the limit or is NaN; names the clip.
    """
    errors: dict[str, float] = {}
    ways = {DEFAULT: f"{DEFAULT}/{{}}/{LOGITS}", "together": "together/{}"}
    if any(key.startswith(ENCODED) for key in outputs):
        ways[ENCODED] = f"{ENCODED}/{{}}/{LOGITS}"
    for way, pattern in ways.items():
        for name, scores in expected.items():
            given = outputs[pattern.format(name)].reshape(-1, scores.shape[-1])
            wanted = scores.reshape(-1, scores.shape[-1])
            if given.shape != wanted.shape:
                raise UserError(
                    f"{way}: the golden clip {name!r} has {len(given)} steps, but {len(wanted)} in "
                    "Keras; nothing was written"
                )
            error = relative_error(given, wanted)
            # Also of NaN.
            if not error <= limit:
                raise UserError(
                    f"{way}: the scores of the golden clip {name!r} differ from Keras by "
                    f"{error:.2g} of the largest, limit {limit:g} (--parity); nothing was written"
                )
            errors[way] = max(errors.get(way, 0.0), error)
    return {way: float(f"{error:.3g}") for way, error in errors.items()}


def compare_glosses(
    outputs: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], recogniser: "Recogniser"
) -> None:
    """Refuse glosses of the graph that differ from greedy decoding outside the graph.

    Raises:
        UserError: names the clip and both sequences.
    """
    run, decoder = recogniser.trained, recogniser.scorer.decoder
    greedy = replace(run.decoding, method="greedy", language_model_order=0, insertion_bonus=0.0)
    for name, scores in expected.items():
        key = f"{GLOSSES}/{name}"
        if decoder.names_one_sign:
            given, wanted = [int(outputs[f"{key}/ids"][0, 0])], [int(scores.argmax())]
        else:
            given = outputs[f"{key}/ids"][0, : outputs[f"{key}/lengths"][0]].tolist()
            wanted = list(decoder.decode(scores[None], [len(scores)], greedy)[0].ids)
        if given != wanted:
            raise UserError(
                f"{GLOSSES}: the graph decodes the golden clip {name!r} to {given}, the recogniser "
                f"to {wanted}; nothing was written"
            )


def task_metric(
    folder: Path,
    recogniser: "Recogniser",
    manifest: "Manifest",
    content: "GraphInput",
    longest: int,
) -> dict[str, Any]:
    """Error rates of Keras and of the SavedModel on a split, with the decoding of the run.

    Args:
        folder: of the version.
        recogniser: of the run.
        manifest: clips; those longer than `longest` are skipped and counted.
        content: input of the signatures.
        longest: frames of the longest clip.

    Returns:
        `wer`, `keras_wer`, `change` in points, `clips`, `left_out`, `words`, and `agreement`, the
        fraction of steps whose best class is that of Keras.
    """
    import tensorflow as tf

    run = recogniser.trained
    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures[DEFAULT]
    clean = CLEAN_UP[run.scoring]
    counts = {"served": ErrorCounts(), "keras": ErrorCounts()}
    clips = agreeing = steps = 0
    for row in range(len(manifest)):
        raw = content.raw_clip(manifest, row)
        if len(raw) > longest:
            continue
        outputs = function(
            **{content.name: tf.constant(raw[None]), "lengths": tf.constant([len(raw)])}
        )
        served = outputs[LOGITS].numpy()[0]
        if recogniser.scorer.decoder.names_one_sign:
            served = with_special_tokens(served[None])
        scores = {"served": served, "keras": recogniser.logits([raw])[0][ENSEMBLE]}
        agreeing += int((served.argmax(-1) == scores["keras"].argmax(-1)).sum())
        steps += len(served)
        reference = clean(manifest[row].glosses)
        for model, values in scores.items():
            glosses = clean(run.vocabulary.decode(recogniser.decode(values).ids))
            counts[model] += sum(sentence_counts([reference], [glosses]), ErrorCounts())
        clips += 1
    if not counts["keras"].references:
        return {"clips": 0, "left_out": len(manifest) - clips}
    served, keras = counts["served"].wer, counts["keras"].wer
    return {
        "wer": round(served, 4),
        "keras_wer": round(keras, 4),
        "change": round(served - keras, 4),
        "clips": clips,
        "left_out": len(manifest) - clips,
        "words": counts["keras"].references,
        "agreement": round(agreeing / max(steps, 1), 6),
    }


def require_metric(metric: Mapping[str, Any], precision: str, limit: float) -> None:
    """Refuse a version whose error rate rises by more than its limit.

    Args:
        metric: of `task_metric`.
        precision: of the version.
        limit: points of WER.

    Raises:
        UserError: the limit is exceeded; names both figures.

    >>> from export.graph.verification import require_metric
    >>> require_metric({"clips": 9, "change": 0.2, "words": 500}, "bfloat16", 0.5)
    """
    require_agreement(metric.get("agreement"), AGREEMENT[precision], precision)
    if metric["clips"] and metric["change"] > limit:
        raise UserError(
            f"{precision}: loses {metric['change']:.2f} points of WER on {metric['clips']} dev "
            f"clips, limit {limit:g} (--limit; one of {metric['words']} glosses is "
            f"{100 / metric['words']:.2f} points); nothing was written"
        )
