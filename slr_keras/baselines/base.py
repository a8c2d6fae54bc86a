"""Base of the baselines: training on a manifest, tuning, and recognition of clips."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from slr_keras.baselines.augmentation import augmented_clip
from slr_keras.baselines.features import Features
from slr_keras.baselines.segments import Segment, choose_templates, segments_of
from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.batch import stable_hash
from slr_keras.data.contract import KeypointContract
from slr_keras.data.joining import joined
from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import prepared_clip
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
        copies: number of augmented copies that are learnt beside each training clip.
        augmentation: of the copies; None: the recommended settings.
        train_on_dev: also learn from dev, with the options that were tuned on it.
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
        copies: int = 0,
        augmentation: AugmentationConfig | None = None,
        train_on_dev: bool = False,
    ):
        self.train_on_dev = train_on_dev
        self.per_gloss, self.stride, self.seed = per_gloss, stride, seed
        self.use_spans = use_spans
        #: Whether to mirror, in the order of preference.
        self.mirrors = {"auto": (True, False), "always": (True,), "never": (False,)}[mirror]
        self.copies, self.augmentation = copies, augmentation or AugmentationConfig()
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
            self._refit(train, labelled, progress)
        elif self.train_on_dev and dev is not None:
            both = joined(train, dev)
            rows = [row for row, sample in enumerate(both) if sample.glosses and sample.frames]
            self._refit(both, rows, progress)
        return self

    def _refit(self, clips: Manifest, rows: Sequence[int], progress: Progress) -> None:
        """Train again on more clips with the options that were tuned."""
        options = self.options
        self._train(clips, rows, progress)
        self.options = options

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
        prepared = {row: prepared_clip(train, row) for row in progress(needed, "reading train")}
        self.features = Features(train.contract, self.stride).fit(prepared.values())
        learnt = {
            row: [clip, *self._augmented(train[row].id, clip, train.contract)]
            for row, clip in prepared.items()
        }

        def pieces(mirrored: bool = False) -> Pieces:
            cut = []
            for copy in range(1 + self.copies):
                views = {row: self.features(clips[copy], mirrored) for row, clips in learnt.items()}
                for segment in chosen:
                    clips = learnt[segment.sample]
                    # Spans count the frames of the file, which may have another rate.
                    frames = train[segment.sample].frames, len(clips[copy])
                    piece = self._cut(views[segment.sample], segment, *frames)
                    cut.append((segment.gloss, piece))
            return cut

        self._build(pieces, progress)

    def _augmented(
        self, name: str, clip: np.ndarray, contract: KeypointContract
    ) -> list[np.ndarray]:
        """The copies of a clip; each depends on the id of the clip, its own number and the seed."""
        return [
            augmented_clip(
                np.random.default_rng([self.seed, stable_hash(name), copy]),
                clip,
                contract,
                self.augmentation,
            )
            for copy in range(self.copies)
        ]

    def _cut(self, view: np.ndarray, segment: Segment, frames: int, now: int) -> np.ndarray:
        """Features of a segment of a clip that had `frames` frames and has `now`."""
        begin, end = segment.start * now // frames, -(-segment.end * now // frames)
        start = min(begin // self.stride, len(view) - 1)
        return view[start : max(start + 1, -(-end // self.stride))]

    def _tune(self, manifest: Manifest, progress: Progress) -> None:
        """In each stage keep the options with the fewest errors; of equal ones the first."""
        from slr_keras.metrics import word_error_rate

        evidence = [
            self._evidence(prepared_clip(manifest, row))
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
