"""`metadata.json` of a bundle: description, results of the verification, measurements.

| key | value |
| --- | --- |
| `format`, `version` | `"slr_keras.tflite"`, 1 |
| `slr_keras`, `packages` | versions that made the bundle |
| `runtimes` | versions of the TFLite runtimes in which the files ran |
| `run` | `name`, `model`, SHA-256 of `weights` and `config` |
| `task` | `"sentences"` (CTC over steps) or `"sign"` (one sign a clip) |
| `contract`, `vocabulary` | file and digest; `labels.txt` names the columns of the scores |
| `fps`, `step_frames` | frames a second; frames for each step of the scores |
| `inputs`, `outputs` | of every file by name: `shape`, `dtype`, meaning |
| `head`, `heads` | heads whose mean probability the scores are |
| `decoding`, `scoring`, `data` | of the recipe |
| `buckets` | input lengths of the files in frames, ascending |
| `precisions` | by precision `files`: by bucket the result of `describe_file` |
| `streaming` | optional, see `export.lite.streaming` |
| `verification` | `status` "verified" or "unverified"; limits, clips, the WER of Keras, and by \
precision the result of `export.lite.verification.verify` |
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
from slr_keras.bundle.bundle import CONTRACT, FORMAT, SENTENCES, SIGN, VERSION
from slr_keras.bundle.exported_files import LABELS, labels
from slr_keras.bundle.interpreter import RUNTIMES, has_runtime, runtime_version
from slr_keras.bundle.scorer import FRAMES, KEYPOINTS, SCORES
from slr_keras.data.sampling import REDUCTION
from slr_keras.utils.files import sha256

if TYPE_CHECKING:
    from export.lite.plan import BundlePlan
    from export.lite.verification import Reference
    from slr_keras.training.run import Run

PACKAGES = ("tensorflow", "keras", "numpy")


def describe(
    run: "Run",
    plan: "BundlePlan",
    heads: Sequence[str],
    files: Mapping[str, Mapping[int, Mapping[str, Any]]],
    data: str,
    stride: int,
) -> dict[str, Any]:
    """The metadata of a bundle that is neither verified nor timed yet.

    Args:
        run: that is exported.
        plan: of the export.
        heads: heads whose mean probability the scores are.
        files: by precision and bucket, the result of `describe_file`.
        data: data folder.
        stride: frames for each step of the scores.
    """
    from slr_keras.config.loading import to_tree

    single = run.output == "sign"
    contract, config = run.contract, run.config
    columns = len(labels(run.vocabulary, run.output))
    source = contract.source
    steps = f"max(frames // {REDUCTION}, 1)"
    if stride != REDUCTION:
        steps += f" * {REDUCTION // stride}"
    return {
        "format": FORMAT,
        "version": VERSION,
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
        "task": SIGN if single else SENTENCES,
        "contract": {"file": CONTRACT, "digest": contract.digest},
        "vocabulary": {
            "file": LABELS,
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
                "zeros for a missing point; frames beyond the real ones are ignored",
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
            precision: {"files": {str(bucket): dict(entry) for bucket, entry in entries.items()}}
            for precision, entries in files.items()
        },
        "verification": {"status": "unverified"},
        "latency": None,
    }


def describe_file(path: Path, file: bytes, runtimes: Sequence[str]) -> dict[str, Any]:
    """Name, size, digest, runtimes and operations of a file.

    Args:
        path: of the file.
        file: its bytes.
        runtimes: in which the file ran.
    """
    return {
        "file": path.name,
        "bytes": len(file),
        "sha256": sha256(path),
        "runtimes": list(runtimes),
        "operations": [
            {
                "name": operation.name,
                "version": operation.version,
                "count": operation.count,
                "multiply_adds": operation.multiply_adds,
            }
            for operation in operations(file)
        ],
    }


def describe_verification(
    plan: "BundlePlan", reference: "Reference", results: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The data, limits and results of a verification."""
    return {
        "status": "verified",
        "manifest": reference.manifest.path.name,
        "clips": len(reference.manifest),
        "words": reference.total.references,
        "keras_wer": round(reference.total.wer, 4),
        "limits": {
            "relative_error": {"fp32": plan.parity_limit},
            "wer_points": {name: plan.wer_limits[name] for name in results},
        },
        "precisions": {name: dict(value) for name, value in results.items()},
    }


def describe_latency(
    rows: Sequence[Mapping[str, Any]], profile: Mapping[str, Any]
) -> dict[str, Any]:
    """Latencies, the profile of one file, and the machine they were measured on."""
    return {"machine": machine(), "rows": [dict(row) for row in rows], "profile": dict(profile)}
