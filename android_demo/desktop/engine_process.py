"""Run TensorFlow Lite models for the desktop runner, over a pipe.

Each message is a length (uint32), a letter and its content, little-endian. Each request of the
runner has one answer.

| letter | sender | content |
| --- | --- | --- |
| `L` | runner | load: length (uint32) of two lines, signature (or nothing) and threads; the file |
| `S` | here | number of the loaded model, then lines such as `input float32 1x79x3 name` |
| `R` | runner | run: number of the model (uint32); values of all inputs, 4 bytes each |
| `O` | here | milliseconds of the run (float64); values of all outputs, 4 bytes each |
| `C` | runner | close: number of the model (uint32) |
| `D` | here | the model is closed |
| `E` | here | error message |

The process ends with its standard input.
"""

import struct
import sys
import time
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

_TYPES = {np.dtype(np.float32): "float32", np.dtype(np.int32): "int32"}


class Tensor(NamedTuple):
    """An input or output: where the interpreter has it, and its name for those outside."""

    index: int
    name: str
    shape: tuple[int, ...]
    type: np.dtype


class Model:
    """One signature of a model file, or the one graph of a file that has none."""

    def __init__(self, content: bytes, signature: str | None, threads: int):
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        if signature is None:
            self._interpreter.allocate_tensors()
            self._runner = None
            details = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        else:
            known = list(self._interpreter.get_signature_list())
            if signature not in known:
                raise ValueError(f"has no signature {signature!r}, only {known}")
            self._runner = self._interpreter.get_signature_runner(signature)
            sides = self._runner.get_input_details(), self._runner.get_output_details()
            details = tuple([detail | {"name": n} for n, detail in side.items()] for side in sides)
        self.inputs, self.outputs = ([_tensor(one) for one in side] for side in details)

    def run(self, values: memoryview) -> bytes:
        """Milliseconds, then the values of all outputs one by one, for those of all inputs."""
        given, at = {}, 0
        for tensor in self.inputs:
            size = 4 * int(np.prod(tensor.shape))
            if at + size > len(values):
                raise ValueError("fewer values than the inputs need")
            array = np.frombuffer(values[at : at + size], tensor.type.newbyteorder("<"))
            given[tensor.name] = array.astype(tensor.type).reshape(tensor.shape)
            at += size
        if at != len(values):
            raise ValueError("more values than the inputs need")
        begin = time.perf_counter()
        if self._runner is not None:
            results = self._runner(**given)
            computed = [results[tensor.name] for tensor in self.outputs]
        else:
            for tensor in self.inputs:
                self._interpreter.set_tensor(tensor.index, given[tensor.name])
            self._interpreter.invoke()
            computed = [self._interpreter.get_tensor(tensor.index) for tensor in self.outputs]
        took = struct.pack("<d", 1000 * (time.perf_counter() - begin))
        return took + b"".join(
            one.astype(one.dtype.newbyteorder("<")).tobytes() for one in computed
        )


def _tensor(detail: dict[str, Any]) -> Tensor:
    tensor = Tensor(
        detail["index"],
        detail["name"],
        tuple(int(side) for side in detail["shape"]),
        np.dtype(detail["dtype"]),
    )
    if tensor.type not in _TYPES:
        raise ValueError(f"{tensor.name} is of {tensor.type}; float32 and int32 are understood")
    return tensor


class Models:
    """The models that the runner has loaded."""

    def __init__(self) -> None:
        self._models: dict[int, Model] = {}
        self._next = 0

    def answer(self, kind: bytes, content: memoryview) -> tuple[bytes, bytes]:
        """The letter and the content of an answer."""
        (number,) = struct.unpack_from("<I", content)
        if kind == b"L":
            signature, threads = bytes(content[4 : 4 + number]).decode().split("\n")
            model = Model(bytes(content[4 + number :]), signature or None, int(threads))
            self._models[self._next] = model
            self._next += 1
            return b"S", _described(self._next - 1, model)
        if kind == b"R":
            return b"O", self._models[number].run(content[4:])
        if kind == b"C":
            self._models.pop(number, None)
            return b"D", b""
        raise ValueError(f"unknown message {kind!r}")


def _described(number: int, model: Model) -> bytes:
    lines = [str(number)]
    for side, tensors in (("input", model.inputs), ("output", model.outputs)):
        for tensor in tensors:
            shape = "x".join(map(str, tensor.shape))
            lines.append(f"{side} {_TYPES[tensor.type]} {shape} {tensor.name}")
    return "\n".join(lines).encode()


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer all messages until there are no more."""
    models = Models()
    while len(head := incoming.read(4)) == 4:
        message = memoryview(incoming.read(struct.unpack("<I", head)[0]))
        try:
            kind, content = models.answer(bytes(message[:1]), message[1:])
        except (
            Exception
        ) as error:  # The interpreter raises many types; the runner gets the message.
            kind, content = b"E", (str(error) or type(error).__name__).encode()
        outgoing.write(struct.pack("<I", 1 + len(content)) + kind + content)
        outgoing.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
