"""Input pipeline: batches of clips of similar length, loaded in parallel and ahead of time."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from slr_keras.data.batch import Batch, Clip, Infeasible, collate, element_spec
from slr_keras.data.bucketing import (
    FILLER,
    PlannedBatch,
    bucket_boundaries,
    evaluation_batches,
    padding_fraction,
    training_batches,
)
from slr_keras.data.contract_base import Contract
from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures

# Third word of the seeds for the order of an epoch and for the draws that a batch shares. The third
# word of a clip's seed is a 64-bit hash, so the generators differ.
ORDER, SHARED = 1, 2

# Batches loaded in parallel and batches kept ready, unless they exceed MOST_BYTES.
LOADERS = 4
BATCHES_AHEAD = 4
MOST_BYTES = 2 * 2**30


class ClipDataset:
    """Batches of clips; deterministic for a given (seed, epoch), however they are loaded.

    A batch is a dictionary:

    - "keypoints" `(batch, time, points, channels)` float32, normalised, or "video"
      `(batch, time, height, width, 3)` uint8, RGB, depending on the contract; padded with the last
      frame (optical flow has 10 channels instead of 3)
    - "mask" `(batch, time)` float32, 1 on real frames
    - "frames" `(batch,)` int32, number of real frames, a multiple of 4
    - "labels" `(batch, labels)` int32, padded with 0; "label_lengths" `(batch,)` int32
    - "index" `(batch,)` int32, row in the manifest or, if sentences are composed, number in
      the epoch (`clip_id` gives the name); -1 for a filler
    - "spans" `(batch, labels, 2)` int32, if the options ask for them: first frame and end of each
      label in the frames of the batch, 0 where they are not known
    - "weight" `(batch,)` float32: 0 for a filler and, in training, for a clip whose resampled
      length is too short for its labels; 1 otherwise

    Fillers make the batch size divisible by the number of replicas. A filler has no labels, 4
    masked frames, and zeros for content.

    Args:
        manifest: the clips.
        vocabulary: maps glosses to labels.
        contract: keypoint contract or frame contract, which determines the content of a batch.
        batch_size: clips per batch, summed over all replicas.
        training: shuffle, resample and augment.
        options: how clips are cut, augmented and labelled; must match the modality of the contract.
        bucket_boundaries: upper bounds of the length buckets in frames; None: quantiles of the
            lengths.
        replicas: number of replicas; batches are completed to a multiple of this number.
        pad_to_boundary: pad to the bound of the bucket, so that there are few distinct shapes.

    Raises:
        UserError: the manifest is empty, a clip has no frames, a gloss is unknown, or sizes do not
            fit; names the sample if there is one.

    >>> import tempfile, numpy as np
    >>> from slr_keras.data.augmentation import AugmentationConfig
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.loaders.options import ClipOptions
    >>> from slr_keras.data.manifest import FolderWriter, read_folder
    >>> from slr_keras.data.pipeline import ClipDataset
    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FolderWriter(folder, contract("stark_79")) as writer:
    ...         writer.add("train", id="a", glosses=["RAIN"], keypoints=np.ones((9, 79, 3)))
    ...     train = read_folder(folder)["train"]
    ...     data = ClipDataset(train, Vocabulary(("RAIN",)), train.contract, batch_size=8,
    ...                        training=True, options=ClipOptions(AugmentationConfig()))
    ...     batch = next(data.numpy_batches(epoch=0))
    ...     batch["keypoints"].shape[2:], batch["labels"].tolist()
    ((79, 3), [[2]])
    """

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: Contract,
        batch_size: int,
        training: bool,
        options: ClipOptions | None = None,
        *,
        bucket_boundaries: Sequence[int] | None = None,
        replicas: int = 1,
        pad_to_boundary: bool = False,
    ):
        if replicas < 1 or batch_size < 1 or batch_size % replicas:
            raise UserError(
                f"batch_size is {batch_size}; it must be a positive multiple of the number of "
                f"replicas, {replicas}"
            )
        self.clips = loader_for(manifest, vocabulary, contract, options)
        self.manifest = manifest
        self.contract = contract
        self.augmentation = self.clips.augmentation
        self.batch_size = batch_size
        self.training = training
        self.seed = self.clips.seed
        self.replicas = replicas
        self.pad_to_boundary = pad_to_boundary
        self.boundaries = self._boundaries(bucket_boundaries)
        self._failure: UserError | None = None
        #: Collects clips that cannot be loaded, which become fillers; None: loading one raises.
        self.failures: Failures | None = None

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches per epoch; one of them may hold fewer clips."""
        return -(-len(self) // self.batch_size)

    def infeasible(self) -> list[Infeasible]:
        """Clips whose full length is too short for their labels.

        Training gives them weight 0, unless resampling makes them long enough. Scoring counts them.
        """
        return self.clips.infeasible()

    def clip_id(self, row: int, epoch: int = 0) -> str:
        """Name of a clip of an epoch, for messages."""
        return self.clips.clip_id(row, epoch)

    def lengths(self, epoch: int = 0) -> np.ndarray:
        """Frames of every clip in an epoch, `(clips,)`; no clip is loaded."""
        return self.clips.lengths(epoch if self.training else None)

    def seconds(self, epoch: int = 0) -> np.ndarray:
        """Length in seconds of every clip in an epoch, `(clips,)`."""
        return self.lengths(epoch) / self.clips.fps

    def plan(self, epoch: int = 0) -> list[PlannedBatch]:
        """The batches of an epoch as rows of the manifest; no clip is loaded."""
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

    def padding_fraction(self, epoch: int = 0) -> float:
        """Fraction of an epoch's frames that are padding, 0 to 1."""
        return padding_fraction(self.plan(epoch), self.lengths(epoch))

    def load(self, row: int, rng: np.random.Generator | None = None) -> Clip:
        """Load the frames `(time, ...)` and labels `(labels,)` of one clip.

        With a random generator, the clip is augmented as in training.
        """
        return self.clips.load_drawn(row, rng)

    def numpy_batches(
        self, epoch: int = 0, start: int = 0, parts: Sequence[int] | None = None
    ) -> Iterator[Batch]:
        """Yield the batches of an epoch as NumPy arrays, in order, loaded on demand.

        For the arguments, see `epoch`.
        """
        for planned in self._elements(epoch, start, parts):
            yield self._collate(planned, epoch)

    def epoch(self, epoch: int = 0, start: int = 0, parts: Sequence[int] | None = None):
        """The batches of an epoch as a `tf.data.Dataset`, loaded in parallel and ahead of time.

        TensorFlow turns an error inside the dataset into an error of its own; iterate within
        `user_errors()` to get the original `UserError`.

        Args:
            epoch: number of the epoch, from 0.
            start: number of batches to skip, to resume within an epoch.
            parts: numbers of replicas. Each batch is split into `replicas` equal parts with the
                same padded length, and the parts of these replicas follow one another; for
                `distribute_datasets_from_function`. None gives complete batches.
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

        loaders, ahead = self._capacity()
        options = tf.data.Options()
        # Autotuning runs at doubling intervals, and an exhausted iterator waits for the next one:
        # an epoch of 25 seconds would take 41.
        options.autotune.enabled = False
        return (
            tf.data.Dataset.range(len(elements))
            .map(load, num_parallel_calls=loaders, deterministic=True)
            .prefetch(ahead)
            .with_options(options)
        )

    def element_spec(self) -> dict:
        """`tf.TensorSpec` of every array of a batch; batch, time and label sizes are dynamic."""
        return element_spec(self.clips.frame, self.clips.spans)

    @contextlib.contextmanager
    def user_errors(self) -> Iterator[None]:
        """Context in which a `UserError` of loading is raised itself, not TensorFlow's error."""
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
        loaded = self._load_all(planned, epoch)
        rows = [FILLER if clip is None else row for row, clip in zip(planned.rows, loaded)]
        required = self.clips.required(epoch)
        weights = [
            self._weight(clip, int(required[row])) for row, clip in zip(planned.rows, loaded)
        ]
        frame, spans = self.clips.frame, self.clips.spans
        return collate(loaded, rows, weights, planned.frames, frame, spans)

    def _load_all(self, planned: PlannedBatch, epoch: int) -> list[Clip | None]:
        training_epoch, shared = None, None
        if self.training:
            rng = np.random.default_rng([self.seed, epoch, SHARED, planned.number])
            training_epoch, shared = epoch, self.clips.draw_shared(rng)
        rows = [row for row in planned.rows if row != FILLER]
        try:
            clips: list[Clip | None] = list(self.clips.load_batch(rows, training_epoch, shared))
        except Exception:
            if self.failures is None:
                raise
            clips = [self._load_or_pass(row, self.failures) for row in rows]
        return [None if row == FILLER else clips.pop(0) for row in planned.rows]

    def _load_or_pass(self, row: int, failures: Failures) -> Clip | None:
        with failures.passing_over(self.clips.where(row)):
            return self.clips.load(row)
        return None

    def _capacity(self) -> tuple[int, int]:
        """Number of batches to load in parallel and to keep ready, limited by `MOST_BYTES`."""
        largest = self.batch_size * self.boundaries[-1] * self.clips.frame.nbytes
        # Loading a batch takes up to twice its size: the clips, and the array that holds them.
        most = max(MOST_BYTES // (3 * largest), 1)
        return min(most, LOADERS), min(most, BATCHES_AHEAD)

    def _weight(self, clip: Clip | None, required: int) -> float:
        if clip is None:
            return 0.0
        # Evaluation scores every clip; the loss masks infeasible clips by the same rule.
        return float(not self.training or len(clip[0]) >= required)

    def _boundaries(self, given: Sequence[int] | None) -> tuple[int, ...]:
        varied = self.training and self.clips.lengths_vary
        lengths = self.clips.possible_lengths() if varied else self.lengths()
        return bucket_boundaries(lengths, self.batch_size, given)
