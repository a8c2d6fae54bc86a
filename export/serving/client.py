"""Clients of TensorFlow Serving and of `slr serve`: target, settings and retries."""

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
from slr_keras.utils.failures import reason_of

SCHEMES = {"http": 8501, "https": 8501, "grpc": 8500, "grpcs": 8500}
_PATH = re.compile(
    r"(?:/v1/models)?/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?/?"
)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Target:
    """The target of a URL.

    Attributes:
        url: for messages.
        scheme: http, https, grpc or grpcs.
        host, port: of the server.
        model: name of the model.
        version, label: of the model; the newest version by default.

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
        """Parse `SCHEME://HOST[:PORT]/MODEL[/versions/N | /labels/L]`.

        Raises:
            UserError: the URL has another form.
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
                "://HOST[:PORT]/MODEL, with /versions/N or /labels/L at the end for one version"
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
        """Host and port in the notation of both protocols."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """Settings of a client.

    Attributes:
        timeout: seconds of a request.
        retries: number of retries if the server is unreachable or overloaded.
        first_pause: seconds before the first retry. Pauses double up to 5 seconds, and each is
            shortened at random, so that clients do not retry at the same time.
        token: sent as `Authorization: Bearer TOKEN`.
        authority: PEM file of the certificate authority; None for those of the system.
    """

    timeout: float = 60.0
    retries: int = 5
    first_pause: float = 0.1
    token: str | None = None
    authority: Path | None = None


class RetryableError(Exception):
    """A request failed, and a retry may succeed."""


class Client(ABC):
    """Sends requests to one served model; for `with` blocks, and for one thread at a time.

    Args:
        target: the model.
        settings: of the client.
    """

    def __init__(self, target: Target, settings: Settings):
        self.target, self.settings = target, settings

    def predict(
        self, inputs: Mapping[str, np.ndarray], signature: str = "serving_default"
    ) -> dict[str, np.ndarray]:
        """Outputs of a signature by name.

        Args:
            inputs: arrays by name, with the clips along the first axis.
            signature: name of the signature.

        Raises:
            UserError: the server cannot be reached, refuses the request, or fails.
        """
        return self._with_retries(lambda: self._predict(inputs, signature))

    def states(self) -> dict[int, str]:
        """State of each version of the model, such as `AVAILABLE`.

        Raises:
            UserError: the server cannot be reached or does not have the model.
        """
        return self._with_retries(self._states)

    def is_ready(self) -> bool:
        """Whether the version of the target, or any version by default, is available."""
        try:
            return "AVAILABLE" in self._states().values()
        except Exception:
            return False

    def wait_until_ready(self, seconds: float) -> None:
        """Return when the model is available.

        Raises:
            UserError: the model is not available after `seconds`; gives the reason.
        """
        end = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > end:
                raise UserError(
                    f"{self.target.url}: not ready after {seconds:g} s; {self._reason()}"
                )
            time.sleep(0.2)

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    @abstractmethod
    def _predict(self, inputs: Mapping[str, np.ndarray], signature: str) -> dict[str, np.ndarray]:
        """One attempt; raises `RetryableError` or `UserError`."""

    @abstractmethod
    def _states(self) -> dict[int, str]:
        """One attempt; raises `RetryableError` or `UserError`."""

    def _reason(self) -> str:
        try:
            states = self._states()
        except Exception as error:
            return str(error).removeprefix(f"{self.target.url}: ") or type(error).__name__
        return ", ".join(f"version {version} {state}" for version, state in states.items())

    def _with_retries(self, request: Callable[[], Result]) -> Result:
        pause = self.settings.first_pause
        for left in range(self.settings.retries, -1, -1):
            try:
                return request()
            except RetryableError as error:
                if not left:
                    attempts = self.settings.retries + 1
                    raise UserError(
                        f"{self.target.url}: {error}, {attempts} time{'s' * (attempts > 1)}; check "
                        "that the server runs and that it can handle the number of requests"
                    ) from None
            except UserError:
                raise
            except Exception as error:
                # What is no answer of a server makes readers raise nearly anything.
                raise self.refused(f"its answer cannot be read ({reason_of(error)})") from error
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, 5.0)
        raise AssertionError("unreachable")

    def refused(self, message: str) -> UserError:
        """The error of a response that no retry can change."""
        return UserError(f"{self.target.url}: {message}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
