"""A client of TensorFlow Serving, or of `export.serve`: REST or gRPC by the URL's scheme."""

import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np

from slr_keras.utils.errors import UserError

SCHEMES = {"http": 8501, "https": 8501, "grpc": 8500, "grpcs": 8500}
_PATH = re.compile(
    r"(?:/v1/models)?/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?/?"
)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Target:
    """What a URL names.

    Attributes:
        url: as given, for messages.
        scheme: http, https, grpc or grpcs.
        host, port: of the server.
        model: its name; version, label: which of its versions, the newest by default.

    >>> from export.serving.client import Target
    >>> target = Target.parse("grpc://127.0.0.1/stark/labels/canary")
    >>> target.port, target.model, target.label
    (8500, 'stark', 'canary')
    >>> Target.parse("https://signs.example/v1/models/ustm/versions/3").version
    3
    """

    url: str
    scheme: str
    host: str
    port: int
    model: str
    version: int | None = None
    label: str | None = None

    @classmethod
    def parse(cls, url: str) -> "Target":
        """The parts of `SCHEME://HOST[:PORT]/MODEL[/versions/N | /labels/L]`.

        Raises:
            UserError: it is no such URL.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        path = _PATH.fullmatch(parts.path)
        if parts.scheme not in SCHEMES or not parts.hostname or not path:
            raise UserError(
                f"{url}: not the URL of a served model; give {'|'.join(SCHEMES)}"
                "://HOST[:PORT]/MODEL, and /versions/N or /labels/L after it for one version"
            )
        version = path["version"]
        return cls(
            url,
            parts.scheme,
            parts.hostname,
            port or SCHEMES[parts.scheme],
            path["model"],
            None if version is None else int(version),
            path["label"],
        )

    @property
    def address(self) -> str:
        """Host and port, as both protocols write them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """How a client asks.

    Attributes:
        timeout: seconds of a request.
        retries: further tries where the server is not there, or has too much to do.
        first_pause: seconds before the first of them; each pause doubles the one before, up to 5
            seconds, and is shortened at random lest all clients come back together.
        token: sent as `Authorization: Bearer TOKEN`.
        authority: PEM file of who signed the server's certificate; None for the system's.
    """

    timeout: float = 60.0
    retries: int = 5
    first_pause: float = 0.1
    token: str | None = None
    authority: Path | None = None


class Again(Exception):
    """A try that failed in a way that another may not; says what was wrong."""


class Client(ABC):
    """Asks one served model; a context manager, and to be used by one thread at a time.

    Args:
        target: which model, where.
        settings: how to ask.
    """

    def __init__(self, target: Target, settings: Settings):
        self.target, self.settings = target, settings

    def predict(
        self, inputs: Mapping[str, np.ndarray], signature: str = "serving_default"
    ) -> dict[str, np.ndarray]:
        """The outputs of a signature, by name.

        Args:
            inputs: by name, the clips along the first axis.
            signature: its name.

        Raises:
            UserError: the server cannot be reached, refuses the request, or failed.
        """
        return self._patiently(lambda: self._predict(inputs, signature))

    def states(self) -> dict[int, str]:
        """State of each version of the model, such as `AVAILABLE`.

        Raises:
            UserError: the server cannot be reached, or has no such model.
        """
        return self._patiently(self._states)

    def is_ready(self) -> bool:
        """Whether the version that is asked for, or any if none is, answers requests now."""
        try:
            return "AVAILABLE" in self._states().values()
        except (Again, UserError):
            return False

    def wait_until_ready(self, seconds: float) -> None:
        """Return when the model answers requests.

        Raises:
            UserError: it does not after so many seconds; says what was in the way.
        """
        end = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > end:
                raise UserError(f"{self.target.url}: not ready after {seconds:g} s; {self._why()}")
            time.sleep(0.2)

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    @abstractmethod
    def _predict(self, inputs: Mapping[str, np.ndarray], signature: str) -> dict[str, np.ndarray]:
        """One try; raises `Again` or `UserError`."""

    @abstractmethod
    def _states(self) -> dict[int, str]:
        """One try; raises `Again` or `UserError`."""

    def _why(self) -> str:
        try:
            states = self._states()
        except (Again, UserError) as error:
            return str(error).removeprefix(f"{self.target.url}: ")
        return ", ".join(f"version {version} {state}" for version, state in states.items())

    def _patiently(self, ask: Callable[[], Result]) -> Result:
        pause = self.settings.first_pause
        for left in range(self.settings.retries, -1, -1):
            try:
                return ask()
            except Again as error:
                if not left:
                    tries = self.settings.retries + 1
                    raise UserError(
                        f"{self.target.url}: {error}, {tries} time{'s' * (tries > 1)}; is the "
                        "server there, and is it enough for so many requests?"
                    ) from None
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, 5.0)
        raise AssertionError("unreachable")

    def refused(self, message: str) -> UserError:
        """The error for an answer that another try would not change."""
        return UserError(f"{self.target.url}: {message}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
