"""`metadata.json`: what a bundle is, was checked against, and was measured to do.

| key | value |
| --- | --- |
| `format`, `version` | `"slr_keras.tflite"`, 1 |
| `slr_keras`, `packages` | versions that made it |
| `run` | `name`, `model`, SHA-256 of `weights` and `config` |
| `task` | `"sentences"` (CTC over steps) or `"sign"` (one sign a clip) |
| `contract`, `vocabulary` | file and digest; `labels.txt` names the columns of the scores |
| `fps`, `step_frames` | frames a second; frames of a step of the scores |
| `inputs`, `outputs` | of every file, by name: axes, dtype, meaning |
| `head`, `heads` | whose mean probability the scores are |
| `decoding`, `scoring`, `data` | of the recipe |
| `buckets` | frames of the files, ascending |
| `precisions` | by precision `files`: by bucket what `describe_file` gives |
| `streaming` | where asked for, see `export.lite.streaming` |
| `verification` | `status` "verified" or "unverified"; limits, clips, Keras' WER, and by \
precision what `export.lite.verification.verify` gives |
| `latency` | `machine`, rows of `export.lite.latency.measure`, a `profile` of \
`export.lite.profile` |
"""

from collections.abc import Mapping, Sequence
from importlib import metadata as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slr_keras
from export.lite.flatbuffer import operations
from export.lite.latency import machine
from slr_keras.bundle import bundle as parts
from slr_keras.bundle.interpreter import RUNTIMES, has_runtime, runtime_version
from slr_keras.bundle.scorer import FRAMES, KEYPOINTS, SCORES
from slr_keras.data.sampling import REDUCTION
from slr_keras.utils.files import sha256

if TYPE_CHECKING:
    from export.lite.plan import Plan
    from export.lite.verification import Reference
    from slr_keras.training.run import Run

PACKAGES = ("tensorflow", "keras", "numpy")


def describe(
    run: "Run",
    plan: "Plan",
    heads: Sequence[str],
    files: Mapping[str, Mapping[int, Mapping[str, Any]]],
    data: str,
    stride: int,
) -> dict[str, Any]:
    """All that is known once the files are there; neither verified nor timed yet.

    Args:
        run: what is exported.
        plan: of the export.
        heads: whose mean probability the scores are.
        files: by precision and bucket, what `describe_file` gives.
        data: folder of the dev split.
        stride: frames of a step of the scores.
    """
    from slr_keras.config.loading import to_tree

    single = run.output == "sign"
    contract, config = run.contract, run.config
    columns = len(parts.labels(run.vocabulary, run.output))
    source = contract.source
    steps = f"max(frames // {REDUCTION}, 1)"
    if stride != REDUCTION:
        steps += f" * {REDUCTION // stride}"
    return {
        "format": parts.FORMAT,
        "version": parts.VERSION,
        "slr_keras": slr_keras.__version__,
        "packages": {name: installed.version(name) for name in PACKAGES},
        "runtimes": {name: runtime_version(name) for name in RUNTIMES if has_runtime(name)},
        "run": {
            "name": run.path.resolve().name,
            "model": config.model.name,
            "weights": sha256(run.folder.best),
            "config": sha256(run.folder.config),
            "best": dict(run.best),
        },
        "task": parts.SIGN if single else parts.SENTENCES,
        "contract": {"file": parts.CONTRACT, "digest": contract.digest},
        "vocabulary": {
            "file": parts.LABELS,
            "digest": run.vocabulary.digest,
            "labels": columns,
        },
        "fps": contract.fps,
        "step_frames": stride,
        "inputs": {
            KEYPOINTS: {
                "shape": [1, "T", len(source.points), len(source.channels)],
                "dtype": "float32",
                "is": f"raw points of layout {source.name} ({', '.join(source.channels)}); NaN or "
                "zeros where nothing was seen, anything beyond the real frames",
            },
            FRAMES: {"shape": [1], "dtype": "int32", "is": "real frames, 1 to T"},
        },
        "outputs": {
            SCORES: {
                "shape": [1, 1 if single else f"T / {stride}", columns],
                "dtype": "float32",
                "is": "natural logarithms of probabilities"
                + ("" if single else f"; {steps} steps are real"),
            }
        },
        "head": plan.head,
        "heads": list(heads),
        "decoding": to_tree(run.decoding),
        "scoring": config.data.scoring,
        "data": {"folder": str(data), "dev": config.data.dev, "test": config.data.test},
        "buckets": list(plan.buckets),
        "precisions": {
            precision: {"files": {str(bucket): dict(entry) for bucket, entry in found.items()}}
            for precision, found in files.items()
        },
        "verification": {"status": "unverified"},
        "latency": None,
    }


def describe_file(path: Path, file: bytes, runtimes: Sequence[str]) -> dict[str, Any]:
    """A file's entry."""
    return {
        "file": path.name,
        "bytes": len(file),
        "sha256": sha256(path),
        "runtimes": list(runtimes),
        "operations": [
            {
                "name": it.name,
                "version": it.version,
                "count": it.count,
                "multiply_adds": it.multiply_adds,
            }
            for it in operations(file)
        ],
    }


def describe_verification(
    plan: "Plan", reference: "Reference", found: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What was compared, and how it came out."""
    return {
        "status": "verified",
        "manifest": reference.manifest.path.name,
        "clips": len(reference.manifest),
        "words": reference.total.references,
        "keras_wer": round(reference.total.wer, 4),
        "limits": {
            "relative_error": {"fp32": plan.parity_limit},
            "wer_points": {name: plan.wer_limits[name] for name in found},
        },
        "precisions": {name: dict(value) for name, value in found.items()},
    }


def describe_latency(
    rows: Sequence[Mapping[str, Any]], profile: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows of measurements, where the time of one file goes, and what they were taken on."""
    return {"machine": machine(), "rows": [dict(row) for row in rows], "profile": dict(profile)}
