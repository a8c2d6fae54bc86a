"""Load batches ahead of time in other processes, with a small number of distinct shapes."""

import contextlib
import dataclasses
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator

import numpy as np

from slr_keras.config import Config
from slr_keras.data.batch import Batch
from slr_keras.data.bucketing import bucket_boundaries
from slr_keras.data.pipeline import ClipDataset
from slr_keras.training.data import RunData, open_run_data

SHAPES = 3
AHEAD = 4


def fixed_shapes(dataset: ClipDataset, buckets: int = SHAPES) -> ClipDataset:
    """Restrict the batches of a dataset to a few lengths; XLA compiles each length once."""
    lengths = dataset.lengths()
    if dataset.training and dataset.clips.lengths_vary:
        lengths = dataset.clips.possible_lengths()
    fractions = np.arange(1, buckets) / buckets
    bounds = np.quantile(lengths, fractions, method="inverted_cdf").astype(int).tolist()
    dataset.boundaries = bucket_boundaries(lengths, dataset.batch_size, bounds)
    dataset.pad_to_boundary = True
    return dataset


def complete(batch: Batch, clips: int, labels: int) -> Batch:
    """Pad a batch to a fixed number of clips and labels; the padding has weight 0.

    >>> import numpy as np
    >>> from slr_keras.jax_training.loading import complete
    >>> batch = {"labels": np.array([[5]], np.int32), "weight": np.ones(1, np.float32)}
    >>> complete(batch, clips=2, labels=3)["labels"].tolist()
    [[5, 0, 0], [0, 0, 0]]
    """
    missing = clips - len(batch["weight"])
    more = ((0, 0), (0, labels - batch["labels"].shape[1]))
    batch = {**batch, "labels": np.pad(batch["labels"], more)}
    if "spans" in batch:
        batch["spans"] = np.pad(batch["spans"], (*more, (0, 0)))
    return {
        name: np.pad(array, ((0, missing), *((0, 0),) * (array.ndim - 1)))
        for name, array in batch.items()
    }


class ParallelBatches:
    """The training batches of a recipe, loaded by other processes.

    Use this class as a context manager; the processes end with the context.

    Args:
        config: the recipe.
        run_data: data of the run.
        processes: number of processes that load and augment clips; 0: the current process.
    """

    def __init__(self, config: Config, run_data: RunData, processes: int):
        self.dataset = fixed_shapes(run_data.training_dataset())
        self.labels = self.dataset.clips.most_labels
        self.pool = None
        if processes:
            # Forking a process that runs JAX may deadlock.
            context = multiprocessing.get_context("spawn")
            with _environment("JAX_PLATFORMS", "cpu"):
                self.pool = context.Pool(processes, _open, (config, self.dataset.boundaries))
        self.processes = max(processes, 1)

    def __enter__(self) -> "ParallelBatches":
        return self

    def __exit__(self, *error) -> None:
        if self.pool is not None:
            self.pool.terminate()
            self.pool.join()

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch in order; independent of the number of processes."""
        if self.pool is None:
            yield from map(self._complete, self.dataset.numpy_batches(number))
            return
        waiting: deque = deque()
        places = iter(range(self.dataset.batches_per_epoch))
        for place in places:
            waiting.append(self.pool.apply_async(_load, (number, place)))
            if len(waiting) >= self.processes + AHEAD:
                yield self._complete(waiting.popleft().get())
        while waiting:
            yield self._complete(waiting.popleft().get())

    def _complete(self, batch: Batch) -> Batch:
        return complete(batch, self.dataset.batch_size, self.labels)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for the processes that start within the context."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


_opened: list[ClipDataset] = []


def _open(config: Config, boundaries) -> None:
    # The main process has already warned about infeasible clips.
    quiet = dataclasses.replace(
        config, training=dataclasses.replace(config.training, max_infeasible=1.0)
    )
    dataset = open_run_data(quiet).training_dataset()
    dataset.boundaries, dataset.pad_to_boundary = boundaries, True
    _opened.append(dataset)


def _load(epoch: int, place: int) -> Batch:
    return next(_opened[0].numpy_batches(epoch, place))
