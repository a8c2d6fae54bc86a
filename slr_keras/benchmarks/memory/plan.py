"""A traced function as steps: what each reads and makes, and what nobody reads after it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

#: They read a shape and no content.
SHAPE_ONLY = frozenset(("Shape", "ShapeN", "Size", "Rank"))


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a plan; tensors are numbers.

    Attributes:
        op: the operation.
        inputs: what it reads, in order.
        outputs: what it makes; None for what nobody reads.
        dying: inputs that no later step reads and the function does not return.
    """

    op: tf.Operation
    inputs: tuple[int, ...]
    outputs: tuple[int | None, ...]
    dying: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they were traced.

    Attributes:
        steps: operations that a result or a variable depends on, each after those it needs.
        inputs: the arguments; None for one that nobody reads.
        outputs: the results.
    """

    steps: list[Step]
    inputs: list[int | None]
    outputs: list[int]


def make_plan(graph: tf.Graph, inputs: Sequence[tf.Tensor], outputs: Sequence[tf.Tensor]) -> Plan:
    """The plan of a function's graph.

    Args:
        graph: of the function.
        inputs, outputs: tensors of the graph.

    >>> import tensorflow as tf
    >>> from slr_keras.benchmarks.memory.plan import make_plan
    >>> function = tf.function(lambda x: tf.nn.relu(x + 1.0))
    >>> graph = function.get_concrete_function(tf.TensorSpec((2,))).graph
    >>> plan = make_plan(graph, graph.inputs, graph.outputs)
    >>> [step.op.type for step in plan.steps]
    ['Const', 'AddV2', 'Relu', 'Identity']
    """
    arguments = {tensor.op.name for tensor in inputs}
    roots = [tensor.op for tensor in outputs]
    # What changes a variable or may fail is run although nobody reads it.
    roots += [op for op in graph.get_operations() if op.op_def.is_stateful]
    order = [op for op in _ordered(graph, _ancestors(roots)) if op.name not in arguments]
    numbers: dict[tuple[str, int], int] = {}

    def number(tensor: tf.Tensor) -> int:
        return numbers.setdefault((tensor.op.name, tensor.value_index), len(numbers))

    results = [number(tensor) for tensor in outputs]
    reads = [tuple(number(tensor) for tensor in op.inputs) for op in order]
    seen, dying = set(results), []
    for read in reversed(reads):
        dying.append(tuple(set(read) - seen))
        seen.update(read)
    steps = [
        Step(op, read, tuple(numbers.get((op.name, i)) for i in range(len(op.outputs))), last)
        for op, read, last in zip(order, reads, reversed(dying))
    ]
    places = [numbers.get((tensor.op.name, tensor.value_index)) for tensor in inputs]
    return Plan(steps, places, results)


def _needs(op: tf.Operation) -> list[tf.Operation]:
    return [*(tensor.op for tensor in op.inputs), *op.control_inputs]


def _ancestors(roots: Sequence[tf.Operation]) -> set[str]:
    needed, waiting = set(), list(roots)
    while waiting:
        op = waiting.pop()
        if op.name not in needed:
            needed.add(op.name)
            waiting += _needs(op)
    return needed


def _ordered(graph: tf.Graph, needed: set[str]) -> list[tf.Operation]:
    """As they were traced; but a loop that got a gradient has inputs that were traced later, and
    what asks for a shape alone, as gradients do, asks at once and keeps no tensor for it."""
    askers: dict[str, list[tf.Operation]] = defaultdict(list)
    for op in graph.get_operations():
        if op.name in needed and op.type in SHAPE_ONLY:
            for tensor in op.inputs:
                askers[tensor.op.name].append(op)
    done, order = set(), []

    def add(op: tf.Operation) -> None:
        done.add(op.name)
        order.append(op)
        for asker in askers[op.name]:
            if asker.name not in done and all(need.name in done for need in _needs(asker)):
                add(asker)

    for first in graph.get_operations():
        waiting = [first] if first.name in needed else []
        while waiting:
            op = waiting[-1]
            missing = [need for need in _needs(op) if need.name not in done]
            if missing and op.name not in done:
                waiting += missing
                continue
            waiting.pop()
            if op.name not in done:
                add(op)
    return order
