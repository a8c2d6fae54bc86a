"""A version of a model, loaded as in TensorFlow Serving: a session on its graph."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.graph.description import DESCRIPTION
from export.graph.names import DEFAULT as DEFAULT_SIGNATURE
from export.graph.publication import MANIFEST, check_manifest
from export.serving.failure import ServingError
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json
from slr_keras.utils.schema import ascending, checked, record, whole

Arrays = dict[str, np.ndarray]
_SCHEMA = record({}, {"buckets": ascending(whole(1, 2**20), 0)})
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")


@dataclass(frozen=True)
class Tensor:
    """An input or output: dtype, shape (None for a free size), and name of the graph node."""

    dtype: np.dtype
    shape: tuple[int | None, ...]
    node: str


@dataclass(frozen=True)
class Signature:
    """A named function of a version."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


class ServedModel:
    """A version folder in memory.

    Args:
        folder: with `saved_model.pb`.
        threads: of TensorFlow's operations; 0 for one thread a core.

    Raises:
        UserError: files differ from those that were published, or the version cannot be loaded.

    Attributes:
        signatures: by name.
        signature_defs: TensorFlow's descriptions by name.
        buckets: lengths in frames that clips are padded to, ascending; may be empty.

    Example::

        model = ServedModel("served/stark/1")
        scores = model.run("serving_default", {"keypoints": clips, "lengths": lengths})["logits"]
    """

    def __init__(self, folder: str | Path, threads: int = 0):
        import tensorflow as tf

        self.folder = Path(folder)
        # Versions of other exporters have no manifest and are not checked.
        if (self.folder / MANIFEST).is_file():
            check_manifest(self.folder)
        described = self.folder / "assets" / DESCRIPTION
        description = read_json(described) if described.is_file() else {}
        checked(description, _SCHEMA, described, "export it again")
        self.buckets: tuple[int, ...] = tuple(description.get("buckets", ()))
        options = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
        )
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
        try:
            with self._session.graph.as_default():
                graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(self.folder))
        except Exception as error:
            self._session.close()
            raise UserError(
                f"{self.folder}: cannot be loaded ({type(error).__name__}: "
                f"{str(error).splitlines()[0] if str(error) else ''}); export it again"
            ) from error
        # Signatures for initialisation are not for clients.
        self.signature_defs = {
            name: value
            for name, value in graph.signature_def.items()
            if not name.startswith("__saved_model")
        }
        self.signatures = {
            name: Signature(_tensors(value.inputs), _tensors(value.outputs))
            for name, value in self.signature_defs.items()
        }
        self._callables: dict[str, Any] = {}
        self._making = threading.Lock()

    def signature(self, name: str) -> Signature:
        """The signature of a name; the default signature for an empty name.

        Raises:
            ServingError: the signature does not exist; names those of the model.
        """
        signature = self.signatures.get(name or DEFAULT_SIGNATURE)
        if signature is None:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"there is no signature {name or DEFAULT_SIGNATURE!r}; this model has "
                f"{', '.join(sorted(self.signatures))}",
            )
        return signature

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Outputs of a signature by name.

        Raises:
            tensorflow.errors.OpError: the graph refuses the inputs.
        """
        signature = self.signature(name)
        call = self._callables.get(name) or self._callable(name, signature)
        values = call(*(inputs[key] for key in signature.inputs))
        return dict(zip(signature.outputs, values))

    def warm_up(self) -> int:
        """Run the warm-up requests of the version; returns their number."""
        import tensorflow as tf
        from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

        from export.serving.tensors import from_proto

        file, count = self.folder / WARMUP, 0
        if not file.is_file():
            return 0
        for request_log in tf.compat.v1.io.tf_record_iterator(str(file)):
            request = PredictionLog.FromString(request_log).predict_log.request
            inputs = {key: from_proto(key, value) for key, value in request.inputs.items()}
            self.run(request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs)
            count += 1
        return count

    def close(self) -> None:
        """Free the memory; the model cannot run afterwards."""
        self._callables.clear()
        self._session.close()

    def _callable(self, name: str, signature: Signature) -> Any:
        with self._making:
            graph = self._session.graph
            call = self._session.make_callable(
                [graph.get_tensor_by_name(tensor.node) for tensor in signature.outputs.values()],
                [graph.get_tensor_by_name(tensor.node) for tensor in signature.inputs.values()],
            )
            self._callables[name] = call
            return call


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: Tensor(*_described(info), info.name) for name, info in _sorted(infos)}


def _sorted(infos: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return iter(sorted(infos.items()))


def _described(info: Any) -> tuple[np.dtype, tuple[int | None, ...]]:
    import tensorflow as tf

    dtype = tf.as_dtype(info.dtype)
    sizes = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    return np.dtype(object if dtype == tf.string else dtype.as_numpy_dtype), sizes
