"""Files of an evaluation of isolated signs: log-probabilities, report and figures."""

from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.metrics.isolated.plots import draw_confusion, draw_reliability
from slr_keras.metrics.isolated.report import as_json, markdown
from slr_keras.metrics.isolated.score import SignScore, head_accuracies
from slr_keras.training.evaluation import Evaluation
from slr_keras.training.folder import RunFolder
from slr_keras.utils.files import atomic_write, guarded, write_text
from slr_keras.utils.npy import require_sound_npz


def score_signs(evaluation: Evaluation) -> SignScore:
    """Score an evaluated split, with the gloss groups of its data folder.

    Args:
        evaluation: evaluation of a model of isolated signs.

    Raises:
        UserError: a group has a gloss that neither the model nor a clip has.
    """
    manifest = evaluation.manifest
    signed = [sample.glosses[0] for sample in manifest]
    groups = read_groups(manifest.folder)
    return SignScore.of(evaluation.signs[ENSEMBLE], signed, evaluation.classes, groups)


def write_signs(folder: RunFolder, name: str, evaluation: Evaluation) -> dict[str, Any]:
    """Write log-probabilities, report and figures of an evaluated split.

    Args:
        folder: run folder.
        name: name of the split and of the changes to its clips.
        evaluation: evaluation of a model of isolated signs.

    Returns:
        The score as JSON.
    """
    score = score_signs(evaluation)
    alone = {head: x for head, x in evaluation.signs.items() if head != ENSEMBLE}
    heads = head_accuracies(alone, score.signed, evaluation.classes)
    write_log_probabilities(folder.log_probabilities(name), evaluation)
    draw_confusion(folder.confusion(name), score)
    draw_reliability(folder.reliability(name), score.calibration)
    pictures = {
        "confusion": folder.confusion(name).name,
        "reliability": folder.reliability(name).name,
    }
    title = f"{folder.path.name}, {name}"
    write_text(folder.sign_report(name), markdown(title, score, pictures, heads))
    return as_json(score, heads)


def write_log_probabilities(path: str | Path, evaluation: Evaluation) -> None:
    """Write the log-probabilities `(clips, classes)` of the ensemble and the ids of the clips."""
    ids = np.array([sample.id for sample in evaluation.manifest])
    values = evaluation.signs[ENSEMBLE].astype(np.float32)
    with atomic_write(path, "wb") as file:
        np.savez(file, ids=ids, log_probabilities=values)


def read_log_probabilities(path: str | Path) -> tuple[list[str], np.ndarray]:
    """Read the ids of the clips and their log-probabilities `(clips, classes)`.

    Raises:
        UserError: the file is damaged.
    """
    problem, remedy = "cannot be read", "evaluate the run again"
    with guarded(path, problem, remedy):
        require_sound_npz(path)
        with np.load(path, allow_pickle=False) as file:
            return file["ids"].tolist(), file["log_probabilities"]
