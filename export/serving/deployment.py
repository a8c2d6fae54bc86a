"""Deployment folder of TensorFlow Serving: configuration files, a compose file, commands."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.graph.publication import versions
from export.serving.assets import Assets
from export.serving.config import (
    BATCHING,
    LATEST,
    METRICS_PATH,
    MODELS,
    MONITORING,
    SPECIFIC,
    Batching,
    Model,
    batching_config,
    model_config,
    monitoring_config,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text
from slr_keras.utils.invocation import as_started

COMPOSE, COMMANDS = "docker-compose.yaml", "COMMANDS.md"
#: Oldest image that is named; a model that a later TensorFlow exported names a later one.
IMAGE, OLDEST = "tensorflow/serving", (2, 19)
GRPC_PORT, REST_PORT = 8500, 8501
_INSIDE, _CONFIG = "/models", "/config"


@dataclass(frozen=True)
class Deployment:
    """Models and options of a deployment.

    Attributes:
        bases: model name → folder of its versions on this machine.
        labels: label → version, for a single model.
        keep: number of newest versions to serve if there are no labels.
        batching: parameters of the batches.
    """

    bases: Mapping[str, Path]
    labels: Mapping[str, int]
    keep: int
    batching: Batching


def write_deployment(deployment: Deployment, to: str | Path) -> list[Path]:
    """Write the deployment folder; returns its files.

    Raises:
        UserError: a model has no versions, or lacks those of the labels.
    """
    to = Path(to)
    models = [_model(name, base, deployment) for name, base in deployment.bases.items()]
    tagged = image(deployment.bases.values())
    texts = {
        MODELS: model_config(models),
        BATCHING: batching_config(deployment.batching),
        MONITORING: monitoring_config(),
        COMPOSE: compose(deployment.bases, tagged),
        COMMANDS: commands(deployment.bases, to, tagged),
    }
    for name, text in texts.items():
        write_text(to / name, text)
    return [to / name for name in texts]


def _model(name: str, base: Path, deployment: Deployment) -> Model:
    available = versions(base)
    if not available:
        raise UserError(f"{base}: has no versions; `slr saved_model RUN {base}` makes one")
    for label, version in deployment.labels.items():
        if version not in available:
            raise UserError(
                f"--{label} {version}: {base} has versions {', '.join(map(str, available))}"
            )
    named = tuple(sorted(set(deployment.labels.values())))
    policy = SPECIFIC if named else LATEST
    return Model(name, f"{_INSIDE}/{name}", dict(deployment.labels), policy, deployment.keep, named)


def arguments() -> list[str]:
    """Arguments of tensorflow_model_server in a container."""
    return [
        f"--model_config_file={_CONFIG}/{MODELS}",
        "--model_config_file_poll_wait_seconds=30",
        "--file_system_poll_wait_seconds=10",
        # Otherwise a label is refused until its version has been loaded once.
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_batching=true",
        f"--batching_parameters_file={_CONFIG}/{BATCHING}",
        f"--monitoring_config_file={_CONFIG}/{MONITORING}",
        "--rest_api_timeout_in_ms=60000",
    ]


def compose(bases: Mapping[str, Path], tagged: str) -> str:
    """The text of the compose file; only this machine can reach the ports.

    The service without a GPU has no profile, so that `docker compose up` starts it.
    """
    import yaml

    first = next(iter(bases))
    service: dict[str, Any] = {
        "image": f"${{TF_SERVING_IMAGE:-{tagged}}}",
        "command": arguments(),
        "ports": [f"127.0.0.1:{port}:{port}" for port in (GRPC_PORT, REST_PORT)],
        "volumes": [
            f".:{_CONFIG}:ro",
            *(f"{base.resolve()}:{_INSIDE}/{name}:ro" for name, base in bases.items()),
        ],
        "healthcheck": {"test": ["CMD", "bash", "-c", probe(first)], **_HEALTH},
        "restart": "unless-stopped",
        "stop_grace_period": "60s",
        "read_only": True,
        "tmpfs": ["/tmp"],
        "security_opt": ["no-new-privileges:true"],
    }
    accelerator = {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    gpu = {
        **service,
        "image": f"${{TF_SERVING_IMAGE:-{tagged}-gpu}}",
        "deploy": {"resources": {"reservations": {"devices": [accelerator]}}},
        "profiles": ["gpu"],
    }
    services = {"serving": service, "serving-gpu": gpu}
    # Copied, since YAML would write shared values as anchors and aliases.
    plain = json.loads(json.dumps({"services": services}))
    return _HEADER + yaml.safe_dump(plain, sort_keys=False, width=100)


_HEALTH = {"interval": "10s", "timeout": "5s", "retries": 3, "start_period": "120s"}
_HEADER = """\
# TensorFlow Serving with the configuration files in this folder. Not tested by slr_keras, which had
# no container engine. Start: `docker compose up serving`, or `docker compose up serving-gpu`.
"""


def image(bases: Iterable[Path]) -> str:
    """The image of TensorFlow Serving: at least as new as the TensorFlow that exported the models.

    Args:
        bases: folders of the models; the newest version of each is read.

    >>> from export.serving.deployment import image
    >>> image([])
    'tensorflow/serving:2.19.0'
    """
    exported = [_tensorflow(Assets.load(base).description) for base in bases]
    major, minor = max([OLDEST, *exported])
    return f"{IMAGE}:{major}.{minor}.0"


def _tensorflow(description: Mapping[str, Any]) -> tuple[int, int]:
    """Major and minor version of the TensorFlow that exported a model; (0, 0) if not known."""
    match = re.match(r"(\d+)\.(\d+)", str(description.get("packages", {}).get("tensorflow")))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def probe(name: str) -> str:
    """Command in the container that checks the state of a model; the image has no curl."""
    request = rf"GET /v1/models/{name} HTTP/1.0\r\n\r\n"
    return (
        f"exec 3<>/dev/tcp/127.0.0.1/{REST_PORT} && printf '{request}' >&3 && "
        "grep -q '\"AVAILABLE\"' <&3"
    )


def commands(bases: Mapping[str, Path], to: Path, tagged: str) -> str:
    """The text of the file of commands."""
    first = next(iter(bases))
    mounts = [f'-v "{base.resolve()}:{_INSIDE}/{name}:ro"' for name, base in bases.items()]
    local = " ".join(f"--mount {base}:{_INSIDE}/{name}" for name, base in bases.items())
    docker = [
        "docker run --rm --gpus all",
        f"-p 127.0.0.1:{GRPC_PORT}:{GRPC_PORT} -p 127.0.0.1:{REST_PORT}:{REST_PORT}",
        f'-v "{to.resolve()}:{_CONFIG}:ro"',
        *mounts,
        f"{tagged}-gpu",
        *arguments(),
    ]
    lines: Sequence[str] = [
        "# Start TensorFlow Serving",
        "",
        "Not tested by slr_keras, which had no container engine. Leave out `--gpus all` and `-gpu`",
        "on a machine without a GPU.",
        "",
        "```console",
        "$ " + " \\\n    ".join(docker),
        "```",
        "",
        "Or run `docker compose up serving-gpu` in this folder, and `docker compose up serving`",
        "without a GPU. The image must not be older than the TensorFlow that exported the models;",
        "`TF_SERVING_IMAGE` names another. TensorFlow Serving checks no token and encrypts only",
        "gRPC (`--ssl_config_file`): use a proxy if others can reach the server.",
        "",
        "Without a container, for development and tests:",
        "",
        "```console",
        f"$ slr serve {to} {local}",
        "```",
        "",
        "# Check the server",
        "",
        "```console",
        f"$ slr client grpc://127.0.0.1:{GRPC_PORT}/{first} --ready 120",
        f"$ curl http://127.0.0.1:{REST_PORT}/v1/models/{first}",
        f"$ curl http://127.0.0.1:{REST_PORT}{METRICS_PATH}",
        "```",
        "",
        "# Move a label",
        "",
        "Publish the new version, then run `slr serving_config` again with `--stable`",
        "and `--canary`, and with `--to` this folder. TensorFlow Serving reads",
        f"`{MODELS}` every 30 seconds.",
    ]
    return as_started("\n".join(lines)) + "\n"
