"""Predictions of a run for a split: read from the run if up to date, else computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slr_keras.data.manifest import Manifest
from slr_keras.metrics.scoring import quoted_examples
from slr_keras.training.data import read_split
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

Sentences = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Recognised:
    """Predictions of a run for a split.

    Attributes:
        run: the run; its best weights and its decoding options were used.
        manifest: manifest of the split.
        references, glosses: reference and hypothesis of each clip after the recipe's clean-up.
        reused: whether the predictions were read from the run.
    """

    run: Run
    manifest: Manifest
    references: Sentences
    glosses: Sentences
    reused: bool


def open_split(run: Run, split: str, folder: str | Path | None = None) -> Manifest:
    """Read a split of the run's data, or of another folder."""
    data = run.config.data
    return read_split(replace(data, folder=str(folder)) if folder else data, split)


def recognise(
    run: Run, split: str, manifest: Manifest, advance: Callable[[int], None] = lambda clips: None
) -> Recognised:
    """Recognise a split, unless the run has predictions for these weights, recipe and clips.

    New predictions and scores are written into the run, as `evaluate` does.

    Args:
        run: a run with best weights.
        split: name under which the predictions are stored.
        manifest: the clips.
        advance: called with the clip count after each batch.

    Raises:
        UserError: no finished epoch, or clips that the model does not accept.
    """
    from slr_keras.training.provenance import kept_predictions, provenance

    kept = kept_predictions(run, split, manifest, run.decoding)
    if kept is not None:
        columns = ([tuple(record[key]) for record in kept] for key in ("reference", "hypothesis"))
        references, glosses = map(tuple, columns)
        return Recognised(run, manifest, references, glosses, reused=True)

    from slr_keras.training.evaluation import ENSEMBLE, Predictor
    from slr_keras.training.final_evaluation import score, write_scores
    from slr_keras.training.model import make_decoder

    made_of = provenance(run, manifest, run.decoding)
    model = run.model()
    predictor = Predictor(model, decoder=make_decoder(model, run.config))
    evaluation = score(run, predictor, manifest, advance=advance)
    write_scores(run, split, evaluation, run.decoding, made_of)
    glosses = evaluation.glosses[ENSEMBLE]
    return Recognised(run, manifest, evaluation.references, glosses, reused=False)


def require_comparable(runs: Sequence[Run], manifests: Sequence[Manifest]) -> None:
    """Check that the word error rates of two runs refer to the same sentences.

    Args:
        runs: two runs.
        manifests: the clips of each run.

    Raises:
        UserError: the same run twice, or different clean-up rules, ids or references; says which.
    """
    (one, other), (first, second) = runs, manifests
    if one.path.resolve() == other.path.resolve():
        raise UserError(
            f"--compare: {one.path} and {other.path} are the same run; give two different runs"
        )
    for run in runs:
        _ = run.best
    rules = [run.config.data.scoring for run in runs]
    if rules[0] != rules[1]:
        raise UserError(
            f"{one.path} is scored with data.scoring {rules[0]} and {other.path} with {rules[1]}; "
            f"score both alike with --scoring {rules[0]} or --scoring {rules[1]}"
        )
    _require_same_ids(first, second)
    rows = {sample.id: row for row, sample in enumerate(second)}
    different = [a for a in first if a.glosses != second[rows[a.id]].glosses]
    if different:
        a = different[0]
        b = second[rows[a.id]]
        raise UserError(
            f"{len(different)} of {len(first)} references differ: {first.where(a)} is "
            f"{' '.join(a.glosses) or '(empty)'}, {second.where(b)} is "
            f"{' '.join(b.glosses) or '(empty)'}; compare runs on the same references, for "
            "example with --data FOLDER"
        )


def _require_same_ids(first: Manifest, second: Manifest) -> None:
    ids = [{sample.id: None for sample in manifest} for manifest in (first, second)]
    only = [[name for name in ids[k] if name not in ids[1 - k]] for k in range(2)]
    if len(only[0]) == len(first):
        raise UserError(
            f"{first.path} and {second.path} have no sentence in common: the first has "
            f"{quoted_examples(only[0])}, the second {quoted_examples(only[1])}; compare runs on "
            "the same sentences, for example with --data FOLDER"
        )
    for manifest, other, lacking in ((first, second, only[0]), (second, first, only[1])):
        if lacking:
            raise UserError(
                f"{len(lacking)} of {len(manifest)} sentences of {manifest.path} are not in "
                f"{other.path}: {quoted_examples(lacking)}; compare runs on the same sentences, "
                "for example with --data FOLDER"
            )
