"""Training with TensorFlow, from a recipe to a run folder."""

import dataclasses
import threading
import time

import keras
import numpy as np
import tensorflow as tf

from slr_keras.config import Config
from slr_keras.decoding import DecodingConfig
from slr_keras.training.bad_batch import refuse_batch
from slr_keras.training.data import open_run_data
from slr_keras.training.data_checks import require_lengths
from slr_keras.training.distribution import (
    is_chief,
    local_replicas,
    make_strategy,
    same_everywhere,
    wait_for_all,
)
from slr_keras.training.epoch_record import TrainedEpoch, epoch_record
from slr_keras.training.evaluation import Evaluation, Predictor, accuracies, evaluate
from slr_keras.training.folder import RunFolder
from slr_keras.training.history import History
from slr_keras.training.initial_weights import (
    adapt_inputs,
    freeze,
    load_component_weights,
    load_initial_run,
)
from slr_keras.training.model import build_model, make_decoder, model_config
from slr_keras.training.objectives.factory import make_objective
from slr_keras.training.position import Position, checkpoint_record
from slr_keras.training.progress import Progress
from slr_keras.training.run import write_description
from slr_keras.training.schedule import learning_rate
from slr_keras.training.step import TrainingStep, make_optimiser
from slr_keras.training.stop_request import stop_request
from slr_keras.training.teachers import with_teachers
from slr_keras.utils.arrays import load_arrays, read_record, save_arrays
from slr_keras.utils.errors import UserError

# Decoding after each epoch; the final evaluation uses the decoding of the recipe.
QUICK = DecodingConfig(method="greedy")


def train(config: Config, folder: RunFolder) -> tf.distribute.Strategy:
    """Train a recipe, from the beginning or from the run's last checkpoint.

    Writes the best weights, the last state, metrics and curves into the folder. Across machines,
    every process calls this function; only the chief writes.

    Args:
        config: the recipe.
        folder: run folder, opened for this config (`RunFolder.open`), or claimed for it
            (`RunFolder.claimed`): then it is opened once everything is checked.

    Returns:
        The strategy. Across machines, pass it to `wait_for_all` before the process exits.

    Raises:
        UserError: data, model or devices do not fit the recipe, the loss is not finite, or the
            disk is full.
    """
    strategy = make_strategy(config.distribution)
    trainer = Trainer(config, folder, strategy)
    trainer.begin()
    # Once the chief reaches this point, the folder is open.
    wait_for_all(strategy)
    trainer.restore()
    with stop_request() as stop:
        for epoch in range(trainer.position.epoch, config.training.epochs):
            trainer.run_epoch(epoch, stop)
    if trainer.chief:
        trainer.history.draw()
    return strategy


