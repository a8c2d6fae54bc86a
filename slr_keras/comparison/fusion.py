"""Late fusion of two runs: weighted sum of their logits (docs/papers/stepnet.md §8, eq. 6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.manifest import Manifest
from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.metrics.isolated.score import SignScore
from slr_keras.training.run import Run
from slr_keras.training.sign_files import read_log_probabilities
from slr_keras.utils.errors import UserError

ALPHA = 0.4
"""Weight of the second run in the paper for WLASL; 0.3 to 0.5 differ little."""
ALPHAS = tuple(round(0.1 * step, 1) for step in range(11))


def fuse(first: np.ndarray, second: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Compute q = q_A + alpha q_B, `(clips, classes)`.

    Log-probabilities can be used instead of logits: log p_A = q_A - a and log p_B = q_B - b with
    the normalisers a, b of a clip, so that log p_A + alpha log p_B = q - (a + alpha b). This shift
    is the same for all classes of the clip and changes neither their order nor softmax(q).

    Args:
        first, second: logits or log-probabilities of A and B, `(clips, classes)`.
        alpha: weight of B; 0 returns A.

    >>> import numpy as np
    >>> from slr_keras.comparison.fusion import fuse
    >>> fuse(np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]]), alpha=0.5).tolist()
    [[1.0, 1.5]]
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    # 0 times minus infinity would be NaN.
    return first + alpha * second if alpha else first


@dataclass(frozen=True)
class FusedSplit:
    """Logits of two runs for the clips of a split.

    Attributes:
        manifest: manifest of A.
        logits: of A and of B, `(clips, classes)`, in the order of A's manifest.
        glosses: gloss of each class.
    """

    manifest: Manifest
    logits: tuple[np.ndarray, np.ndarray]
    glosses: tuple[str, ...]

    def score(self, alpha: float) -> SignScore:
        """Score the fused runs."""
        return self._score(fuse(*self.logits, alpha))

    @property
    def alone(self) -> tuple[SignScore, SignScore]:
        """Scores of A and of B alone."""
        first, second = self.logits
        return self._score(first), self._score(second)

    def _score(self, logits: np.ndarray) -> SignScore:
        signed = [sample.glosses[0] for sample in self.manifest]
        return SignScore.of(logits, signed, self.glosses, read_groups(self.manifest.folder))


def fused_split(
    runs: Sequence[Run],
    split: str,
    manifests: Sequence[Manifest],
    advance: Callable[[int], None] = lambda clips: None,
) -> FusedSplit:
    """Collect the log-probabilities of two runs for a split; stored ones are read from the runs.

    Args:
        runs: A and B, models of isolated signs with the same vocabulary.
        split: name under which the runs store their log-probabilities.
        manifests: the clips of each run, with the same ids and signs; their inputs may differ, for
            example frames and optical flow.
        advance: called with the clip count after each batch.

    Raises:
        UserError: runs or clips that do not match; says what differs.
    """
    require_fusible(runs)
    _require_same_clips(*manifests)
    first, second = (
        _log_probabilities(run, split, manifest, advance) for run, manifest in zip(runs, manifests)
    )
    rows = {sample.id: row for row, sample in enumerate(manifests[1])}
    order = [rows[sample.id] for sample in manifests[0]]
    return FusedSplit(manifests[0], (first, second[order]), runs[0].vocabulary.glosses)


def best_alpha(split: FusedSplit, alphas: Sequence[float] = ALPHAS) -> tuple[float, list[float]]:
    """Find the weight with the best top-1 accuracy, of equal ones the smallest.

    Args:
        split: dev split; never the reported clips.
        alphas: candidates in ascending order.

    Returns:
        the weight, and the top-1 accuracy of every candidate in percent.
    """
    hits = [100 * float(split.score(alpha).hits.mean()) for alpha in alphas]
    return alphas[int(np.argmax(hits))], hits


def require_fusible(runs: Sequence[Run]) -> None:
    """Check that the logits of two runs belong to the same signs.

    Raises:
        UserError: the same run twice, a run of sentences, or different vocabularies.
    """
    one, other = runs
    if one.path.resolve() == other.path.resolve():
        raise UserError(f"{one.path} and {other.path} are the same run; give two different runs")
    for run in runs:
        if run.output != "sign":
            raise UserError(
                f"{run.path}: {run.config.model.name} recognises sentences; only runs of isolated "
                "signs can be fused"
            )
        _ = run.best
    one.vocabulary.require_same(other.vocabulary, f"the run {one.path}", f"the run {other.path}")


def _require_same_clips(first: Manifest, second: Manifest) -> None:
    signs = [{sample.id: sample.glosses for sample in manifest} for manifest in (first, second)]
    for here, there, manifest, other in (
        (*signs, first, second),
        (*reversed(signs), second, first),
    ):
        lacking = [name for name in here if name not in there]
        if lacking:
            raise UserError(
                f"{len(lacking)} of {len(here)} clips of {manifest.path} are not in {other.path}, "
                f"such as {lacking[0]!r}; fuse runs on the same clips"
            )
    different = [name for name in signs[0] if signs[0][name] != signs[1][name]]
    if different:
        name = different[0]
        raise UserError(
            f"{len(different)} clips have different signs in {first.path} and {second.path}: "
            f"{name!r} is {' '.join(signs[0][name])} in the first and {' '.join(signs[1][name])} "
            "in the second"
        )


def _log_probabilities(run: Run, split: str, manifest: Manifest, advance) -> np.ndarray:
    from slr_keras.comparison.recognised import recognise

    # Writes the file into the run unless an up-to-date one is there.
    recognise(run, split, manifest, advance)
    path = run.folder.log_probabilities(split)
    ids, values = read_log_probabilities(path)
    if ids != [sample.id for sample in manifest]:
        raise UserError(
            f"{path}: its clips are not those of {manifest.path}; evaluate the run again"
        )
    return values
