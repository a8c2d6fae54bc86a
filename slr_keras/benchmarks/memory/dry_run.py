"""A traced function run with shapes in place of numbers, to learn what memory it takes.

Operations run one at a time in the order in which they were traced. An output takes its bytes when
its operation runs, and gives them back after the last that reads it. Views (reshape, identity,
reading a variable) take nothing; what TensorFlow computes in place of a dying input takes its
bytes. Loops run as often as they would, so that what an iteration keeps for its gradient counts.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

from slr_keras.benchmarks.memory.inference import Inference
from slr_keras.benchmarks.memory.ledger import (
    Ledger,
    Tensor,
    Value,
    bytes_of,
)
from slr_keras.benchmarks.memory.plan import Plan, Step, make_plan
from slr_keras.benchmarks.memory.resources import RESOURCES, on_lists

# fmt: off
VIEWS = frozenset((
    "Identity", "IdentityN", "StopGradient", "PreventGradient", "Reshape", "ExpandDims",
    "Squeeze", "EnsureShape",
))
# Kernels that forward the buffer of an input of the same size that nobody reads any more.
IN_PLACE = frozenset((
    "Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Div", "DivNoNan", "Maximum", "Minimum",
    "SquaredDifference", "Pow", "Neg", "Exp", "Log", "Log1p", "Expm1", "Sqrt", "Rsqrt",
    "Square", "Erf", "Tanh", "Sigmoid", "Relu", "Relu6", "Softplus", "TanhGrad", "SigmoidGrad",
    "ReluGrad", "SqrtGrad", "RsqrtGrad", "Reciprocal", "ReciprocalGrad", "Softmax",
    "LogSoftmax", "BiasAdd", "SelectV2", "Select", "Abs", "Sign", "Floor", "MulNoNan", "Xdivy",
))
# fmt: on
CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
# A loop that the data ends, not a count, is not followed any further.
MOST_ITERATIONS = 10_000


class DryRun:
    """Runs a traced function without its numbers.

    Args:
        graph: of the function, whose library holds the functions that it calls.

    >>> import tensorflow as tf
    >>> from slr_keras.benchmarks.memory.dry_run import DryRun
    >>> from slr_keras.benchmarks.memory.ledger import Ledger, Tensor
    >>> function = tf.function(lambda x, w: tf.nn.relu(tf.linalg.matmul(x, w)))
    >>> specs = tf.TensorSpec((None, 64)), tf.TensorSpec((64, 256))
    >>> graph = function.get_concrete_function(*specs).graph
    >>> ledger = Ledger()
    >>> arguments = [
    ...     Tensor(tf.float32, shape, ledger.buffer(4 * shape[0] * shape[1]))
    ...     for shape in ((32, 64), (64, 256))
    ... ]
    >>> result = DryRun(graph).run(arguments, ledger)
    >>> ledger.peak == 4 * (32 * 64 + 64 * 256 + 32 * 256)
    True
    """

    def __init__(self, graph: tf.Graph):
        self.graph = graph
        self.ledger = Ledger()
        self._infer = Inference()
        self._main = make_plan(graph, graph.inputs, graph.outputs)
        self._functions = {f.signature.name: f for f in graph.as_graph_def().library.function}
        self._plans: dict[str, Plan] = {}

    def run(
        self,
        arguments: list[Value],
        ledger: Ledger,
        before: Callable[[tf.Operation], None] | None = None,
    ) -> list[Value]:
        """Results of the function; the list of arguments is emptied, so that they can be freed.

        Args:
            arguments: one per input of the graph.
            ledger: where bytes are counted, the arguments' too.
            before: called with each operation of the function itself before it runs.
        """
        self.ledger = ledger
        return self._run(self._main, arguments, before)

    def _run(self, plan: Plan, arguments: list[Value], before=None) -> list[Value]:
        held = {n: value for n, value in zip(plan.inputs, arguments) if n is not None}
        arguments.clear()
        for step in plan.steps:
            if before is not None:
                before(step.op)
            inputs = [held[number] for number in step.inputs]
            outputs = self._step(step, inputs, held)
            for number in step.dying:
                held.pop(number, None)
            held.update((n, v) for n, v in zip(step.outputs, outputs) if n is not None)
            # They would live until the next step has run.
            del inputs, outputs
        return [held[number] for number in plan.outputs]

    def _step(self, step: Step, inputs: list[Value], held: dict[int, Value]) -> Sequence[Value]:
        op = step.op
        if op.type in CALLS or op.type in self._functions:
            name = op.get_attr("f").name if op.type in CALLS else op.type
            return self._run(self._plan(name), _released(step, inputs, held))
        if op.type in ("While", "StatelessWhile"):
            return self._loop(op, _released(step, inputs, held))
        if op.type in ("If", "StatelessIf", "Case", "StatelessCase"):
            return self._branch(op, _released(step, inputs, held))
        if op.type in RESOURCES:
            return RESOURCES[op.type](op, inputs, self.ledger)
        handles = any(output.dtype in (tf.variant, tf.resource) for output in op.outputs)
        if handles or not all(isinstance(value, Tensor) for value in inputs):
            return on_lists(op, inputs, self.ledger)
        inferred = self._infer(op, inputs)
        if op.type in VIEWS:
            return [
                Tensor(dtype, shape, tensor.buffer, value)
                for (dtype, shape, value), tensor in zip(inferred, inputs)
            ]
        if op.type in IN_PLACE:
            size = bytes_of(inferred[0][1], inferred[0][0])
            inputs.clear()
            for number in step.dying:
                if held[number].size == size:
                    del held[number]
        return [
            Tensor(dtype, shape, self.ledger.buffer(bytes_of(shape, dtype)), value)
            for dtype, shape, value in inferred
        ]

    def _loop(self, op: tf.Operation, values: list[Value]) -> list[Value]:
        condition, body = (self._plan(op.get_attr(name).name) for name in ("cond", "body"))
        for _ in range(MOST_ITERATIONS):
            (more,) = self._run(condition, list(values))
            if more.value is not None and not more.value:
                return values
            values = self._run(body, values)
        raise ValueError(f"{op.name}: nothing but data ends this loop")

    def _branch(self, op: tf.Operation, inputs: list[Value]) -> list[Value]:
        """The branch that is taken, or where data decides the one with the larger results."""
        which, *values = inputs
        inputs.clear()
        if op.type.endswith("Case"):
            names = [branch.name for branch in op.get_attr("branches")]
        else:
            names = [op.get_attr(f"{word}_branch").name for word in ("else", "then")]
        if which.value is not None:
            place = int(which.value)
            return self._run(self._plan(names[place if 0 <= place < len(names) else -1]), values)
        sizes = []
        for name in names:
            results = self._run(self._plan(name), list(values))
            sizes.append(sum(result.size for result in results if isinstance(result, Tensor)))
            del results
        return self._run(self._plan(names[sizes.index(max(sizes))]), values)

    def _plan(self, name: str) -> Plan:
        if name not in self._plans:
            with self.graph.as_default():
                graph = function_def_to_graph(self._functions[name])
            self._plans[name] = make_plan(graph, graph.inputs, graph.outputs)
        return self._plans[name]


def _released(step: Step, inputs: list[Value], held: dict[int, Value]) -> list[Value]:
    """The inputs, in a list that alone keeps those that are dying."""
    values = list(inputs)
    inputs.clear()
    for number in step.dying:
        del held[number]
    return values
