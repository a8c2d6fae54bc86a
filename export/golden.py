"""Golden inputs and outputs: what whoever runs a bundle elsewhere must get."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slr_keras.bundle.bundle import GOLDEN_ARRAYS, GOLDEN_TEXT, Bundle
from slr_keras.bundle.recogniser import BundleRecogniser
from slr_keras.data.sampling import REDUCTION
from slr_keras.files import atomic_path, write_text

# Clips of few frames: with them, the text stays below a megabyte.
TEXT_CLIPS = ("three_frames", "short", "gaps")


def write_golden(
    bundle: Bundle,
    clips: Mapping[str, np.ndarray],
    outputs: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write `golden.npz` (all clips) and `golden.json` (the short ones, in plain numbers).

    Args:
        bundle: that they go with.
        clips: name → raw clip `(frames, source points, source channels)`.
        outputs: precision → name → scores `(1, steps, columns)` of the clip's bucket.
    """
    arrays, listed = {}, []
    for name, clip in clips.items():
        arrays[f"{name}/keypoints"] = clip
        steps = 1 if bundle.isolated else max(len(clip) // REDUCTION, 1)
        scores = {p: found[name][0, :steps] for p, found in outputs.items()}
        arrays |= {f"{name}/{precision}": values for precision, values in scores.items()}
        if name in TEXT_CLIPS:
            listed.append(_as_json(bundle, name, clip, scores))
    with atomic_path(bundle.path / GOLDEN_ARRAYS) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_text(bundle.path / GOLDEN_TEXT, _text(listed))


def _as_json(
    bundle: Bundle, name: str, clip: np.ndarray, scores: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    glosses = {}
    for precision, values in scores.items():
        with BundleRecogniser(bundle, precision) as recogniser:
            glosses[precision] = list(recogniser.recognise(clip).glosses)
            del values
    missing = ~np.isfinite(clip)
    return {
        "name": name,
        "frames": len(clip),
        "bucket": next(size for size in bundle.buckets if size >= len(clip)),
        "shape": list(clip.shape),
        # JSON has no NaN: null is a number that the detector did not give.
        "keypoints": [
            None if lost else float(str(value))
            for value, lost in zip(clip.ravel(), missing.ravel())
        ],
        "log_probabilities": {
            precision: [[float(f"{x:.6g}") for x in row] for row in values]
            for precision, values in scores.items()
        },
        "glosses": glosses,
    }


def _text(listed: list[dict[str, Any]]) -> str:
    import json

    return json.dumps({"clips": listed}, ensure_ascii=False, separators=(",", ":")) + "\n"
