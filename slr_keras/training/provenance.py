"""What predictions were made of, so that a later command knows whether they still hold."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import slr_keras
from slr_keras.config.loading import to_tree
from slr_keras.data.loaders.options import FLOW
from slr_keras.data.manifest import Manifest
from slr_keras.data.video.flow_files import flow_file
from slr_keras.decoding import DecodingConfig
from slr_keras.training.data import contract_of, segments
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, sha256

Provenance = dict[str, str]


def provenance(run: Run, manifest: Manifest, decoding: DecodingConfig) -> Provenance:
    """Digests of all that a run's predictions depend on: weights, recipe, clips, program.

    The files of the clips go in by name, size and time of change, since a corpus is too large to
    be read for this; a copy counts as other data unless it keeps the times.

    Ask before the weights are read: should they or a clip change meanwhile, then predictions of
    the new are filed under the old and never taken for either.

    Args:
        run: whose best weights were used.
        manifest: of the clips.
        decoding: how the weights' output was read.

    Raises:
        UserError: the run has no best weights yet.
    """
    _ = run.best
    config = run.config
    recipe = {
        "model": to_tree(config.model),
        "transduction": to_tree(config.transduction),
        "max_frames": config.data.max_frames,
        "scoring": config.data.scoring,
        "decoding": to_tree(decoding),
    }
    if chosen := segments(run.config):
        recipe["segments"] = asdict(chosen)
    found = {
        "weights": sha256(run.folder.best),
        "recipe": _digest(recipe),
        "vocabulary": run.vocabulary.digest,
        "clips": clips_digest(manifest, run.modality),
        "version": slr_keras.__version__,
    }
    if config.data.stream == FLOW:
        found["flow"] = flow_digest(manifest)
    if decoding.language_model_order and run.folder.language_model.is_file():
        found["language_model"] = sha256(run.folder.language_model)
    return found


def clips_digest(manifest: Manifest, modality: str) -> str:
    """Digest of a split: samples, contract, and the state of the files that hold the clips.

    Args:
        manifest: of the split.
        modality: whether "keypoints" or "video" are seen.
    """
    attribute = "keypoints" if modality == "keypoints" else "video"
    names = {getattr(sample, attribute) for sample in manifest} - {""}
    value = {
        "samples": [asdict(sample) for sample in manifest],
        "contract": contract_of(manifest, modality).digest,
        "files": [[name, _states(manifest.folder / name)] for name in sorted(names)],
    }
    return _digest(value)


def flow_digest(manifest: Manifest) -> str:
    """Digest of the state of the files that hold the optical flow of a split."""
    return _digest([_states(flow_file(manifest.folder, sample)) for sample in manifest])


def kept_predictions(
    run: Run, split: str, manifest: Manifest, decoding: DecodingConfig
) -> list[dict[str, Any]] | None:
    """What the run has recognised in a split, one record per clip of the manifest.

    Returns:
        None where there is nothing, or where it is not known to be of these weights, this recipe
        and these clips.
    """
    scores, path = run.folder.scores(split), run.folder.predictions(split)
    if not scores.is_file() or not path.is_file():
        return None
    try:
        found = read_json(scores).get("provenance")
    except (UserError, AttributeError):
        return None
    if found != provenance(run, manifest, decoding) | written(run, split):
        return None
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def written(run: Run, split: str) -> dict[str, str]:
    """Digests of the files that hold what a run has recognised in a split."""
    files = {
        "predictions": run.folder.predictions(split),
        "log_probabilities": run.folder.log_probabilities(split),
    }
    return {name: sha256(path) for name, path in files.items() if path.is_file()}


def _states(path: Path) -> list[list[Any]]:
    """Name, size and time of change of a file, or of the files in a folder."""
    if not path.exists():
        return []
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    states = ((file.name, file.stat()) for file in files)
    return [[name, state.st_size, state.st_mtime_ns] for name, state in states]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
