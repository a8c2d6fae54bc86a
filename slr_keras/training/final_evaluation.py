"""Evaluate the best weights of a run and write scores, predictions, report and model file."""

import shlex
from pathlib import Path
from typing import Any

from slr_keras.data.composition.rest import without_rest
from slr_keras.data.manifest import Manifest
from slr_keras.decoding import DecodingConfig
from slr_keras.training.data import contract_of, evaluation_dataset, read_split
from slr_keras.training.evaluation import Evaluation, Predictor, evaluate
from slr_keras.training.history import read_metrics
from slr_keras.training.model import make_decoder
from slr_keras.training.progress import duration
from slr_keras.training.provenance import Provenance, prediction_digests, provenance
from slr_keras.training.report import report_text
from slr_keras.training.run import Run, train_language_model
from slr_keras.training.sign_files import write_signs
from slr_keras.utils.failures import Failures
from slr_keras.utils.files import atomic_path, write_json, write_text

LANGUAGE_MODEL_ORDER = 3


def evaluate_best_weights(run: Run, command: list[str]) -> Evaluation:
    """Score the best weights on the dev split with the recipe's decoding, and write the report.

    Args:
        run: a run with at least one finished epoch.
        command: the user's command line, for the report.
    """
    data = run.config.data
    if run.output == "glosses":
        order = run.decoding.language_model_order or LANGUAGE_MODEL_ORDER
        train = read_split(data, data.train)
        train_language_model(train, run.vocabulary, order).save(run.folder.language_model)
    dev = read_split(data, data.dev)
    digests = provenance(run, dev, run.decoding)
    model = run.model()
    with atomic_path(run.folder.saved_model) as temporary:
        model.save(temporary)
    predictor = Predictor(model, decoder=make_decoder(model, run.config))
    evaluation = score(run, predictor, dev)
    write_scores(run, data.dev, evaluation, run.decoding, digests)
    write_text(run.folder.report, report_text(run.path.name, evaluation, _facts(run, command)))
    return evaluation


def score(
    run: Run,
    predictor: Predictor,
    manifest: Manifest,
    decoding: DecodingConfig | None = None,
    advance=lambda clips: None,
    failures: Failures | None = None,
) -> Evaluation:
    """Score a run on a split.

    The contract of the split's folder prepares the clips. They are resampled to the frame rate of
    the run, as in `predict`.

    Args:
        run: the run to score.
        predictor: the run's model and decoder.
        manifest: clips of the split.
        decoding: decoding options; None: those of the recipe.
        advance: called with the clip count after each batch.
        failures: collects clips that cannot be read, which are left out; None: one raises.

    Raises:
        UserError: the split has other keypoints than the model was trained on.
    """
    manifest = without_rest(manifest, run.config.composition.rest_label)
    contract = contract_of(manifest, run.modality)
    run.contract.require_compatible(contract, f"the run {run.path}", str(manifest.folder))
    decoding = decoding or run.decoding
    fps = run.contract.fps
    dataset = evaluation_dataset(run.config, manifest, run.vocabulary, contract, fps=fps)
    dataset.failures = failures
    return evaluate(
        predictor,
        dataset,
        run.vocabulary,
        decoding,
        run.config.data.scoring,
        run.language_model(decoding),
        advance,
    )


def write_scores(
    run: Run,
    name: str,
    evaluation: Evaluation,
    decoding: DecodingConfig,
    digests: Provenance,
    failures: Failures | None = None,
    **facts: Any,
) -> Path:
    """Write scores and predictions of a split into the run folder.

    For models of isolated signs, also write log-probabilities, report and figures (`write_signs`).

    Args:
        run: the run that was scored.
        name: name of the split and of the changes to its clips.
        evaluation: the scores.
        decoding: decoding options of these scores.
        digests: result of `provenance`, computed before the weights were read.
        failures: clips that could not be read.
        facts: changes to the clips of the split.

    Returns:
        Path of the predictions.
    """
    from slr_keras.config.loading import to_tree

    path = run.folder.predictions(name)
    evaluation.write_predictions(path)
    signs = {}
    if evaluation.signs:
        signs = {"signs": write_signs(run.folder, name, evaluation)}
    value = {
        "split": evaluation.manifest.path.stem,
        "manifest": str(evaluation.manifest.path),
        **facts,
        "decoding": to_tree(decoding),
        "scoring": run.config.data.scoring,
        "sets": evaluation.summary(),
        **signs,
        **({"errors": failures.unique().as_json()} if failures else {}),
        "provenance": {**digests, **facts, **prediction_digests(run, name)},
    }
    write_json(run.folder.scores(name), value)
    return path


def _facts(run: Run, command: list[str]) -> dict[str, str]:
    records = read_metrics(run.folder.metrics)
    spent = sum(record["seconds"] for record in records)
    decoding = run.decoding
    beam = f", beam {decoding.beam}" if decoding.method == "beam" else ""
    signs = {}
    if run.output == "sign":
        pages = run.folder.sign_report(run.config.data.dev).name
        signs = {"accuracies, confusions, calibration": f"[{pages}]({pages})"}
    if run.config.data.train_on_dev:
        signs["dev"] = "these clips are among the training clips; the score says nothing"
    return {
        **signs,
        "model": f"`{run.config.model.name}`, {len(run.vocabulary)} classes",
        "best epoch": f"{run.best['epoch']} of {len(records)} "
        f"(dev WER {run.best['wer']:.2f} % by greedy decoding)",
        "decoding": decoding.method + beam,
        "scoring": run.config.data.scoring,
        "data": f"`{run.config.data.folder}`",
        "training time": duration(spent),
        "command": f"`{shlex.join(command)}`",
    }
