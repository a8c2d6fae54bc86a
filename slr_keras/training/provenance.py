"""Provenance of predictions: digests that tell whether stored predictions are still valid."""

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
from slr_keras.utils.files import guarded, parse_json, read_json, read_text, sha256

Provenance = dict[str, str]


def provenance(run: Run, manifest: Manifest, decoding: DecodingConfig) -> Provenance:
    """Digests of everything that a run's predictions depend on: weights, recipe, clips, version.

    Files of clips are identified by name, size and modification time, because a corpus is too large
    to be hashed. A copy without the original times therefore counts as other data.

    Call this function before the weights are read: if weights or clips change later, the stored
    digests match neither the old nor the new state, and the predictions are not reused.

    Args:
        run: run whose best weights are used.
        manifest: the clips.
        decoding: decoding options.

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
    digests = {
        "weights": sha256(run.folder.best),
        "recipe": _digest(recipe),
        "vocabulary": run.vocabulary.digest,
        "clips": clips_digest(manifest, run.modality),
        "version": slr_keras.__version__,
    }
    if config.data.stream == FLOW:
        digests["flow"] = flow_digest(manifest)
    if decoding.language_model_order and run.folder.language_model.is_file():
        digests["language_model"] = sha256(run.folder.language_model)
    return digests


def clips_digest(manifest: Manifest, modality: str) -> str:
    """Digest of a split: samples, contract, and the state of the files that hold the clips.

    Args:
        manifest: manifest of the split.
        modality: input of the model, "keypoints" or "video".
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
    """Read the stored predictions of a split, one record per clip of the manifest.

    Returns:
        None if there are no predictions, or if their provenance does not match the current
        weights, recipe and clips.
    """
    scores, path = run.folder.scores(split), run.folder.predictions(split)
    if not scores.is_file() or not path.is_file():
        return None
    try:
        stored = read_json(scores).get("provenance")
    except (UserError, AttributeError):
        return None
    if stored != provenance(run, manifest, decoding) | prediction_digests(run, split):
        return None
    with guarded(path, "damaged predictions", "delete the file, or evaluate the run again"):
        records = [parse_json(line) for line in read_text(path).split("\n") if line]
    # Clips that could not be read are not among them.
    return records if len(records) == len(manifest) else None


def prediction_digests(run: Run, split: str) -> dict[str, str]:
    """Digests of the files that hold a run's predictions of a split."""
    files = {
        "predictions": run.folder.predictions(split),
        "log_probabilities": run.folder.log_probabilities(split),
    }
    return {name: sha256(path) for name, path in files.items() if path.is_file()}


def _states(path: Path) -> list[list[Any]]:
    """Name, size and modification time of a file, or of the files in a folder."""
    if not path.exists():
        return []
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    states = ((file.name, file.stat()) for file in files)
    return [[name, state.st_size, state.st_mtime_ns] for name, state in states]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
