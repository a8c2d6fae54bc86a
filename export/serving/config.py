"""Configuration files of TensorFlow Serving, written and read as its protocol messages.

| file | message | option of tensorflow_model_server |
| --- | --- | --- |
| `models.config` | `ModelServerConfig` | `--model_config_file` |
| `batching.config` | `BatchingParameters` | `--batching_parameters_file` |
| `monitoring.config` | `MonitoringConfig` | `--monitoring_config_file` |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export.serving.protos import message, require_serving
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text

MODELS, BATCHING, MONITORING = "models.config", "batching.config", "monitoring.config"
METRICS_PATH = "/monitoring/prometheus/metrics"
LATEST, ALL, SPECIFIC = "latest", "all", "specific"


@dataclass(frozen=True)
class Model:
    """One model of a `models.config`.

    Attributes:
        name: in requests.
        base_path: folder of the version folders.
        labels: label → version.
        policy: of the served versions: "latest", "all" or "specific".
        latest: number of newest versions, for "latest".
        versions: served versions, for "specific".
    """

    name: str
    base_path: str
    labels: Mapping[str, int] = field(default_factory=dict)
    policy: str = LATEST
    latest: int = 1
    versions: tuple[int, ...] = ()

    def wanted(self, present: Sequence[int]) -> list[int]:
        """Versions to serve, ascending.

        Args:
            present: versions on disk.

        >>> from export.serving.config import Model
        >>> Model("stark", "/models/stark", latest=2).wanted([1, 3, 2])
        [2, 3]
        """
        ordered = sorted(present)
        if self.policy == ALL:
            return ordered
        if self.policy == SPECIFIC:
            return [version for version in ordered if version in self.versions]
        return ordered[-self.latest :]


@dataclass(frozen=True)
class Batching:
    """Parameters of dynamic batching.

    Attributes:
        max_batch_size: largest number of clips of a batch and of a request.
        timeout: seconds that a clip waits for others.
        max_enqueued_batches: full batches that may wait; further requests are refused.
        threads: number of batches that run at the same time.
        allowed_batch_sizes: sizes that batches are padded to, ascending; the last one is
            `max_batch_size`. Empty allows all sizes.

    >>> from export.serving.config import Batching
    >>> Batching(8, allowed_batch_sizes=(1, 4, 8)).padded(3)
    4
    """

    max_batch_size: int = 1
    timeout: float = 0.0
    max_enqueued_batches: int = 64
    threads: int = 1
    allowed_batch_sizes: tuple[int, ...] = ()

    def padded(self, rows: int) -> int:
        """Size of the padded batch for `rows` clips."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def model_config(models: Sequence[Model]) -> str:
    """The text of a `models.config`."""
    require_serving()
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    config = model_server_config_pb2.ModelServerConfig()
    for model in models:
        entry = config.model_config_list.config.add(
            name=model.name, base_path=model.base_path, model_platform="tensorflow"
        )
        policy = entry.model_version_policy
        if model.policy == SPECIFIC:
            policy.specific.versions.extend(model.versions)
        elif model.policy == ALL:
            policy.all.SetInParent()
        else:
            policy.latest.num_versions = model.latest
        for label, version in model.labels.items():
            entry.version_labels[label] = version
    return text_format.MessageToString(config)


def read_models(path: str | Path) -> list[Model]:
    """The models of a `models.config`.

    Raises:
        UserError: the file is missing, is no ModelServerConfig, or has no model.
    """
    require_serving()
    from tensorflow_serving.config import model_server_config_pb2

    config = _parsed(path, model_server_config_pb2.ModelServerConfig())
    models = [_model(entry, path) for entry in config.model_config_list.config]
    if not models:
        raise UserError(f"{path}: has no model_config_list with a config in it; add one")
    names = [model.name for model in models]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise UserError(f"{path}: {', '.join(sorted(repeated))} is listed twice; rename one")
    return models


def _model(entry: Any, path: str | Path) -> Model:
    if not entry.name or not entry.base_path:
        raise UserError(f"{path}: a config without name or base_path; give both")
    if entry.model_platform not in ("", "tensorflow"):
        raise UserError(
            f"{path}: {entry.name} has the platform {entry.model_platform!r}; only 'tensorflow' "
            "is served"
        )
    chosen = entry.model_version_policy
    kind = chosen.WhichOneof("policy_choice") or LATEST
    return Model(
        entry.name,
        entry.base_path,
        dict(entry.version_labels),
        kind,
        max(chosen.latest.num_versions, 1),
        tuple(chosen.specific.versions),
    )


def batching_config(batching: Batching) -> str:
    """The text of a `batching.config`."""
    from google.protobuf import text_format

    config = message("BatchingParameters")
    config.max_batch_size.value = batching.max_batch_size
    config.batch_timeout_micros.value = round(batching.timeout * 1e6)
    config.max_enqueued_batches.value = batching.max_enqueued_batches
    config.num_batch_threads.value = batching.threads
    config.allowed_batch_sizes.extend(batching.allowed_batch_sizes)
    # Shorter clips of a batch are padded; `lengths` holds their real frames.
    config.pad_variable_length_inputs = True
    return text_format.MessageToString(config)


def read_batching(path: str | Path) -> Batching:
    """The parameters of a `batching.config`.

    Raises:
        UserError: the file is no BatchingParameters, or a parameter is not valid.
    """
    config = _parsed(path, message("BatchingParameters"))
    given = {name: getattr(config, name).value for name in _INTEGERS if config.HasField(name)}
    for name, value in given.items():
        if value < (0 if name == "batch_timeout_micros" else 1):
            raise UserError(f"{path}: {name} is {value}; it must be a positive number")
    largest = given.get("max_batch_size", 1000)
    sizes = tuple(config.allowed_batch_sizes)
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != largest or sizes[0] < 1):
        raise UserError(
            f"{path}: allowed_batch_sizes are {', '.join(map(str, sizes))}; they must ascend and "
            f"end with max_batch_size ({largest})"
        )
    return Batching(
        largest,
        given.get("batch_timeout_micros", 0) / 1e6,
        given.get("max_enqueued_batches", 10),
        given.get("num_batch_threads", 1),
        sizes,
    )


_INTEGERS = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")


def monitoring_config(path: str = METRICS_PATH) -> str:
    """The text of a `monitoring.config` that enables Prometheus."""
    from google.protobuf import text_format

    config = message("MonitoringConfig")
    config.prometheus_config.enable = True
    config.prometheus_config.path = path
    return text_format.MessageToString(config)


def read_monitoring(path: str | Path) -> str | None:
    """Path of the metrics in a `monitoring.config`; None if they are disabled."""
    config = _parsed(path, message("MonitoringConfig")).prometheus_config
    where = config.path or METRICS_PATH
    if not where.startswith("/"):
        raise UserError(f"{path}: the path {where!r} must begin with /")
    return where if config.enable else None


def _parsed(path: str | Path, into: Any) -> Any:
    from google.protobuf import text_format

    try:
        return text_format.Parse(read_text(path), into)
    except text_format.ParseError as error:
        name = into.DESCRIPTOR.name
        raise UserError(
            f"{path}:{error}; the file must hold a {name} of TensorFlow Serving"
        ) from None
