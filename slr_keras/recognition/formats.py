"""Format predictions as text or JSON; `subtitles` and `elan` hold the formats of one file a clip.

The JSON is one object:

    format      "slr_keras.predictions"
    version     1; a reader may rely on the keys below
    run         the run's folder
    model       the model's name
    vocabulary  digest of the run's vocabulary;  contract: digest of its contract
    head        the head whose scores were decoded;  decoding: the decoding options
    clips       a list of objects, in the order given:
        id, source  id and file of the sample
        frames, fps, duration   number of frames, frames per second (on average), seconds
        glosses     a list of {"gloss", "start", "end", "confidence"}: seconds from the start of
                    the clip, end exclusive; confidence in 0..1
        reference   a list of glosses; null if there is no reference
        notices     a list of remarks about the input, such as missing coordinates
        alternatives   only where a model names the one sign of a clip: a list of {"gloss",
                    "confidence"}, the most probable signs, best first
    errors      a list of {"id", "source", "message"}: clips that could not be recognised
    score       null without references, else {"wer" (percent), "substitutions", "insertions",
                "deletions", "references" (glosses in the references), "clips" (scored)}
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slr_keras.recognition.clip import Failure, Prediction

FORMAT = "slr_keras.predictions"
VERSION = 1

Clean = Callable[[tuple[str, ...]], tuple[str, ...]]


def to_json(
    predictions: Sequence[Prediction],
    about: Mapping[str, Any],
    failures: Sequence[Failure] = (),
    clean: Clean = tuple,
) -> str:
    """Format all predictions as the JSON object described in the docstring of the module.

    Args:
        predictions: predictions, in the order to write.
        about: `run`, `model`, `vocabulary`, `contract`, `head` and `decoding`.
        failures: clips that could not be recognised.
        clean: clean-up of reference and hypothesis before scoring.

    >>> import json
    >>> from slr_keras.recognition import Gloss, Prediction, to_json
    >>> clip = Prediction("a", "a.npy", 50, 25.0, (Gloss("RAIN", 0.2, 0.8, 0.97),))
    >>> json.loads(to_json([clip], {"run": "runs/demo"}))["clips"][0]["glosses"]
    [{'gloss': 'RAIN', 'start': 0.2, 'end': 0.8, 'confidence': 0.97}]
    """
    value = {
        "format": FORMAT,
        "version": VERSION,
        **about,
        "clips": [_clip(prediction) for prediction in predictions],
        "errors": [
            {"id": failure.id, "source": failure.source, "message": failure.message}
            for failure in failures
        ],
        "score": score(predictions, clean),
    }
    # JSON has no NaN, and a confidence or time must never be NaN.
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _clip(prediction: Prediction) -> dict[str, Any]:
    return {
        "id": prediction.id,
        "source": prediction.source,
        "frames": prediction.frames,
        "fps": prediction.fps,
        "duration": round(prediction.frames / prediction.fps, 3),
        "glosses": [
            {
                "gloss": gloss.gloss,
                "start": round(gloss.start, 3),
                "end": round(gloss.end, 3),
                "confidence": round(gloss.confidence, 4),
            }
            for gloss in prediction.glosses
        ],
        "reference": None if prediction.reference is None else list(prediction.reference),
        "notices": list(prediction.notices),
        **(
            {
                "alternatives": [
                    {"gloss": gloss, "confidence": round(confidence, 4)}
                    for gloss, confidence in prediction.alternatives
                ]
            }
            if prediction.alternatives
            else {}
        ),
    }


def score(predictions: Sequence[Prediction], clean: Clean = tuple) -> dict[str, Any] | None:
    """Word error rate over the clips that have a reference; None if no clip has one."""
    from slr_keras.metrics.wer import word_error_rate

    scored = [prediction for prediction in predictions if prediction.reference is not None]
    counts = word_error_rate(
        [clean(prediction.reference) for prediction in scored],
        [clean(prediction.hypothesis) for prediction in scored],
    )
    if not counts.references:
        return None
    return {
        "wer": round(counts.wer, 4),
        "substitutions": counts.substitutions,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "references": counts.references,
        "clips": len(scored),
    }


def to_text(prediction: Prediction, times: bool = False, clean: Clean = tuple, top: int = 1) -> str:
    """One line `id: GLOSS GLOSS`, the alignment with the reference if there is one, and a table.

    Reference and hypothesis are aligned after `clean`, as in scoring. S marks substitutions, D
    deletions and I insertions.

    Args:
        prediction: the prediction.
        times: add a table of times and confidences.
        clean: clean-up of reference and hypothesis.
        top: number of most probable signs to list, if above 1 and if the model ranks them.

    >>> from slr_keras.recognition import Gloss, Prediction, to_text
    >>> signs = (Gloss("RAIN", 0.2, 0.8, 0.97), Gloss("NORTH", 1.0, 1.5, 0.6))
    >>> print(to_text(Prediction("a", "a.npy", 50, 25.0, signs)), end="")
    a: RAIN NORTH
    >>> print(to_text(Prediction("a", "a.npy", 50, 25.0, signs), times=True), end="")
    a: RAIN NORTH
       start     end  confidence  gloss
       0.200   0.800        0.97  RAIN
       1.000   1.500        0.60  NORTH
    >>> print(to_text(Prediction("a", "a.npy", 50, 25.0, signs, ("RAIN", "SOUTH"))), end="")
    a: RAIN NORTH
      REF:  RAIN SOUTH
      HYP:  RAIN NORTH
      Eval:      S
    """
    lines = [f"{prediction.id}: {' '.join(prediction.hypothesis)}".rstrip()]
    if prediction.reference is not None:
        lines += _aligned(clean(prediction.reference), clean(prediction.hypothesis))
    if times and prediction.glosses:
        lines.append(f"{'start':>8}{'end':>8}{'confidence':>12}  gloss")
        lines += [
            f"{gloss.start:8.3f}{gloss.end:8.3f}{gloss.confidence:12.2f}  {gloss.gloss}"
            for gloss in prediction.glosses
        ]
    if top > 1:
        lines += [f"{sure:20.2f}  {gloss}" for gloss, sure in prediction.alternatives[:top]]
    return "\n".join(lines) + "\n"


def _aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> list[str]:
    from slr_keras.metrics.alignment import align

    return [f"  {line}" for line in align(reference, hypothesis).text().split("\n")]


def score_line(predictions: Sequence[Prediction], clean: Clean = tuple) -> str | None:
    """The word error rate in one line; None if no clip has a reference."""
    total = score(predictions, clean)
    if total is None:
        return None
    return (
        f"WER {total['wer']:.2f} % of {total['references']} glosses in {total['clips']} "
        f"clip{'' if total['clips'] == 1 else 's'} "
        f"({total['substitutions']} substituted, {total['deletions']} deleted, "
        f"{total['insertions']} inserted)"
    )
