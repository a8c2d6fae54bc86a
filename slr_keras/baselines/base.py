"""Base of the baselines: training on a manifest, tuning, and recognition of clips."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from slr_keras.baselines.features import Features
from slr_keras.baselines.segments import Segment, choose_templates, segments_of
from slr_keras.data.manifest import Manifest
from slr_keras.utils.errors import UserError

Glosses = tuple[str, ...]
Pieces = list[tuple[str, np.ndarray]]
Progress = Callable[..., Iterable[Any]]
Mirror = Literal["auto", "always", "never"]
TUNING_CLIPS = 60


def no_progress(items: Iterable[Any], description: str = "") -> Iterable[Any]:
    """Return the items unchanged, without a progress bar."""
    return items


class Baseline:
    """Base class of the baselines: features, segments of the training clips, tuning.

    Args:
        per_gloss: training segments used per gloss; 0 means all, None the method's default.
        stride: frames averaged into one.
        use_spans: train on the spans of the samples. If False, sentences are cut into equal parts,
            so that the baseline has the same supervision as a CTC model.
        seed: seed of all random choices.
        mirror: whether left and right are also exchanged, so that signs are recognised whichever
            hand leads. "auto" chooses what has fewer errors on the tuning clips. Of equal ones it
            mirrors, because tuning clips of the training signers do not show other hands.
    """

    #: Maximum number of dev clips for tuning; None for all.
    tuning_clips: int | None = TUNING_CLIPS

    def __init__(
        self,
        per_gloss: int | None = None,
        stride: int = 2,
        use_spans: bool = True,
        seed: int = 0,
        mirror: Mirror = "auto",
    ):
        self.per_gloss, self.stride, self.seed = per_gloss, stride, seed
        self.use_spans = use_spans
        #: Whether to mirror, in the order of preference.
        self.mirrors = {"auto": (True, False), "always": (True,), "never": (False,)}[mirror]
        self.isolated = False
        self.options: dict[str, Any] = {}

    def fit(
        self, train: Manifest, dev: Manifest | None = None, progress: Progress = no_progress
    ) -> "Baseline":
        """Train on the training clips and tune on dev (without dev on held-out training clips).

        Args:
            train: training split.
            dev: development split, or None.
            progress: wraps iterables, for a progress bar.

        Raises:
            UserError: no labelled training clip, or an unreadable one.
        """
        labelled = [row for row, sample in enumerate(train) if sample.glosses and sample.frames]
        if not labelled:
            raise UserError(f"{train.path}: no clip with glosses, which a baseline needs to train")
        self.isolated = all(len(train[row].glosses) == 1 for row in labelled)
        rng = np.random.default_rng(self.seed)
        most = self.tuning_clips
        tuning = _random_rows(dev, rng, most) if dev is not None else None
        training = labelled
        if not tuning:
            tuning, dev = sorted(rng.permutation(labelled)[: len(labelled) // 5][:most]), train
            training = [row for row in labelled if row not in set(tuning)]
        self._train(train, training, progress)
        if tuning:
            self._tune(dev.subset(tuning), progress)
        if dev is train and tuning:
            options = self.options
            self._train(train, labelled, progress)
            self.options = options
        return self

    def recognise(self, prepared: np.ndarray) -> Glosses:
        """Recognise the glosses of one clip.

        Args:
            prepared: `(frames, points, channels)` from `KeypointContract.prepare`.
        """
        if len(prepared) == 0:
            return ()
        return self._decode(self._evidence(prepared), **self.options)

    def _train(self, train: Manifest, rows: Sequence[int], progress: Progress) -> None:
        rng = np.random.default_rng(self.seed)
        train = train.subset(rows)
        per_gloss = self._default_per_gloss() if self.per_gloss is None else self.per_gloss
        chosen = choose_templates(segments_of(train, self.use_spans), train, per_gloss, rng)
        needed = sorted({segment.sample for segment in chosen})
        prepared = {
            row: train.contract.prepare(train.load(row))
            for row in progress(needed, "reading train")
        }
        self.features = Features(train.contract, self.stride).fit(prepared.values())

        def pieces(mirrored: bool = False) -> Pieces:
            views = {row: self.features(clip, mirrored) for row, clip in prepared.items()}
            return [
                (segment.gloss, self._cut(views[segment.sample], segment)) for segment in chosen
            ]

        self._build(pieces, progress)

    def _cut(self, view: np.ndarray, segment: Segment) -> np.ndarray:
        start = min(segment.start // self.stride, len(view) - 1)
        return view[start : max(start + 1, -(-segment.end // self.stride))]

    def _tune(self, manifest: Manifest, progress: Progress) -> None:
        """In each stage keep the options with the fewest errors; of equal ones the first."""
        from slr_keras.metrics import word_error_rate

        evidence = [
            self._evidence(manifest.contract.prepare(manifest.load(row)))
            for row in progress(range(len(manifest)), "reading dev")
        ]
        references = [sample.glosses for sample in manifest]
        for stage in self._stages(evidence):
            if len(stage) == 1:
                self.options |= stage[0]
                continue
            errors = []
            for choice in progress(stage, "tuning"):
                hypotheses = [self._decode(e, **(self.options | choice)) for e in evidence]
                errors.append(word_error_rate(references, hypotheses).errors)
            self.options |= stage[int(np.argmin(errors))]

    def _mirror_stage(self) -> list[dict[str, Any]]:
        """The choices of `mirror`; the first of those with the fewest errors is kept."""
        return [{"mirror": mirror} for mirror in self.mirrors]

    def _default_per_gloss(self) -> int:
        raise NotImplementedError

    def _build(self, pieces: Callable[..., Pieces], progress: Progress) -> None:
        raise NotImplementedError

    def _evidence(self, prepared: np.ndarray) -> Any:
        raise NotImplementedError

    def _stages(self, evidence: list[Any]) -> list[list[dict[str, Any]]]:
        raise NotImplementedError

    def _decode(self, evidence: Any, **options: Any) -> Glosses:
        raise NotImplementedError


def _random_rows(manifest: Manifest, rng: np.random.Generator, most: int | None) -> list[int]:
    """A random choice of at most `most` rows with glosses."""
    rows = [row for row, sample in enumerate(manifest) if sample.glosses and sample.frames]
    return sorted(rng.permutation(rows)[:most].tolist())
