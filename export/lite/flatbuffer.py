"""Contents of a `.tflite` file: operations with versions, shapes, names and multiply-adds."""

import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

CUSTOM = "CUSTOM"


@dataclass(frozen=True)
class Operation:
    """A kind of operation in a file.

    Attributes:
        name: of the schema, such as `FULLY_CONNECTED`; the code of a custom operation follows
            after a colon.
        version: of the operation; a runtime supports versions up to some number.
        count: in the graph.
        multiply_adds: of all these operations together.
    """

    name: str
    version: int
    count: int
    multiply_adds: int

    @property
    def built_in(self) -> bool:
        """Whether the operation is part of every runtime, unlike custom and Flex operations."""
        return not self.name.startswith(CUSTOM)


def operations(file: bytes) -> tuple[Operation, ...]:
    """Kinds of operation in a file, those with most multiply-adds first.

    Args:
        file: its bytes.
    """
    model = read_model(file)
    counts: Counter[tuple[str, int]] = Counter()
    work: Counter[tuple[str, int]] = Counter()
    for graph, operator in _operators(model):
        code = model.operatorCodes[operator.opcodeIndex]
        kind = (operator_name(code), code.version)
        counts[kind] += 1
        work[kind] += multiply_adds(graph, operator, kind[0])
    kinds = [Operation(*kind, counts[kind], work[kind]) for kind in counts]
    return tuple(sorted(kinds, key=lambda kind: (-kind.multiply_adds, -kind.count, kind.name)))


def output_names(file: bytes) -> list[str]:
    """Names of the output tensors of all operations."""
    return [
        graph.tensors[index].name.decode()
        for graph, operator in _operators(read_model(file))
        for index in operator.outputs
    ]


def without_ranges(file: bytes, names: Collection[str]) -> bytes:
    """A calibrated file without the ranges of some tensors, which are then not quantised.

    Args:
        file: its bytes.
        names: of the tensors.
    """
    import flatbuffers

    model = read_model(file)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.name.decode() in names:
                tensor.quantization = None
    builder = flatbuffers.Builder(len(file))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def largest_rank(file: bytes) -> int:
    """Largest number of axes of a tensor."""
    shapes = (t.shape for graph in read_model(file).subgraphs for t in graph.tensors)
    return max(0 if shape is None else len(shape) for shape in shapes)


def read_model(file: bytes) -> Any:
    """The file as an object of the TFLite schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(file), 0))


def _operators(model: Any) -> Iterator[tuple[Any, Any]]:
    for graph in model.subgraphs:
        for operator in graph.operators:
            yield graph, operator


def operator_name(code: Any) -> str:
    """Name of an operation code in the schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    # Operations of the first 127 codes are also in the field of older schemas.
    name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return f"{name}:{code.customCode.decode()}" if name == CUSTOM else name


def multiply_adds(graph: Any, operator: Any, name: str) -> int:
    """Multiply-adds of a matrix product or convolution in its graph; 0 for other operations."""

    def shape(index: int) -> tuple[int, ...]:
        sizes = graph.tensors[index].shape
        return () if sizes is None else tuple(map(int, sizes))

    result = math.prod(shape(operator.outputs[0]))
    if name in ("FULLY_CONNECTED", "CONV_2D"):
        # Of (out, in) or (out, height, width, in).
        return result * math.prod(shape(operator.inputs[1])[1:])
    if name == "DEPTHWISE_CONV_2D":
        return result * math.prod(shape(operator.inputs[1])[1:3])
    if name == "BATCH_MATMUL":
        left = shape(operator.inputs[0])
        return result * left[-2 if operator.builtinOptions.adjX else -1]
    return 0
