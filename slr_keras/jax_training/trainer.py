"""Training with JAX, from a recipe to a run folder."""

import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from slr_keras.config import Config
from slr_keras.data.batch import Batch
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.jax_training.loading import ParallelBatches, complete, fixed_shapes
from slr_keras.jax_training.losses import ensemble_log_probabilities
from slr_keras.jax_training.step import State, Teacher, initial_state, make_step
from slr_keras.metrics.wer import ErrorCounts, sentence_counts
from slr_keras.models.registry import family_of
from slr_keras.models.stark import Stark
from slr_keras.training.data import RunData, open_run_data
from slr_keras.training.epoch_record import TrainedEpoch, epoch_record
from slr_keras.training.folder import RunFolder
from slr_keras.training.history import History
from slr_keras.training.initial_weights import adapt_inputs, freeze, load_initial_run
from slr_keras.training.model import build_model, completed
from slr_keras.training.run import Run, write_description
from slr_keras.training.schedule import learning_rate
from slr_keras.utils.arrays import read_record, save_arrays
from slr_keras.utils.errors import UserError


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the command in addition to the recipe.

    Attributes:
        minutes: duration of the training, which the schedule spans, without compilation; 0: the
            number of epochs determines the duration.
        teacher: run to distil from; empty: none.
        teacher_weight: weight of the divergence from the teacher.
        processes: number of processes that load clips.
        dev_every: epochs between two evaluations of the dev split.
    """

    minutes: float = 0.0
    teacher: str = ""
    teacher_weight: float = 1.0
    processes: int = 4
    dev_every: int = 1


def train(config: Config, folder: RunFolder, options: Options) -> None:
    """Train a STARK model; writes the same files as `slr fit`, except the last state.

    Args:
        config: the recipe.
        folder: run folder, opened for this config (`RunFolder.open`), or claimed for it.
        options: options of the command.

    Raises:
        UserError: data or model do not fit the recipe, or the loss is not finite.
    """
    config = dataclasses.replace(config, model=completed(config.model))
    if family_of(config.model.name).name != "stark":
        raise UserError("fit_jax trains STARK for sentences; use `slr fit` for other models")
    keras.utils.set_random_seed(config.training.seed)
    run_data = open_run_data(config)
    model = build_model(
        config, len(run_data.vocabulary), run_data.contract, config.training.precision
    )
    if config.training.initial_run:
        load_initial_run(model, config.training, run_data.vocabulary)
    freeze(model, config.training.frozen)
    if message := folder.begin():
        print(message, flush=True)
    write_description(folder, config, run_data, model.count_params())
    with ParallelBatches(config, run_data, options.processes) as batches:
        if not config.training.initial_run:
            adapt_inputs(model, batches.dataset)
        _Training(config, folder, options, run_data, model, batches).run()


class _Training:
    """Model, step, data and clock of one training."""

    def __init__(self, config, folder, options, run_data: RunData, model, batches: ParallelBatches):
        self.config, self.folder, self.options = config, folder, options
        self.run_data, self.model, self.batches = run_data, model, batches
        teacher = _teacher(options, run_data.vocabulary)
        self.step = make_step(model, config.training, teacher)
        self.state = initial_state(model, config.training)
        self.per_epoch = batches.dataset.batches_per_epoch
        self.scorer = Scorer(config, run_data.dev, run_data, model)
        self.history = History(folder, 0, tensorboard=False)
        self.taken = 0
        self.best = np.inf

    def run(self) -> None:
        """Train until the schedule's end."""
        self._compile()
        self.began = time.monotonic()
        epoch = 0
        while self._progress() < 1:
            started, before = time.monotonic(), self.taken
            sums = self._epoch(epoch)
            seconds = time.monotonic() - started
            epoch += 1
            if epoch % self.options.dev_every == 0 or self._progress() >= 1:
                self._record(epoch, sums, seconds, self.taken - before)
        self.history.draw()

    def _compile(self) -> None:
        """Compile the step for every shape in parallel; XLA releases the interpreter lock."""
        dataset = self.batches.dataset
        batch = next(self.batches.epoch(0))
        shapes = [
            {
                name: jax.ShapeDtypeStruct(
                    (len(a), bound, *a.shape[2:]) if name in self.model.clip_inputs else a.shape,
                    a.dtype,
                )
                for name, a in batch.items()
            }
            for bound in dataset.boundaries
        ]
        rate = jax.ShapeDtypeStruct((), "float32")
        started = time.monotonic()
        with ThreadPoolExecutor(len(shapes)) as pool:
            lowered = [self.step.lower(self.state, shape, rate) for shape in shapes]
            compiled = list(pool.map(lambda one: one.compile(), lowered))
        self.compiled = dict(zip(dataset.boundaries, compiled))
        print(
            f"compiled for clips of {', '.join(map(str, dataset.boundaries))} frames in "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )

    def _progress(self) -> float:
        """Finished fraction of the schedule, 1 at its end."""
        if self.options.minutes:
            return (time.monotonic() - self.began) / (60 * self.options.minutes)
        return self.taken / (self.per_epoch * self.config.training.epochs)

    def _rate(self) -> float:
        settings = self.config.training
        if not self.options.minutes:
            return learning_rate(settings, self.taken // self.per_epoch, self.taken, self.per_epoch)
        length = settings.epochs * self.per_epoch
        step = min(int(self._progress() * length), length - 1)
        return learning_rate(settings, step // self.per_epoch, step, self.per_epoch)

    def _epoch(self, epoch: int) -> dict[str, float]:
        sums: dict[str, Any] = {}
        for batch in self.batches.epoch(epoch):
            if self._progress() >= 1:
                break
            step = self.compiled[batch["mask"].shape[1]]
            self.state, outcome = step(self.state, batch, np.float32(self._rate()))
            self.taken += 1
            # The sums stay on the device: reading them here would wait for every step.
            sums = {name: sums.get(name, 0.0) + value for name, value in outcome.items()}
            if self.taken % 8 == 0:
                jax.block_until_ready(outcome["loss"])
        totals = {name: float(value) for name, value in sums.items()}
        if totals and not np.isfinite(totals["loss"]):
            raise UserError(
                f"epoch {epoch + 1}: the loss is {totals['loss']:g}; lower "
                "training.learning_rate or set training.clip_norm"
            )
        return totals

    def _record(self, epoch: int, sums: dict[str, float], seconds: float, steps: int) -> None:
        """Score dev with the averaged weights, and keep them if they are the best so far."""
        assign(self.model, self.state)
        total = self.scorer()
        clips = max(sums.get("clips", 0.0), 1.0)
        if total.wer <= self.best:
            self.best = total.wer
            record = {"epoch": epoch, "wer": total.wer}
            save_arrays(self.folder.best, {"model": self.model.variables}, record)
        means = {name: value / clips for name, value in sums.items() if name != "clips"}
        means["gradient_norm"] = sums.get("gradient_norm", 0.0) / max(steps, 1)
        trained = TrainedEpoch(
            epoch,
            self.taken,
            means,
            [name for name in ("ctc", "distillation", "teacher") if name in sums],
            float(self._rate()),
            steps * self.config.data.batch_size,
            seconds,
        )
        record = epoch_record(trained, total, {ENSEMBLE: total.wer})
        self.history.add(record)
        print(
            f"epoch {epoch}  loss {record['loss']:.3f}  dev WER {total.wer:.2f}  best "
            f"{read_record(self.folder.best)['wer']:.2f}  rate {record['learning_rate']:.2e}  "
            f"{record['clips_per_second']:.0f} clips/s  {100 * min(self._progress(), 1):.0f} %",
            flush=True,
        )


class Scorer:
    """Scores a model on a split by best-path decoding.

    Args:
        config: recipe; its heads are decoded, its batch size is used.
        manifest: the split.
        run_data: provides vocabulary and contract.
        model: the model; every call reads its current variables.
    """

    def __init__(self, config: Config, manifest, run_data: RunData, model: Stark):
        self.model, self.manifest, self.vocabulary = model, manifest, run_data.vocabulary
        self.heads = config.decoding.heads
        self.dataset = fixed_shapes(run_data.evaluation_dataset(manifest), buckets=1)
        self._read = jax.jit(self._best_path)

    def __call__(self) -> ErrorCounts:
        """Decode and score every clip; returns the errors of the split."""
        variables = (
            [variable.value for variable in self.model.trainable_variables],
            [variable.value for variable in self.model.non_trainable_variables],
        )
        hypotheses: dict[int, tuple[str, ...]] = {}
        for batch in self._batches():
            path = np.asarray(self._read(*variables, batch["keypoints"], batch["mask"]))
            for row, frames, classes in zip(batch["index"], batch["frames"], path):
                if frames:
                    hypotheses[int(row)] = self._glosses(classes[: frames // self.model.stride])
        counts = (
            sentence_counts([sample.glosses], [hypotheses[row]])[0]
            for row, sample in enumerate(self.manifest)
        )
        return sum(counts, ErrorCounts())

    def _batches(self) -> Iterator[Batch]:
        labels = max(1, *(len(sample.glosses) for sample in self.manifest))
        for batch in self.dataset.numpy_batches():
            yield complete(batch, self.dataset.batch_size, labels)

    def _best_path(self, trainable, rest, keypoints, mask):
        inputs = {"keypoints": keypoints, "mask": mask}
        logits, _ = self.model.stateless_call(trainable, rest, inputs, training=False)
        chosen = {name: logits[name] for name in self.heads or logits}
        return jnp.argmax(ensemble_log_probabilities(chosen), axis=-1)

    def _glosses(self, classes: np.ndarray) -> tuple[str, ...]:
        changed = np.concatenate([[True], classes[1:] != classes[:-1]])
        kept = classes[changed & (classes != 0)]
        return tuple(self.vocabulary.decode(kept.tolist()))


def assign(model: keras.Model, state: State) -> None:
    """Copy a state's averaged weights, or its weights if there is no average, into the model."""
    for variable, value in zip(model.trainable_variables, state.average or state.trainable):
        # A copy, because the next step reuses the memory of the state.
        variable.assign(jnp.array(value, copy=True))
    for variable, value in zip(model.non_trainable_variables, state.rest):
        variable.assign(jnp.array(value, copy=True))


def _teacher(options: Options, vocabulary: Vocabulary) -> Teacher | None:
    if not options.teacher:
        return None
    run = Run.load(Path(options.teacher))
    run.vocabulary.require_same(vocabulary, f"the teacher {options.teacher}", "the data")
    model = run.model()
    variables = (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
    return Teacher(model, variables, options.teacher_weight)
