"""Batches of clips: planned by length, padded and masked, loaded in parallel and ahead."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from slr_keras.data.augmentation import AugmentationConfig, draw_angle
from slr_keras.data.batch import Batch, Clip, Infeasible, collate
from slr_keras.data.bucketing import (
    FILLER,
    PlannedBatch,
    bucket_boundaries,
    evaluation_batches,
    expected_lengths,
    padding_share,
    training_batches,
)
from slr_keras.data.clips import ClipLoader
from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import MAX_FRAMES
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError

# The generators of an epoch's order and of a batch's rotation must differ from those of its
# clips, whose third word is a 64-bit hash.
ORDER, ROTATION = 1, 2

# Batches loaded at the same time, and batches kept ready.
LOADERS = 4
BATCHES_AHEAD = 4


class ClipDataset:
    """Batches of clips, the same for the same (seed, epoch), wherever and however loaded.

    A batch is a dictionary:

    - "keypoints" `(batch, time, points, channels)` float32, normalised, padded with the last frame
    - "mask" `(batch, time)` float32, 1 on real frames
    - "frames" `(batch,)` int32, real frames, a multiple of 4
    - "labels" `(batch, labels)` int32, padded with 0; "label_lengths" `(batch,)` int32
    - "index" `(batch,)` int32, row in the manifest; -1 for a filler
    - "weight" `(batch,)` float32: 0 for a filler and, in training, for a clip whose resampled
      length is too short for its labels; 1 otherwise

    A filler completes a batch that would not divide among replicas. It has no labels, 4 frames
    that the mask hides, and zeros for coordinates.

    Args:
        manifest: the clips.
        vocabulary: turns glosses into labels.
        contract: selects, repairs and normalises points.
        batch_size: clips per batch, over all replicas.
        training: shuffle, resample and augment.
        augmentation: what changes in training; None changes nothing. Evaluation ignores it.
        seed: of everything random.
        bucket_boundaries: upper bounds of length buckets; by quantiles of the lengths if None.
        max_frames: longest clip; longer ones are cut, a multiple of 4.
        replicas: batches are completed so that their size divides by this number.
        pad_to_boundary: pad to the bucket's bound, for few distinct shapes.
        unknown: "error" refuses glosses outside the vocabulary, "unk" maps them to <unk>.

    Raises:
        UserError: an empty manifest, a clip with no frames, an unknown gloss, sizes that do not
            fit; names the sample where there is one.

    >>> import tempfile, numpy as np
    >>> from slr_keras.data.augmentation import AugmentationConfig
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.manifest import FolderWriter, read_folder
    >>> from slr_keras.data.pipeline import ClipDataset
    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FolderWriter(folder, contract("stark_79")) as writer:
    ...         writer.add("train", id="a", glosses=["RAIN"], keypoints=np.ones((9, 79, 3)))
    ...     train = read_folder(folder)["train"]
    ...     data = ClipDataset(train, Vocabulary(("RAIN",)), train.contract, batch_size=8,
    ...                        training=True, augmentation=AugmentationConfig())
    ...     batch = next(data.numpy_batches(epoch=0))
    ...     batch["keypoints"].shape[2:], batch["labels"].tolist()
    ((79, 3), [[2]])
    """

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: KeypointContract,
        batch_size: int,
        training: bool,
        augmentation: AugmentationConfig | None = None,
        seed: int = 0,
        bucket_boundaries: Sequence[int] | None = None,
        max_frames: int = MAX_FRAMES,
        replicas: int = 1,
        pad_to_boundary: bool = False,
        unknown: str = "error",
    ):
        if replicas < 1 or batch_size < 1 or batch_size % replicas:
            raise UserError(
                f"batch_size is {batch_size}; it must be a positive multiple of the number of "
                f"replicas, {replicas}"
            )
        augmentation = augmentation or AugmentationConfig.none()
        self.clips = ClipLoader(
            manifest, vocabulary, contract, augmentation, seed, max_frames, unknown
        )
        self.manifest = manifest
        self.contract = contract
        self.augmentation = augmentation
        self.batch_size = batch_size
        self.training = training
        self.seed = seed
        self.replicas = replicas
        self.pad_to_boundary = pad_to_boundary
        self.boundaries = self._boundaries(bucket_boundaries)
        self._failure: UserError | None = None

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def batches_per_epoch(self) -> int:
        """Batches in every epoch; one of them may hold fewer clips."""
        return -(-len(self) // self.batch_size)

    def infeasible(self) -> list[Infeasible]:
        """Clips too short for their labels even with all their frames.

        Training gives them weight 0, unless lengthening makes room; scoring counts them.
        """
        return self.clips.infeasible()

    def lengths(self, epoch: int = 0) -> np.ndarray:
        """`(clips,)` frames of every clip in this epoch; nothing is loaded."""
        return self.clips.lengths(epoch if self.training else None)

    def plan(self, epoch: int = 0) -> list[PlannedBatch]:
        """The batches of an epoch, by manifest rows; nothing is loaded."""
        if not self.training:
            return evaluation_batches(
                self.lengths(),
                self.batch_size,
                self.boundaries,
                multiple=self.replicas,
                pad_to_boundary=self.pad_to_boundary,
            )
        return training_batches(
            np.random.default_rng([self.seed, epoch, ORDER]),
            self.lengths(epoch),
            self.batch_size,
            self.boundaries,
            fill=self.replicas > 1,
            pad_to_boundary=self.pad_to_boundary,
        )

    def padding_share(self, epoch: int = 0) -> float:
        """Share of an epoch's frames that are padding."""
        return padding_share(self.plan(epoch), self.lengths(epoch))

    def load(self, row: int, rng: np.random.Generator | None = None) -> Clip:
        """One clip's keypoints `(time, points, channels)` and labels `(labels,)`.

        As evaluation sees it or, with a generator, as training does.
        """
        return self.clips.load_drawn(row, rng)

    def numpy_batches(
        self, epoch: int = 0, start: int = 0, parts: Sequence[int] | None = None
    ) -> Iterator[Batch]:
        """The batches of an epoch as NumPy arrays, in order, loaded as they are asked for.

        The arguments are those of `epoch`.
        """
        for planned in self._elements(epoch, start, parts):
            yield self._collate(planned, epoch)

    def epoch(self, epoch: int = 0, start: int = 0, parts: Sequence[int] | None = None):
        """The batches of an epoch as a `tf.data.Dataset`, loaded in parallel and ahead.

        Args:
            epoch: number of the epoch, from 0.
            start: skip this many batches, to go on within an epoch.
            parts: give, in place of every batch, its parts for these replicas one after another
                (of `replicas` equal parts, padded alike); for `distribute_datasets_from_function`.

        An error inside the dataset reaches the consumer as TensorFlow's; iterate within
        `user_errors()` to get the `UserError` back.
        """
        import tensorflow as tf

        elements = self._elements(epoch, start, parts)
        specification = self.element_spec()
        dtypes = [spec.dtype for spec in specification.values()]

        def arrays_of(number: np.ndarray) -> list[np.ndarray]:
            try:
                batch = self._collate(elements[number], epoch)
            except UserError as error:
                self._failure = error
                raise
            return [batch[name] for name in specification]

        def load(number: tf.Tensor) -> dict[str, tf.Tensor]:
            arrays = tf.numpy_function(arrays_of, [number], dtypes, stateful=False)
            for array, spec in zip(arrays, specification.values()):
                array.set_shape(spec.shape)
            return dict(zip(specification, arrays))

        options = tf.data.Options()
        # Autotuning wakes at doubling intervals, and an iterator that has come to its end waits for
        # the next of them: an epoch of 25 seconds then takes 41.
        options.autotune.enabled = False
        return (
            tf.data.Dataset.range(len(elements))
            .map(load, num_parallel_calls=LOADERS, deterministic=True)
            .prefetch(BATCHES_AHEAD)
            .with_options(options)
        )

    def element_spec(self) -> dict:
        """`tf.TensorSpec` of every array of a batch; batch, time and label sizes are open."""
        import tensorflow as tf

        points, channels = len(self.contract.points), len(self.contract.channels)
        return {
            "keypoints": tf.TensorSpec((None, None, points, channels), tf.float32),
            "mask": tf.TensorSpec((None, None), tf.float32),
            "frames": tf.TensorSpec((None,), tf.int32),
            "labels": tf.TensorSpec((None, None), tf.int32),
            "label_lengths": tf.TensorSpec((None,), tf.int32),
            "index": tf.TensorSpec((None,), tf.int32),
            "weight": tf.TensorSpec((None,), tf.float32),
        }

    @contextlib.contextmanager
    def user_errors(self) -> Iterator[None]:
        """Within this, a `UserError` met while loading is raised as itself, not as TensorFlow's."""
        self._failure = None
        try:
            yield
        except Exception as error:
            if self._failure is not None and not isinstance(error, UserError):
                raise self._failure from None
            raise

    def _elements(self, epoch: int, start: int, parts: Sequence[int] | None) -> list[PlannedBatch]:
        batches = self.plan(epoch)[start:]
        if parts is None:
            return batches
        return [batch.part(part, self.replicas) for batch in batches for part in parts]

    def _collate(self, planned: PlannedBatch, epoch: int) -> Batch:
        angle = None
        if self.training and self.augmentation.rotation_per == "batch":
            rng = np.random.default_rng([self.seed, epoch, ROTATION, planned.number])
            angle = draw_angle(rng, self.augmentation)
        loaded = [
            None if row == FILLER else self.clips.load(row, epoch if self.training else None, angle)
            for row in planned.rows
        ]
        weights = [self._weight(row, clip) for row, clip in zip(planned.rows, loaded)]
        shape = len(self.contract.points), len(self.contract.channels)
        return collate(loaded, planned.rows, weights, planned.frames, shape)

    def _weight(self, row: int, clip: Clip | None) -> float:
        if clip is None:
            return 0.0
        # Evaluation scores every clip; its loss masks the infeasible ones by the same rule.
        return float(not self.training or len(clip[0]) >= self.clips.required[row])

    def _boundaries(self, given: Sequence[int] | None) -> tuple[int, ...]:
        lengths = self.clips.lengths()
        if self.training and self.clips.resamples:
            lengths = expected_lengths(
                self.clips.frames, self.augmentation.temporal_range, self.clips.max_frames
            )
        return bucket_boundaries(lengths, self.batch_size, given)