class Trainer:
    """Data, model, optimiser and position of one training; making one writes nothing.

    Args:
        config: the recipe.
        folder: the run folder.
        strategy: where training runs.
    """

    def __init__(self, config: Config, folder: RunFolder, strategy: tf.distribute.Strategy):
        config = dataclasses.replace(config, model=model_config(config, folder))
        self.config = config
        self.folder = folder
        self.strategy = strategy
        self.chief = is_chief(config.distribution)
        settings = config.training
        if settings.deterministic:
            tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(settings.seed)

        # === Data ===
        self.run_data = open_run_data(config)
        vocabulary, contract = self.run_data.vocabulary, self.run_data.contract

        # === Model, optimiser, step ===
        with strategy.scope():
            self.model = build_model(config, len(vocabulary), contract, settings.precision)
            # The checkpoint of a resumed run already holds these weights.
            resumed, self._components = folder.resumable, {}
            if not resumed:
                self._components = load_component_weights(self.model, config.model, vocabulary)
            if settings.initial_run and not resumed:
                load_initial_run(self.model, settings, vocabulary)
            freeze(self.model, settings.frozen)
            self.optimiser = make_optimiser(self.model, settings)
        self.data = self.run_data.training_dataset(
            strategy.num_replicas_in_sync, getattr(self.model, "steps", 0)
        )
        if not (resumed or settings.initial_run or config.model.weights):
            adapt_inputs(self.model, self.data)
        require_lengths(self.model, self.data)
        spec = self._batches(0, 0).element_spec
        self.objective = with_teachers(make_objective(self.model, config), config, self.run_data)
        self.step = TrainingStep(
            strategy, self.model, self.objective, self.optimiser, settings, spec
        )

        # === Dev evaluation ===
        self.predictor = Predictor(self.model, strategy, make_decoder(self.model, config))
        self.dev = self.run_data.evaluation_dataset(replicas=self.predictor.replicas)
        require_lengths(self.model, self.dev)

        # === Records ===
        if resumed:
            kept = checkpoint_record(folder.last)["data"]
            self.run_data.require_unchanged(kept, folder.path)
            self._describe()
        self.position = Position()
        self.history = History(folder, 0)
        self.progress = Progress(settings.epochs, len(self.data), quiet=not self.chief)
        self._saved_at = time.monotonic()

    def begin(self) -> None:
        """Open the run folder, if it is claimed, and describe the run in it."""
        if self.chief:
            message = self.folder.begin()
            if message:
                self.progress.say(message)
            self._describe()

    def _describe(self) -> None:
        parameters = self.model.count_params()
        write_description(self.folder, self.config, self.run_data, parameters, self._components)

    # === Checkpoints ===

    def restore(self) -> None:
        """Restore the last checkpoint, if there is one.

        Raises:
            UserError: the checkpoint belongs to another model, or the machines see different runs.
        """
        if self.folder.last.is_file():
            record = load_arrays(self.folder.last, self._state())
            self.position = Position(**record["position"])
            where = f"{self.position.epoch} of {self.config.training.epochs} epochs"
            within = f" and {self.position.batch} batches" if self.position.batch else ""
            self.progress.say(f"resuming after {where}{within}")
        if not same_everywhere(self.strategy, self.position.step):
            raise UserError(
                f"{self.folder.path}: the workers see different checkpoints; "
                "put the run on a file system that all of them share"
            )
        if self.chief:
            self.folder.settle_best(self.position.epoch)
        self.history = History(self.folder, self.position.epoch)

    def save(self) -> None:
        """Write a checkpoint from which training resumes exactly."""
        if self.chief:
            position = dataclasses.asdict(self.position)
            record = {"position": position, "data": self.run_data.digests()}
            save_arrays(self.folder.last, self._state(), record)
            self.folder.settle_best(self.position.epoch)
        self._saved_at = time.monotonic()

    def _state(self) -> dict[str, list]:
        # The model's variables hold the state of its dropout.
        return {"model": self.model.variables, "optimiser": self.optimiser.variables}

    # === One epoch ===

    def run_epoch(self, epoch: int, stop: threading.Event) -> None:
        """Train on every clip once, save, score the dev split, keep the best weights, save.

        An epoch that is trained is never lost by an error in its scoring: the next command goes on
        with the scoring.

        Raises:
            KeyboardInterrupt: the user asked to stop; the state within the epoch was saved.
        """
        self.progress.epoch(epoch, self.position.batch * self.data.batch_size)
        self._train_epoch(epoch, stop)
        self.save()
        evaluation = self._evaluate() if self.chief else None
        finished, self.position = self.position, self.position.next_epoch()
        if self.chief:
            rates = {name: evaluation.total(name).wer for name in evaluation.counts}
            trained = self._trained(epoch, finished)
            record = epoch_record(trained, evaluation.total(), rates, **accuracies(evaluation))
            self.history.add(record)
            self.save()
            self.progress.finish_epoch(record, read_record(self.folder.best))

    def _train_epoch(self, epoch: int, stop: threading.Event) -> None:
        settings, position = self.config.training, self.position
        batches = self.data.batches_per_epoch
        steps_per_epoch = -(-batches // settings.accumulate)
        rate = 0.0
        started = time.monotonic() - position.seconds
        # Read one step late, so that the device never waits for the host.
        pending: tuple[int, dict] | None = None
        with self.data.user_errors():
            for batch in position.timed(self._batches(epoch, position.batch)):
                last = position.batch + 1 == batches
                hold = (position.batch + 1) % settings.accumulate != 0 and not last
                rate = learning_rate(settings, epoch, position.step, steps_per_epoch)
                outcome = self.step(batch, rate, epoch, hold=hold)
                self._take(epoch, pending)
                pending = (position.batch, outcome)
                position.batch += 1
                position.step += not hold
                position.seconds = time.monotonic() - started
                if not hold and not last and (stop.is_set() or self._save_is_due()):
                    self._take(epoch, pending)
                    pending = None
                    self.save()
                    if stop.is_set():
                        self.progress.say("stopped and saved; run the same command to resume")
                        raise KeyboardInterrupt
        self._take(epoch, pending)
        position.seconds = time.monotonic() - started

    def _batches(self, epoch: int, start: int):
        return self.strategy.distribute_datasets_from_function(
            lambda context: self.data.epoch(epoch, start, parts=local_replicas(self.strategy))
        )

    def _take(self, epoch: int, pending: tuple[int, dict] | None) -> None:
        """Add the outcome of a step to the epoch's sums.

        Raises:
            UserError: the loss or its gradient is not finite; names the clips of the batch.
        """
        if pending is None:
            return
        number, outcome = pending
        values = {name: float(value) for name, value in outcome.items()}
        if not np.isfinite([values["loss"], values["gradient_norm"]]).all():
            batch = next(self.data.numpy_batches(epoch, number))
            ids = [self.data.clip_id(row, epoch) for row in batch["index"] if row >= 0]
            raise refuse_batch(self.folder, batch, ids, (epoch + 1, number + 1), values)
        clips = values.pop("clips")
        self.position.clips += clips
        # The norm is one number per batch; weighting by clips averages it like the other terms.
        values["gradient_norm"] *= clips
        sums = self.position.sums
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value
        self.progress.step(int(clips), sums["loss"] / max(self.position.clips, 1))

    def _trained(self, epoch: int, done: Position) -> TrainedEpoch:
        settings = self.config.training
        steps_per_epoch = -(-self.data.batches_per_epoch // settings.accumulate)
        rate = learning_rate(settings, epoch, done.step - 1, steps_per_epoch)
        return TrainedEpoch.at(epoch, done, self.objective.terms, rate, len(self.data))

    def _save_is_due(self) -> bool:
        minutes = self.config.training.checkpoint_minutes
        return minutes > 0 and time.monotonic() - self._saved_at >= 60 * minutes

    # === After an epoch ===

    def _evaluate(self) -> Evaluation:
        """Score the dev split, and keep the weights if they are the best so far."""
        with self.optimiser.averaged_weights():
            # A new decoder, because the contexts that the previous one cached are of other weights.
            self.predictor.decoder = make_decoder(self.model, self.config)
            evaluation = evaluate(
                self.predictor, self.dev, self.run_data.vocabulary, QUICK, self.config.data.scoring
            )
            wer = evaluation.total().wer
            best = read_record(self.folder.best)["wer"] if self.folder.best.is_file() else np.inf
            # A tie goes to the later epoch; a model that learns from dev is not chosen by it.
            if wer <= best or self.config.data.train_on_dev:
                record = {"epoch": self.position.epoch + 1, "wer": wer}
                save_arrays(self.folder.next_best, {"model": self.model.variables}, record)
        return evaluation
