"""Child process of `interpreter.py`: one TFLite runtime runs one file.

The process is started as a file, not as a module, and imports nothing of the project, so that only
the runtime is measured. A message is a JSON object and arrays, see `send` and `receive`.
"""

import json
import os
import resource
import struct
import sys
import time
import traceback

import numpy as np

MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite_runtime": "tflite_runtime.interpreter",
    # Not tensorflow.lite: TensorFlow itself takes seconds to import.
    "tensorflow_2_16": "tensorflow.lite.python.interpreter",
}


def send(stream, value, arrays=None):
    """Write a message: the length of its JSON, the JSON, the bytes of its arrays."""
    arrays = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    shapes = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    text = json.dumps({**value, "arrays": shapes}).encode()
    stream.write(struct.pack("<q", len(text)) + text)
    for array in arrays.values():
        stream.write(array.tobytes())
    stream.flush()


def receive(stream):
    """Read a message; raises EOFError if the other process has ended."""
    (size,) = struct.unpack("<q", _exactly(stream, 8))
    value = json.loads(_exactly(stream, size))
    arrays = {}
    for name, (dtype, shape) in value.pop("arrays").items():
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(_exactly(stream, count), dtype).reshape(shape)
    return value, arrays


def _exactly(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other process has ended")
    return data


class Unsigned:
    """Runs a file that has no signature, by the names of its tensors."""

    def __init__(self, interpreter):
        interpreter.allocate_tensors()
        self.interpreter = interpreter
        self.inputs = {detail["name"]: detail for detail in interpreter.get_input_details()}
        self.outputs = {detail["name"]: detail for detail in interpreter.get_output_details()}

    def get_input_details(self):
        return self.inputs

    def get_output_details(self):
        return self.outputs

    def __call__(self, **arrays):
        for name, detail in self.inputs.items():
            self.interpreter.set_tensor(detail["index"], arrays[name])
        self.interpreter.invoke()
        return {
            name: self.interpreter.get_tensor(detail["index"])
            for name, detail in self.outputs.items()
        }


class Runner:
    """One file in one runtime."""

    def __init__(self, runtime):
        import importlib

        self.module = importlib.import_module(MODULES[runtime])
        self.runner = None
        self.inputs = {}

    def load(self, path, threads):
        """Load a file; returns its signature and the seconds of loading."""
        started = time.perf_counter()
        # The runner does not keep the interpreter alive.
        self.interpreter = self.module.Interpreter(path, num_threads=threads)
        signed = self.interpreter.get_signature_list()
        self.runner = (
            self.interpreter.get_signature_runner() if signed else Unsigned(self.interpreter)
        )
        seconds = time.perf_counter() - started
        return {
            "inputs": _described(self.runner.get_input_details()),
            "outputs": _described(self.runner.get_output_details()),
            "seconds": seconds,
        }

    def run(self, arrays):
        """Run once; returns the outputs."""
        self.inputs = {name: np.array(array) for name, array in arrays.items()}
        return self.runner(**self.inputs)

    def time(self, warm_up, repeats):
        """Seconds of each of `repeats` runs on the last inputs."""
        seconds = []
        for _ in range(warm_up + repeats):
            started = time.perf_counter()
            self.runner(**self.inputs)
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds[warm_up:]}

    def time_alone(self, path, threads, repeats):
        """Seconds of the fastest run of another file, without a signature, on random inputs."""
        interpreter = self.module.Interpreter(path, num_threads=threads)
        interpreter.allocate_tensors()
        rng = np.random.default_rng(0)
        for detail in interpreter.get_input_details():
            values = rng.random(detail["shape"]) if len(detail["shape"]) else rng.random()
            interpreter.set_tensor(detail["index"], np.asarray(values, detail["dtype"]))
        seconds = []
        for _ in range(repeats + 1):
            started = time.perf_counter()
            interpreter.invoke()
            seconds.append(time.perf_counter() - started)
        return {"seconds": min(seconds[1:])}


def _described(details):
    return {
        name: {"shape": detail["shape"].tolist(), "dtype": np.dtype(detail["dtype"]).name}
        for name, detail in details.items()
    }


def peak_memory():
    """Peak memory of this process in bytes."""
    try:
        # getrusage also counts the parent process before exec.
        with open("/proc/self/status") as status:
            (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def answer(runner, request, arrays):
    """The value and the arrays that answer a request."""
    do = request.pop("do")
    if do == "load":
        return runner.load(**request), {}
    if do == "run":
        return {}, runner.run(arrays)
    if do == "time":
        return runner.time(**request), {}
    if do == "time_alone":
        return runner.time_alone(**request), {}
    return {"peak_memory": peak_memory()}, {}


def main():
    """Answer requests until the parent process closes the pipe."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # The prints of a runtime must not mix with the messages.
    os.dup2(2, 1)
    runner = Runner(sys.argv[1])
    send(sink, {"peak_memory": peak_memory()})
    while True:
        try:
            request, arrays = receive(source)
        except (EOFError, struct.error):
            break
        try:
            send(sink, *answer(runner, request, arrays))
        except Exception as error:
            traceback.print_exc()
            send(sink, {"error": f"{type(error).__name__}: {error}"})
    sys.stderr.flush()
    # Some runtimes crash on a regular exit.
    os._exit(0)


if __name__ == "__main__":
    main()
