"""Served versions: found on disk, loaded, switched and unloaded while requests arrive.

A new version is loaded and warmed up before the old one is unloaded. A version that cannot be
loaded changes nothing for clients, and its state is an error.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from export.graph.publication import MANIFEST, versions
from export.serving.batching import Batcher
from export.serving.config import Batching, Model, read_models
from export.serving.failure import ServingError
from export.serving.metrics import Metrics
from export.serving.model import ServedModel
from slr_keras.utils.errors import UserError

_LOG = logging.getLogger("slr_keras.serving")
# States of a version, by the names and order of ModelVersionStatus.
LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"


@dataclass(frozen=True)
class State:
    """State of a version, with the code and message of an error."""

    state: str
    code: str = "OK"
    message: str = ""


@dataclass(frozen=True)
class Served:
    """A version that serves requests."""

    name: str
    version: int
    batcher: Batcher


class Repository:
    """The models of a `models.config`, synchronised with the folders on disk.

    Args:
        config: path of the `models.config`, which is read again after changes.
        batching: parameters of the batches; None runs every request alone.
        metrics: count the batches.
        mounts: folder of a `base_path` → folder on this machine, like the option `-v` of docker.
        threads: of TensorFlow's operations; 0 for one thread a core.

    Raises:
        UserError: the config is not valid, or the folder of a model is missing.
    """

    def __init__(
        self,
        config: str | Path,
        batching: Batching | None,
        metrics: Metrics,
        mounts: Mapping[str, Path] | None = None,
        threads: int = 0,
    ):
        self._config, self._batching, self._metrics = Path(config), batching, metrics
        self._mounts, self._threads = dict(mounts or {}), threads
        self._models: dict[str, Model] = {}
        self._served: dict[str, dict[int, Served]] = {}
        self._states: dict[str, dict[int, State]] = {}
        self._failed: dict[tuple[str, int], tuple] = {}
        self._config_stamp: object = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._read_config()
        for model in self._models.values():
            if not self._folder(model).is_dir():
                raise UserError(
                    f"{self._config}: the base_path {model.base_path} of {model.name} is no "
                    f"folder on this machine; pass --mount FOLDER:{model.base_path}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(self._models)

    def scan(self) -> None:
        """Load new versions that the config asks for, then unload the others."""
        self._reread_config()
        for model in self._models.values():
            folder = self._folder(model)
            wanted = model.wanted(versions(folder))
            for version in wanted:
                self._load(model.name, folder / str(version), version)
            served = self._served.get(model.name, {})
            if any(version in served for version in wanted):
                for version in set(served).difference(wanted):
                    self._unload(model.name, version)
        for name in [name for name in self._served if name not in self._models]:
            for version in list(self._served[name]):
                self._unload(name, version)
            del self._served[name]

    def watch(self, seconds: float) -> None:
        """Scan repeatedly in a thread until `close`.

        Args:
            seconds: between two scans.
        """

        def work() -> None:
            while not self._stop.wait(seconds):
                try:
                    self.scan()
                except Exception:
                    _LOG.exception("the scan for versions failed; the served versions stay")

        self._thread = threading.Thread(target=work, name="versions", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Run the waiting requests, then unload all versions."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for name, served in self._served.items():
            for version in list(served):
                self._unload(name, version)

    def find(self, name: str, version: int | None = None, label: str | None = None) -> Served:
        """The version that a request asks for; by default the newest served version.

        Raises:
            ServingError: the model, version or label is unknown, or not served now.
        """
        self._require(name)
        served = self._served.get(name, {})
        if label is not None:
            labels = self._models[name].labels
            if label not in labels:
                known = ", ".join(sorted(labels)) or "none"
                raise ServingError("NOT_FOUND", f"{name} has no label {label!r}; it has {known}")
            version = labels[label]
        if version is None:
            if not served:
                raise ServingError("UNAVAILABLE", f"no version of {name} is loaded; see its status")
            version = max(served)
        if version not in served:
            available = ", ".join(map(str, sorted(served))) or "none"
            raise ServingError(
                "NOT_FOUND", f"{name} {version} is not served; served versions: {available}"
            )
        return served[version]

    def status(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> dict[int, State]:
        """States by version, newest first, of all versions or the one that is asked for.

        Raises:
            ServingError: the model, version or label is unknown.
        """
        self._require(name)
        if label is not None:
            version = self._models[name].labels.get(label)
            if version is None:
                raise ServingError("NOT_FOUND", f"{name} has no label {label!r}")
        states = dict(sorted(self._states.get(name, {}).items(), reverse=True))
        if version is None:
            return states
        if version not in states:
            raise ServingError("NOT_FOUND", f"{name} has no version {version}")
        return {version: states[version]}

    def _require(self, name: str) -> None:
        if name not in self._models:
            raise ServingError(
                "NOT_FOUND", f"there is no model {name!r}; served models: {', '.join(self._models)}"
            )

    def _load(self, name: str, folder: Path, version: int) -> None:
        if version in self._served.get(name, {}):
            return
        fingerprint = _fingerprint(folder)
        if self._failed.get((name, version)) == fingerprint:
            return
        self._set_state(name, version, State(LOADING))
        try:
            model = ServedModel(folder, self._threads)
            warmed = model.warm_up()
            batcher = Batcher(model, self._batching, self._metrics, name)
        except Exception as error:
            # The next try waits until the files change.
            self._failed[name, version] = fingerprint
            _LOG.error("%s %s is not served: %s", name, version, error)
            self._set_state(
                name,
                version,
                State(END, "FAILED_PRECONDITION", "cannot be loaded; see the log of the server"),
            )
            return
        served = self._served.get(name, {})
        # A new dictionary, since other threads read it without a lock.
        self._served[name] = {**served, version: Served(name, version, batcher)}
        self._set_state(name, version, State(AVAILABLE))
        _LOG.info("%s %s is served, after %s warm-up requests", name, version, warmed)

    def _unload(self, name: str, version: int) -> None:
        served = dict(self._served[name])
        unloaded = served.pop(version)
        self._served[name] = served
        self._set_state(name, version, State(UNLOADING))
        unloaded.batcher.close()
        self._set_state(name, version, State(END))
        _LOG.info("%s %s is unloaded", name, version)

    def _set_state(self, name: str, version: int, state: State) -> None:
        self._states[name] = {**self._states.get(name, {}), version: state}

    def _read_config(self) -> None:
        stamp = _stamp(self._config)
        models = read_models(self._config)
        self._models = {model.name: model for model in models}
        self._config_stamp = stamp

    def _reread_config(self) -> None:
        if _stamp(self._config) == self._config_stamp:
            return
        try:
            self._read_config()
            _LOG.info("%s has changed and was read", self._config)
        except UserError as error:
            self._config_stamp = _stamp(self._config)
            _LOG.error("%s; the served models stay", error)

    def _folder(self, model: Model) -> Path:
        for inside, outside in self._mounts.items():
            inside = inside.rstrip("/")
            if model.base_path == inside or model.base_path.startswith(f"{inside}/"):
                return outside / model.base_path.removeprefix(inside).lstrip("/")
        return self._config.parent / model.base_path


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _fingerprint(folder: Path) -> tuple:
    """A value that changes with the files of a version."""
    files = (folder, folder / "saved_model.pb", folder / MANIFEST)
    return tuple(_stamp(file) for file in files)
