"""The training step under any `tf.distribute` strategy, traced once for all batch shapes."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from slr_keras.config.schema import TrainingConfig
from slr_keras.training.objectives.base import Objective
from slr_keras.training.optimiser import Adam, Momentum, Optimiser, clip_by_global_norm
from slr_keras.utils.errors import UserError

SUM = tf.distribute.ReduceOp.SUM


def make_optimiser(model: keras.Model, config: TrainingConfig) -> Optimiser:
    """Create the optimiser of a recipe; call this function within the strategy's scope."""
    if config.optimiser == "momentum":
        return Momentum(
            model.trainable_variables,
            config.betas[0],
            config.weight_decay,
            config.moving_average,
        )
    return Adam(
        model.trainable_variables,
        betas=config.betas,
        epsilon=config.epsilon,
        weight_decay=config.weight_decay,
        decoupled=config.optimiser == "adamw",
        moving_average=config.moving_average,
    )


class TrainingStep:
    """Updates a model from distributed batches.

    The loss of a batch is the sum over its clips of `weight * loss`, divided by the number of
    weighted clips on all replicas (and in all accumulated batches). The step therefore does not
    depend on the number of devices or on how clips are distributed over them.

    Args:
        strategy: strategy in whose scope model and optimiser were created.
        model: the trained model.
        objective: computes the loss of each clip.
        optimiser: updates the model's trainable variables.
        config: clipping, accumulation, compilation.
        element_spec: `tf.TensorSpec` of the arrays of a distributed batch.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        objective: Objective,
        optimiser: Optimiser,
        config: TrainingConfig,
        element_spec: Mapping,
    ):
        if config.jit_compile and strategy.num_replicas_in_sync > 1:
            raise UserError(
                "training.jit_compile: XLA cannot compile the sums over several devices; set "
                "jit_compile to false, or distribution.strategy to single"
            )
        self.strategy = strategy
        self.model = model
        self.objective = objective
        self.optimiser = optimiser
        self.config = config
        self._trained = [variable.value for variable in model.trainable_variables]
        self._differentiate = (
            tf.function(self._gradients, jit_compile=True, reduce_retracing=True, autograph=False)
            if config.jit_compile
            else self._gradients
        )
        self._held: list[tf.Variable] = []
        self._held_clips: tf.Variable | None = None
        if config.accumulate > 1:
            with strategy.scope():
                self._held = [_per_replica(variable.shape) for variable in self._trained]
                self._held_clips = _per_replica(())
        rate_spec = tf.TensorSpec((), tf.float32)
        controls_spec = dict.fromkeys(objective.controls, rate_spec)
        # No Python control flow depends on the values of tensors, so AutoGraph is not needed.
        self._apply = tf.function(
            lambda batch, controls, rate: strategy.run(
                self._replica_apply, (batch, controls, rate)
            ),
            input_signature=[element_spec, controls_spec, rate_spec],
            autograph=False,
        )
        self._hold = tf.function(
            lambda batch, controls: strategy.run(self._replica_hold, (batch, controls)),
            input_signature=[element_spec, controls_spec],
            autograph=False,
        )

    def __call__(
        self, batch, learning_rate: float, epoch: int = 0, hold: bool = False
    ) -> dict[str, tf.Tensor]:
        """Take one step, or with `hold` accumulate the gradients for the next step.

        Args:
            batch: a distributed batch.
            learning_rate: learning rate of this step.
            epoch: number of the epoch, from 0; the objective may depend on it.
            hold: accumulate the gradients only; do not update the weights.

        Returns:
            Sums over the clips of "loss" and its terms, the number of clips ("clips"), and the norm
            of the gradient ("gradient_norm"; with `hold`, that of this batch alone).
        """
        rate = tf.constant(learning_rate, tf.float32)
        values = self.objective.at(epoch)
        controls = {name: tf.constant(values[name], tf.float32) for name in self.objective.controls}
        outcome = self._hold(batch, controls) if hold else self._apply(batch, controls, rate)
        return {
            name: self.strategy.experimental_local_results(value)[0]
            for name, value in outcome.items()
        }

    def traces(self) -> int:
        """Number of times the step was traced; more than 1 means that a shape was not dynamic."""
        return self._apply.experimental_get_tracing_count()

    def trace(self):
        """The step as a concrete function of batch, controls and rate, flattened in that order."""
        return self._apply.get_concrete_function()

    @property
    def held(self) -> list[tf.Variable]:
        """Variables of the accumulated gradients; empty without accumulation."""
        return [*self._held, self._held_clips] if self._held else []

    def _replica_apply(self, batch, controls, rate):
        gradients, sums = self._differentiate(batch, controls)
        clips = sums["clips"]
        if self._held:
            gradients = [g + held for g, held in zip(gradients, self._held)]
            clips = clips + self._held_clips
        context = tf.distribute.get_replica_context()
        sums, clips = context.all_reduce(SUM, [sums, clips])
        gradients = context.all_reduce(SUM, gradients)
        gradients = [g / tf.maximum(clips, 1.0) for g in gradients]
        gradients, norm = clip_by_global_norm(gradients, self.config.clip_norm)
        self.optimiser.apply(gradients, rate)
        for held in self.held:
            held.assign(tf.zeros_like(held))
        return {**sums, "gradient_norm": norm}

    def _replica_hold(self, batch, controls):
        gradients, sums = self._differentiate(batch, controls)
        for held, gradient in zip(self._held, gradients):
            held.assign_add(gradient)
        self._held_clips.assign_add(sums["clips"])
        context = tf.distribute.get_replica_context()
        norm = tf.linalg.global_norm(gradients)
        return {**context.all_reduce(SUM, sums), "gradient_norm": norm}

    def _gradients(self, batch, controls):
        """Gradients of the summed loss of this replica's clips, and the sums of its terms."""
        weight = batch["weight"]
        with tf.GradientTape() as tape:
            losses, terms = self.objective(self.model, batch, controls)
            loss = tf.reduce_sum(weight * losses)
        gradients = tape.gradient(loss, self._trained, unconnected_gradients="zero")
        sums = {name: tf.reduce_sum(weight * terms[name]) for name in self.objective.terms}
        sums |= {"loss": loss, "clips": tf.reduce_sum(weight)}
        return [tf.convert_to_tensor(gradient) for gradient in gradients], sums


def _per_replica(shape) -> tf.Variable:
    """A variable that each replica sums separately."""
    return tf.Variable(
        tf.zeros(shape),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
