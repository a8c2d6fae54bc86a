"""Golden inputs and outputs of a bundle, for tests on other devices."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slr_keras.bundle.bundle import GOLDEN_ARRAYS, GOLDEN_TEXT, Bundle
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.utils.files import atomic_path, write_text

# Short clips, so that the text stays below a megabyte.
TEXT_CLIPS = ("three_frames", "short", "gaps")


def write_golden(
    bundle: Bundle,
    clips: Mapping[str, np.ndarray],
    outputs: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write `golden.npz` (all clips) and `golden.json` (the short clips, as numbers).

    Args:
        bundle: to which the files belong.
        clips: name → raw clip `(frames, source points, source channels)`.
        outputs: precision → name → scores `(1, steps, columns)` of the clip's bucket.
    """
    arrays = {}
    listed = {name: _as_json(bundle, name, clips[name]) for name in TEXT_CLIPS}
    for name, clip in clips.items():
        arrays[f"{name}/keypoints"] = clip
        steps = bundle.steps(len(clip))
        for precision, by_clip in outputs.items():
            arrays[f"{name}/{precision}"] = values = by_clip[name][0, :steps]
            if name in listed:
                rows = [[float(f"{x:.6g}") for x in row] for row in values]
                listed[name]["log_probabilities"][precision] = rows
    for precision in outputs:
        with bundle_recogniser(bundle, precision) as recogniser:
            for name, entry in listed.items():
                entry["glosses"][precision] = list(recogniser.recognise(clips[name]).glosses)
    with atomic_path(bundle.path / GOLDEN_ARRAYS) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_text(bundle.path / GOLDEN_TEXT, _text(list(listed.values())))


def _as_json(bundle: Bundle, name: str, clip: np.ndarray) -> dict[str, Any]:
    """The input of a clip; its outputs are still empty."""
    return {
        "name": name,
        "frames": len(clip),
        "bucket": next(size for size in bundle.buckets if size >= len(clip)),
        "shape": list(clip.shape),
        # JSON has no NaN: null stands for a number that the detector did not give.
        "keypoints": [float(str(x)) if np.isfinite(x) else None for x in clip.ravel()],
        "log_probabilities": {},
        "glosses": {},
    }


def _text(listed: list[dict[str, Any]]) -> str:
    import json

    return json.dumps({"clips": listed}, ensure_ascii=False, separators=(",", ":")) + "\n"
