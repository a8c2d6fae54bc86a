"""Late fusion of two runs: the sum of their logits (specs/stepnet.md §8, eq. 6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.manifest import Manifest
from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.metrics.isolated.score import SignScore
from slr_keras.training.run import Run
from slr_keras.training.sign_files import read_log_probabilities
from slr_keras.utils.errors import UserError

# Of the paper for WLASL, where 0.3 to 0.5 differ little.
ALPHA = 0.4
ALPHAS = tuple(round(0.1 * step, 1) for step in range(11))


def fuse(first: np.ndarray, second: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """q = q_A + alpha q_B, `(clips, classes)`.

    Log-probabilities serve as well as logits: a softmax takes the same number from all logits of a
    clip, log p_A = q_A - a and log p_B = q_B - b, so that log p_A + alpha log p_B is q less
    a + alpha b, which is the same for all classes of the clip: neither their order nor the
    probabilities that follow from q change.

    Args:
        first, second: logits or log-probabilities of A and B, `(clips, classes)`.
        alpha: weight of B; at 0 the result is A's.

    >>> import numpy as np
    >>> from slr_keras.comparison.fusion import fuse
    >>> fuse(np.array([[1.0, 0.0]]), np.array([[0.0, 3.0]]), alpha=0.5).tolist()
    [[1.0, 1.5]]
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    # 0 times minus infinity is not a number, but B has no say at 0.
    return first + alpha * second if alpha else first


@dataclass(frozen=True)
class FusedSplit:
    """A split as two runs scored it, clip by clip.

    Attributes:
        manifest: of A.
        logits: of A and of B, `(clips, classes)`, in the order of A's manifest.
        glosses: of each class.
    """

    manifest: Manifest
    logits: tuple[np.ndarray, np.ndarray]
    glosses: tuple[str, ...]

    def score(self, alpha: float) -> SignScore:
        """The score of both together."""
        return self._score(fuse(*self.logits, alpha))

    @property
    def alone(self) -> tuple[SignScore, SignScore]:
        """The scores of A and of B."""
        first, second = self.logits
        return self._score(first), self._score(second)

    def _score(self, logits: np.ndarray) -> SignScore:
        signed = [sample.glosses[0] for sample in self.manifest]
        return SignScore.of(logits, signed, self.glosses, read_groups(self.manifest.folder))


def fused_split(
    runs: Sequence[Run],
    split: str,
    manifests: Sequence[Manifest],
    tick: Callable[[int], None] = lambda clips: None,
) -> FusedSplit:
    """What two runs say of the clips of a split; taken from the runs where they have it.

    Args:
        runs: A and B, of isolated signs and the same vocabulary.
        split: under which name the runs keep what they say.
        manifests: the clips of each run, with the same ids and signs; the data may differ, such as
            pictures of the one and optical flow of the other.
        tick: told the number of clips of every finished batch.

    Raises:
        UserError: the runs or the clips do not go together; says what differs.
    """
    require_fusible(runs)
    _require_same_clips(*manifests)
    first, second = (
        _log_probabilities(run, split, manifest, tick) for run, manifest in zip(runs, manifests)
    )
    rows = {sample.id: row for row, sample in enumerate(manifests[1])}
    order = [rows[sample.id] for sample in manifests[0]]
    return FusedSplit(manifests[0], (first, second[order]), runs[0].vocabulary.glosses)


def best_alpha(split: FusedSplit, alphas: Sequence[float] = ALPHAS) -> tuple[float, list[float]]:
    """The weight with the most hits, among equals the smallest, and the top-1 of every weight.

    Args:
        split: of dev, never of the clips that are reported.
        alphas: that are tried, ascending.
    """
    hits = [100 * float(split.score(alpha).hits.mean()) for alpha in alphas]
    return alphas[int(np.argmax(hits))], hits


def require_fusible(runs: Sequence[Run]) -> None:
    """Refuse two runs whose logits are not of the same signs.

    Raises:
        UserError: the same run twice, a run of sentences, or other vocabularies.
    """
    one, other = runs
    if one.path.resolve() == other.path.resolve():
        raise UserError(f"{one.path} and {other.path} are the same run; name two")
    for run in runs:
        if run.output != "sign":
            raise UserError(
                f"{run.path}: {run.config.model.name} recognises sentences; only runs that name "
                "one sign a clip have logits to add"
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
    unlike = [name for name in signs[0] if signs[0][name] != signs[1][name]]
    if unlike:
        name = unlike[0]
        raise UserError(
            f"{len(unlike)} clips have other signs in {first.path} than in {second.path}: "
            f"{name!r} is {' '.join(signs[0][name])} in the one and {' '.join(signs[1][name])} in "
            "the other"
        )


def _log_probabilities(run: Run, split: str, manifest: Manifest, tick) -> np.ndarray:
    from slr_keras.comparison.recognised import recognise

    # It leaves the file in the run, unless one of these weights and clips is there.
    recognise(run, split, manifest, tick)
    path = run.folder.log_probabilities(split)
    ids, values = read_log_probabilities(path)
    if ids != [sample.id for sample in manifest]:
        raise UserError(f"{path}: is of other clips than {manifest.path}; evaluate the run again")
    return values
