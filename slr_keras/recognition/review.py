"""Rank the clips of a prediction file by uncertainty, and write documents of ELAN to correct.

The uncertainty of a clip of n signs with the confidences c₁ … cₙ is one of

    mean    1 − (c₁ + … + cₙ) / n
    least   1 − min cᵢ
    errors  (1 − c₁) + … + (1 − cₙ), the expected number of wrong signs where confidences are
            calibrated

Under each, a clip without any sign has 1. Equal clips stay in the order of the file.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slr_keras.data.video.recordings import VIDEOS
from slr_keras.recognition.clip import Clip, Gloss, Prediction
from slr_keras.recognition.elan import to_elan
from slr_keras.recognition.formats import FORMAT, VERSION
from slr_keras.recognition.writers import clip_paths
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_text
from slr_keras.utils.unicode import composed

MEASURES = ("mean", "least", "errors")


class Ranked(NamedTuple):
    """A clip and its uncertainty."""

    prediction: Prediction
    uncertainty: float


def read_predictions(path: str | Path) -> tuple[list[Prediction], dict[str, Any]]:
    """Read a file that `predict --format json` wrote.

    Returns:
        The predictions, and what the file says about run, model and vocabulary.

    Raises:
        UserError: the file cannot be read, is another file, or a clip is malformed.
    """
    value = read_json(path)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{path}: is no file of predictions; `slr predict --format json` writes it")
    if value.get("version") != VERSION or not isinstance(value.get("clips"), list):
        raise UserError(f"{path}: its version is {value.get('version')!r}, not {VERSION}")
    clips = [_clip(clip, f"{path}: clip {n}") for n, clip in enumerate(value["clips"])]
    about = {key: value[key] for key in ("run", "model", "vocabulary") if key in value}
    return clips, about


def _clip(value: Any, where: str) -> Prediction:
    value = value if isinstance(value, dict) else {}
    glosses = value.get("glosses")
    named = all(isinstance(value.get(key), str) for key in ("id", "source"))
    if not named or not isinstance(glosses, list):
        raise UserError(f"{where}: needs id and source, which are text, and a list of glosses")
    frames, fps = (_number(value.get(key), f"{where}: {key}") for key in ("frames", "fps"))
    if not fps > 0:
        raise UserError(f"{where}: fps is {fps:g}, not above 0")
    signs = tuple(_gloss(gloss, f"{where}: gloss {n}") for n, gloss in enumerate(glosses))
    return Prediction(value["id"], value["source"], int(frames), fps, signs)


def _gloss(value: Any, where: str) -> Gloss:
    value = value if isinstance(value, dict) else {}
    if not isinstance(value.get("gloss"), str):
        raise UserError(f"{where}: has no gloss that is text")
    start, end, confidence = (
        _number(value.get(key), f"{where}: {key}") for key in ("start", "end", "confidence")
    )
    if not start <= end or confidence > 1:
        raise UserError(f"{where}: ends before its start, or its confidence is above 1")
    return Gloss(composed(value["gloss"]), start, end, confidence)


def _number(value: Any, where: str) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared before the conversion, which fails for whole numbers of many digits.
    if not plain or not 0 <= value <= 1e9 or not math.isfinite(value):
        raise UserError(f"{where} is no number of 0 or more")
    return float(value)


def uncertainty(prediction: Prediction, measure: str = "mean") -> float:
    """Uncertainty of a clip; see the docstring of the module.

    >>> from slr_keras.recognition import Gloss, Prediction
    >>> from slr_keras.recognition.review import uncertainty
    >>> signs = (Gloss("RAIN", 0.2, 0.8, 0.75), Gloss("NORTH", 1.0, 1.5, 0.25))
    >>> clip = Prediction("a", "a.npy", 50, 25.0, signs)
    >>> [uncertainty(clip, measure) for measure in ("mean", "least", "errors")]
    [0.5, 0.75, 1.0]
    """
    doubts = [1 - gloss.confidence for gloss in prediction.glosses] or [1.0]
    total = math.fsum(doubts)
    return {"mean": total / len(doubts), "least": max(doubts), "errors": total}[measure]


def ranked(predictions: Sequence[Prediction], measure: str = "mean") -> list[Ranked]:
    """The clips, the most uncertain first."""
    clips = [Ranked(one, uncertainty(one, measure)) for one in predictions]
    return sorted(clips, key=lambda clip: -clip.uncertainty)


def write_documents(clips: Sequence[Ranked], about: dict[str, Any], folder: Path) -> int:
    """Write a document of ELAN per clip, with the tiers gloss and confidence.

    Documents that exist stay, since they may be corrected already.

    Returns:
        The number of documents that were written.

    Raises:
        UserError: two clips would have the same document, or the folder is a file.
    """
    wanted = [Clip(c.prediction.id, c.prediction.source, _unread) for c in clips]
    paths = clip_paths(f"{folder}/", wanted, ".eaf", "--eaf") or {}
    written = 0
    for clip in clips:
        prediction = clip.prediction
        path, source = paths[prediction.id, prediction.source], Path(prediction.source)
        if path.exists():
            continue
        video = source if source.suffix.lower() in VIDEOS and source.is_file() else None
        write_text(path, to_elan(prediction, about, video, path.parent))
        written += 1
    return written


def _unread() -> Any:
    raise UserError("the clip of a prediction file is not read")
