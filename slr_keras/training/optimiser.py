"""Adam and momentum with the arithmetic of PyTorch, under any `tf.distribute` strategy.

Keras' own Adam decouples the weight decay, adds epsilon before the bias correction, and clips the
gradients of each replica before summing them. Each of these differs from the training that the
papers report (docs/papers/stark.md §2.5 and §4.1).
"""

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf


class Optimiser:
    """Base of the optimisers: variables, slots, and the moving average of the weights.

    Create the optimiser within the strategy's scope, and call `apply` in replica context.

    Args:
        variables: the trained variables.
        slots: names of the state variables kept for each variable.
        moving_average: decay of a moving average of the weights; 0 keeps none.
    """

    def __init__(self, variables: Sequence, slots: Sequence[str], moving_average: float = 0.0):
        self.targets = [_tensorflow_variable(variable) for variable in variables]
        self.moving_average = moving_average
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps")
        self.slots = [[self._like(target, name) for target in self.targets] for name in slots]
        self.average = [self._like(target, "average") for target in self.targets if moving_average]

    @property
    def variables(self) -> list[tf.Variable]:
        """The optimiser's state, in a fixed order."""
        return [self.steps, *(slot for slots in self.slots for slot in slots), *self.average]

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Context in which the weights are replaced by their moving average, if one is kept."""
        if not self.average:
            yield
            return
        current = [target.numpy() for target in self.targets]
        for target, average in zip(self.targets, self.average):
            target.assign(average.numpy())
        try:
            yield
        finally:
            for target, value in zip(self.targets, current):
                target.assign(value)

    def apply(self, gradients: Sequence[tf.Tensor | None], learning_rate) -> None:
        """Take one step with gradients that are already summed over the replicas.

        Args:
            gradients: one per variable; a variable without a gradient is not changed.
            learning_rate: scalar.
        """
        context = tf.distribute.get_replica_context()
        # In float32, 1 - 0.998 ** t would lose half its digits.
        taken = tf.cast(self.steps, tf.float64) + 1
        rate = tf.cast(learning_rate, tf.float64)
        numbers = {
            "rate": rate,
            # The usual (1 + t) / (10 + t) keeps the initial weights out of a short run's average.
            "keep": tf.minimum(taken / (9 + taken), self.moving_average),
            **self._numbers(taken, rate),
        }
        numbers = {name: tf.cast(number, tf.float32) for name, number in numbers.items()}
        present = [i for i, gradient in enumerate(gradients) if gradient is not None]
        given = [gradients[i] for i in present]
        context.merge_call(self._update_all, args=(present, given, numbers))

    def _numbers(self, taken: tf.Tensor, rate: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scalars of a step in float64; `taken` is the number of the step, from 1."""
        return {}

    def _step(self, w, gradient, numbers, *slots) -> None:
        """Update one variable and its slots."""
        raise NotImplementedError

    def _update_all(self, strategy, present, gradients, numbers):
        update = strategy.extended.update
        for place, gradient in zip(present, gradients):
            slots = [kept[place] for kept in (*self.slots, self.average) if kept]
            arguments = (gradient, numbers, *slots)
            update(self.targets[place], self._update, args=arguments, group=False)
        update(self.steps, lambda steps: steps.assign_add(1), group=False)

    def _update(self, w, gradient, numbers, *slots):
        self._step(w, gradient, numbers, *slots[: len(self.slots)])
        if self.average:
            average, keep = slots[-1], numbers["keep"]
            average.assign(keep * average + (1 - keep) * w)

    def _like(self, target: tf.Variable, name: str) -> tf.Variable:
        strategy = tf.distribute.get_strategy()
        start = tf.identity(target) if name == "average" else tf.zeros(target.shape, target.dtype)
        with strategy.extended.colocate_vars_with(target):
            return tf.Variable(start, trainable=False, name=name)


class Adam(Optimiser):
    """Adam with L2 or decoupled weight decay.

    Args:
        variables: the trained variables.
        betas: decay of the first and the second moment.
        epsilon: added to the root of the bias-corrected second moment.
        weight_decay: applied to every variable, including biases and normalisation.
        decoupled: False adds `weight_decay * w` to the gradient (`torch.optim.Adam`); True shrinks
            the weights by `learning_rate * weight_decay` (`torch.optim.AdamW`).
        moving_average: see `Optimiser`.

    With a gradient of zero, the weight decay alone drives the step, and Adam scales the step to the
    learning rate:

    >>> import tensorflow as tf
    >>> from slr_keras.training.optimiser import Adam
    >>> w = tf.Variable(1.0)
    >>> Adam([w], weight_decay=1e-3).apply([tf.constant(0.0)], 1e-3)
    >>> round(float(w), 6)
    0.999
    """

    def __init__(
        self,
        variables: Sequence,
        betas: tuple[float, float] = (0.9, 0.998),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        moving_average: float = 0.0,
    ):
        super().__init__(variables, ("first", "second"), moving_average)
        self.betas = betas
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.decoupled = decoupled

    def _numbers(self, taken, rate):
        first, second = (1 - beta**taken for beta in self.betas)
        # TensorFlow's fused Adam adds epsilon before the bias correction, PyTorch after it. Scaling
        # step and epsilon here makes the fused operation equal to PyTorch's.
        return {
            "step": rate * tf.sqrt(second) / first,
            "epsilon": self.epsilon * tf.sqrt(second),
        }

    def _step(self, w, gradient, numbers, first, second):
        if self.weight_decay and self.decoupled:
            w.assign_sub(numbers["rate"] * self.weight_decay * w)
        elif self.weight_decay:
            gradient = gradient + self.weight_decay * w
        tf.raw_ops.ResourceApplyAdam(
            var=w.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=0.0,
            beta2_power=0.0,
            lr=numbers["step"],
            beta1=self.betas[0],
            beta2=self.betas[1],
            epsilon=numbers["epsilon"],
            grad=gradient,
        )


class Momentum(Optimiser):
    """Stochastic gradient descent with momentum, as in `torch.optim.SGD`.

        v = momentum v + g + weight_decay w,    w = w - learning_rate v

    Args:
        variables: the trained variables.
        momentum: decay of the velocity.
        weight_decay: applied to every variable, including biases and normalisation.
        moving_average: see `Optimiser`.

    >>> import tensorflow as tf
    >>> from slr_keras.training.optimiser import Momentum
    >>> w = tf.Variable(1.0)
    >>> descent = Momentum([w])
    >>> for _ in range(2):
    ...     descent.apply([tf.constant(1.0)], 0.1)
    >>> round(float(w), 6)
    0.71
    """

    def __init__(
        self,
        variables: Sequence,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        moving_average: float = 0.0,
    ):
        super().__init__(variables, ("velocity",), moving_average)
        self.momentum = momentum
        self.weight_decay = weight_decay

    def _step(self, w, gradient, numbers, velocity):
        velocity.assign(self.momentum * velocity + gradient + self.weight_decay * w)
        w.assign_sub(numbers["rate"] * velocity)


def clip_by_global_norm(gradients, limit: float):
    """Scale gradients to a global norm of at most `limit`; 0 turns clipping off.

    Returns:
        The gradients and their norm before scaling.
    """
    norm = tf.linalg.global_norm(gradients)
    if not limit:
        return gradients, norm
    scale = limit / tf.maximum(norm, limit)
    return [None if g is None else g * scale for g in gradients], norm


def _tensorflow_variable(variable) -> tf.Variable:
    return variable if isinstance(variable, tf.Variable) else variable.value
