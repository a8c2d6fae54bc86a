"""`assets/serving.json`: what a version is, for clients and servers that never load it.

| key | value |
| --- | --- |
| `format`, `format_version` | `"slr_keras.saved_model"`, 1 |
| `name`, `system`, `model` | of the run; `stark`, `c2st`, `ustm` or `stepnet`; as registered |
| `kind` | `"continuous"` (scores by step) or `"isolated"` (one row of scores a clip) |
| `modality` | `"keypoints"` or `"video"` |
| `blank` | class of the CTC blank, or of no gloss; null where there is none |
| `labels` | `file`, `count` and `digest` of the vocabulary: line i names column i from 0 |
| `contract` | `file` and `digest` of how clips are described |
| `content` | by input: `what` it is, a frame's `shape`, largest sides of an encoded picture |
| `stride`, `fps` | frames of a step (null of isolated models); frames a second of a clip |
| `clip_frames` | frames that the model takes of every clip, null where it takes all |
| `buckets` | lengths in frames that clients pad to, ascending; other lengths work, unwarmed |
| `limits` | `shortest` and `longest` clip in frames |
| `scores` | `"log_probabilities"`, or `"logits"` that `serving_context` adds to |
| `scoring` | clean-up rules of the recipe, by which error rates are computed |
| `decoding` | `greedy`: how `serving_glosses` reads scores; `recipe`: how the run decodes |
| `signatures` | by name `inputs` and `outputs` by name: `dtype` and `shape`, -1 where it is free |
| `precision` | of weights and arithmetic; inputs and outputs are float32 always |
| `run` | SHA-256 of `weights` and `config`, and `best` epoch |
| `packages` | versions that made it |
| `warmup_records` | how many |
| `verification` | `status`; relative errors; error rates on dev where its data was there |
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
    """All that is known before anything is verified."""
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
        "contract": {"file": endpoints.input.contract_file, "digest": contract.digest},
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
