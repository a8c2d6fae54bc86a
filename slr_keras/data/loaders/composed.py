"""Loader of training sentences that are composed of clips of single signs."""

import threading

import numpy as np

from slr_keras.data.augmentation import lost_points, transform
from slr_keras.data.batch import Clip, Infeasible
from slr_keras.data.composition.grammar import Glosses, read_grammar
from slr_keras.data.composition.plan import Planner, SentencePlan
from slr_keras.data.composition.pool import (
    ClipPool,
    PoolClip,
    moving_points,
    pool_clip,
    require_signs,
)
from slr_keras.data.composition.rendering import render
from slr_keras.data.composition.units import Unit, group_of, unit_frames, units_of
from slr_keras.data.contract import KeypointContract
from slr_keras.data.distortion import distort
from slr_keras.data.draws import Draws
from slr_keras.data.keypoints import fill_gaps
from slr_keras.data.loaders.keypoints import KeypointLoader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import required_frames
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

# Third words of seeds; see `slr_keras.data.pipeline`.
_SENTENCES, _CLIPS = 3, 4
# Number of epochs whose lengths are kept, and number that are sampled for the length buckets.
_KEPT, _SAMPLED = 2, 3


class ComposedLoader(KeypointLoader):
    """Composed sentences, and clips of the manifest for the rest of an epoch.

    Rows count the clips of an epoch. The first rows are sentences; each depends on
    (seed, epoch, row) only. The other rows are clips of the manifest, augmented as without
    composition: all of them in random order, again and again, each as often as any other.

    Sentences are composed of prepared clips, which are read once. They have their own speeds and
    are not resampled in time. Points are lost, and short gaps filled, after composition.

    The arguments are those of `Loader`; `options.composition` must be given.

    Raises:
        UserError: see `Loader`; or no sentence can be composed, or every clip has a fixed number
            of frames.
    """

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: KeypointContract,
        options: ClipOptions,
    ):
        super().__init__(manifest, vocabulary, contract, options)
        config = options.composition
        if self.segments is not None:
            raise UserError(
                "composition makes sentences of any length, but data.clip_frames samples a fixed "
                "number of frames; set data.clip_frames or composition.fraction to 0"
            )
        self.vocabulary = vocabulary
        self.clips_per_epoch = config.sentences or len(manifest)
        self.sentences = round(config.fraction * self.clips_per_epoch)
        self._plain = KeypointLoader(manifest, vocabulary, contract, options)
        self.pool = self._pool()
        require_signs(self.pool, str(manifest.path))
        grammar = _grammar(manifest, config.grammar) if config.order != "random" else ()
        self.planner = Planner(self.pool, config, self.fps, self.max_frames, grammar)
        self._epochs: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._turns: dict[int, np.ndarray | None] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.clips_per_epoch

    @property
    def most_labels(self) -> int:
        """Largest number of labels of a clip."""
        return max(super().most_labels, self.planner.most_signs)

    @property
    def lengths_vary(self) -> bool:
        """Every epoch has other sentences."""
        return True

    def plan(self, epoch: int, row: int) -> SentencePlan:
        """The plan of a sentence of an epoch."""
        return self.planner.draw(self.rng(epoch, row))

    def lengths(self, epoch: int | None = None) -> np.ndarray:
        """Frames `(clips,)` of every clip in an epoch; no sentence is rendered."""
        return self._planned(epoch or 0)[0]

    def required(self, epoch: int | None = None) -> np.ndarray:
        """Frames `(clips,)` that each clip needs in an epoch for its labels."""
        return self._planned(epoch or 0)[1]

    def infeasible(self) -> list[Infeasible]:
        """Clips of the manifest that are too short; composed sentences are long enough."""
        return self._plain.infeasible() if self.sentences < len(self) else []

    def possible_lengths(self) -> np.ndarray:
        """Lengths `(clips, epochs)` in some epochs; one of them is the largest that is possible."""
        lengths = np.stack([self.lengths(epoch) for epoch in range(_SAMPLED)], axis=1)
        lengths[0, 0] = self.max_frames
        return lengths

    def clip_id(self, row: int, epoch: int) -> str:
        """Name of a clip of an epoch."""
        if row < self.sentences:
            return f"composed-{epoch + 1}-{row}"
        return super().clip_id(self.manifest_row(row, epoch), epoch)

    def where(self, row: int) -> str:
        """The clip for messages."""
        return f"{self.manifest.path}: clip {row} of an epoch with composed sentences"

    def manifest_row(self, row: int, epoch: int) -> int:
        """The clip of the manifest in a row that is no sentence."""
        place = epoch * (len(self) - self.sentences) + row - self.sentences
        turn, rank = divmod(place, len(self.manifest))
        order = self._turns.get(turn)
        if order is None:
            rng = np.random.default_rng([self.seed, turn, _CLIPS])
            order = rng.permutation(len(self.manifest))
            self._turns = {turn - 1: self._turns.get(turn - 1), turn: order}
        return int(order[rank])

    def rng(self, epoch: int, row: int) -> np.random.Generator:
        """The random generator of a row of an epoch."""
        return np.random.default_rng([self.seed, epoch, _SENTENCES, row])

    def load(self, row: int, epoch: int | None = None, shared: float | None = None) -> Clip:
        """Load a clip of an epoch; see `Loader`. None is the first epoch."""
        rng = self.rng(epoch or 0, row)
        if row < self.sentences:
            return self._composed(rng, shared)
        return super().load_drawn(self.manifest_row(row, epoch or 0), rng, shared)

    def load_drawn(
        self, row: int, rng: np.random.Generator | None, shared: float | None = None
    ) -> Clip:
        """As `load` in the first epoch, with a given random generator."""
        if row < self.sentences:
            return self._composed(self.rng(0, row) if rng is None else rng, shared)
        return super().load_drawn(self.manifest_row(row, 0), rng, shared)

    def _composed(self, rng: np.random.Generator, shared: float | None) -> Clip:
        plan = self.planner.draw(rng)
        points = render(plan, self.pool)
        if self.augmentation.distorts:
            frames, count, channels = points.shape
            draws = Draws([rng], frames, count, channels - 1, self.augmentation)
            points = distort(points[None], draws, self.augmentation, self._skeleton)[0]
            points = self._filled(points)
        else:
            lost = lost_points(rng, *points.shape[:2], self._hands, self.augmentation)
            points[lost] = 0
            points = self._filled(points)
            points = transform(rng, points, self.augmentation, self.contract.mirror, shared)
        labels = np.array(self.vocabulary.encode(plan.glosses), np.int32)
        if not self.spans:
            return points, labels
        return points, labels, np.array(plan.spans, np.int32).reshape(-1, 2)

    def _filled(self, points: np.ndarray) -> np.ndarray:
        gap, score = self.contract.max_gap, self.contract.interpolated_score
        return fill_gaps(points, gap, interpolated_score=score, zero_is_missing=False)

    def _planned(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Lengths and needed frames of an epoch."""
        with self._lock:
            if epoch not in self._epochs:
                while len(self._epochs) >= _KEPT:
                    self._epochs.pop(next(iter(self._epochs)))
                self._epochs[epoch] = self._plan_epoch(epoch)
            return self._epochs[epoch]

    def _plan_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        merged = self.ctc_epochs is None or epoch < self.ctc_epochs
        planned = []
        for row in range(len(self)):
            if row < self.sentences:
                plan = self.plan(epoch, row)
                planned.append((plan.frames, required_frames(plan.glosses, merged)))
                continue
            clip = self.manifest_row(row, epoch)
            frames = self.evaluation_length(int(self.frames[clip]))
            if self.resamples:
                frames = self.draw_length(self.rng(epoch, row), clip)
            planned.append((frames, self._needed[merged][clip]))
        lengths, needed = np.array(planned).T
        return lengths, needed

    def _required(self, row: int) -> int:
        return self._plain._required(row)

    def _pool(self) -> ClipPool:
        units = list(units_of(self.manifest))
        contract = self.contract
        hands = moving_points(contract)
        # Normalisation by the body puts every clip in one place.
        moved = contract.root if contract.normalisation == "image" else ()
        root = [contract.points.index(point) for point in moved]

        def described(unit: Unit) -> PoolClip:
            sample, keypoints = self.manifest[unit.row], self._keypoints(unit)
            return pool_clip(sample.id, unit.gloss, group_of(sample), keypoints, hands, root)

        return ClipPool(list(map(described, units)), lambda row: self._keypoints(units[row]))

    def _keypoints(self, unit: Unit) -> np.ndarray:
        """Prepared keypoints of a sign at the model's rate; not to be changed."""
        source = self.file_frames(unit.row, np.arange(int(self.frames[unit.row])))
        frames = unit_frames(unit, source)
        # The whole clip is prepared, so that a body has one place and size in all of its signs.
        points, starts, _ = self._prepared.of([unit.row])
        start = starts[0] + np.searchsorted(source, frames[0])
        return points[start : start + len(frames)]


def _grammar(manifest: Manifest, path: str) -> list[Glosses]:
    """The sentences of a file or, without a file, of the manifest.

    Raises:
        UserError: the file has no sentence, or the manifest no clip of several glosses.
    """
    if path:
        return read_grammar(path)
    sentences = [sample.glosses for sample in manifest if sample.glosses]
    if max(map(len, sentences), default=0) < 2:
        raise UserError(
            f"{manifest.path}: composition.order needs sentences, but every clip has one gloss; "
            "give a file of sentences as composition.grammar, or set composition.order to random"
        )
    return sentences
