"""`assets/serving.json`: description of a version for clients, which do not load the model.

| key | value |
| --- | --- |
| `format`, `format_version` | `"slr_keras.saved_model"`, 1 |
| `name`, `system`, `model` | of the run; `stark`, `c2st`, `ustm` or `stepnet`; as registered |
| `kind` | `"continuous"` (scores by step) or `"isolated"` (one row of scores a clip) |
| `modality` | `"keypoints"` or `"video"` |
| `blank` | class of the CTC blank or of no gloss; null if the model has none |
| `labels` | `file`, `count` and `digest` of the vocabulary: line i names column i from 0 |
| `contract` | `file` and `digest` of the contract, which describes raw clips |
| `content` | by input: meaning (`what`), `shape` of a frame, largest sides of an encoded picture |
| `stride`, `fps` | frames for each step (null for isolated models); frames a second of a clip |
| `clip_frames` | frames that the model takes from every clip, null if it takes all |
| `buckets` | lengths in frames that clients pad to, ascending; other lengths are not warmed up |
| `limits` | `shortest` and `longest` clip in frames |
| `scores` | `"log_probabilities"`, or `"logits"` to which `serving_context` is added |
| `scoring` | clean-up rules of the recipe for error rates |
| `decoding` | `greedy`: decoding of `serving_glosses`; `recipe`: decoding of the recipe |
| `signatures` | by name `inputs` and `outputs` by name: `dtype` and `shape`, -1 for a free size |
| `precision` | of the arithmetic; inputs and outputs are always float32 |
| `run` | SHA-256 of `weights` and `config`, and `best` epoch |
| `packages` | versions that made the version |
| `warmup_records` | number of warm-up requests |
| `verification` | `status`; relative errors; error rates on dev if its data was available |
"""

from collections.abc import Mapping, Sequence
from importlib import metadata as installed
from typing import Any

import slr_keras
from export.graph.endpoints import Endpoints
from slr_keras.bundle.exported_files import LABELS, labels
from slr_keras.decoding.hypothesis import BLANK
from slr_keras.utils.files import sha256

FORMAT, FORMAT_VERSION = "slr_keras.saved_model", 1
DESCRIPTION = "serving.json"
PACKAGES = ("tensorflow", "keras", "numpy")


def describe(
    endpoints: Endpoints, signatures: Mapping[str, Any], buckets: Sequence[int], precision: str
) -> dict[str, Any]:
    """The description of a version that is not verified yet.

    Args:
        endpoints: of the run.
        signatures: result of `endpoints.described` by name.
        buckets: lengths that clients pad to.
        precision: of the arithmetic.
    """
    from slr_keras.config.loading import to_tree

    run, contract = endpoints.run, endpoints.run.contract
    segments = endpoints.sampling.segments
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": run.path.resolve().name,
        "system": run.model_name.partition("_")[0],
        "model": run.model_name,
        "kind": "isolated" if run.output == "sign" else "continuous",
        "modality": run.modality,
        "blank": None if run.output == "sign" else BLANK,
        "labels": {
            "file": LABELS,
            "count": len(labels(run.vocabulary, run.output)),
            "digest": run.vocabulary.digest,
        },
        "contract": {"file": contract.file, "digest": contract.digest},
        "content": endpoints.input.description(),
        "stride": endpoints.stride,
        "fps": contract.fps,
        "clip_frames": segments.count if segments else None,
        "buckets": list(buckets),
        "limits": {"shortest": 1, "longest": endpoints.longest},
        "scores": "log_probabilities" if endpoints.decoder.normalised else "logits",
        "scoring": run.scoring,
        "decoding": {"greedy": endpoints.greedy_form, "recipe": to_tree(run.decoding)},
        "signatures": dict(signatures),
        "precision": precision,
        "run": {
            "weights": sha256(run.folder.best),
            "config": sha256(run.folder.config),
            "best": dict(run.best),
        },
        "packages": {
            "slr_keras": slr_keras.__version__,
            **{name: installed.version(name) for name in PACKAGES},
        },
        "warmup_records": 0,
        "verification": {"status": "unverified"},
    }
