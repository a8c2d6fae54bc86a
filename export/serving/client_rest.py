"""REST client."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.serving.client import Client, RetryableError, Settings, Target
from export.serving.tensors import to_json

_TRY_AGAIN = (429, 502, 503)
_DTYPES = {"DT_FLOAT": np.float32, "DT_INT32": np.int32, "DT_INT64": np.int64}


class RestClient(Client):
    """Client for the REST interface.

    Scores are sent as decimal numbers; gRPC is several times faster.

    Args:
        target: the model.
        settings: of the client.
    """

    def __init__(self, target: Target, settings: Settings):
        super().__init__(target, settings)
        import requests

        self._outputs: dict[str, dict[str, Any]] | None = None
        self._session = requests.Session()
        # Ignores proxies and passwords of the environment: only the URL decides the target.
        self._session.trust_env = False
        self._session.verify = str(settings.authority) if settings.authority else True
        self._session.headers["Content-Type"] = "application/json"
        if settings.token:
            self._session.headers["Authorization"] = f"Bearer {settings.token}"
        version = "" if target.version is None else f"/versions/{target.version}"
        label = "" if target.label is None else f"/labels/{target.label}"
        self._url = f"{target.scheme}://{target.address}/v1/models/{target.model}{version}{label}"

    def close(self) -> None:
        """See `Client`."""
        self._session.close()

    def _predict(self, inputs: Mapping[str, np.ndarray], signature: str) -> dict[str, np.ndarray]:
        body = {
            "signature_name": signature,
            "inputs": {name: to_json(np.asarray(value)) for name, value in inputs.items()},
        }
        dtypes = self._dtypes(signature)
        outputs = self._call("POST", f"{self._url}:predict", body)["outputs"]
        if len(dtypes) == 1:
            # The response omits the name of a single output.
            outputs = {next(iter(dtypes)): outputs}
        return {name: np.array(value, dtypes.get(name)) for name, value in outputs.items()}

    def _dtypes(self, signature: str) -> dict[str, np.dtype]:
        """Dtypes of the outputs of a signature, which JSON omits."""
        if self._outputs is None:
            metadata = self._call("GET", f"{self._url}/metadata")["metadata"]["signature_def"]
            self._outputs = {
                name: {
                    key: _DTYPES.get(tensor["dtype"])
                    for key, tensor in signature["outputs"].items()
                }
                for name, signature in metadata["signature_def"].items()
            }
        return self._outputs.get(signature, {})

    def _states(self) -> dict[int, str]:
        entries = self._call("GET", self._url)["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in entries}

    def _call(self, method: str, url: str, body: Any = None) -> Any:
        import requests

        try:
            # The encoder of the library refuses NaN, which marks missing points.
            data = None if body is None else json.dumps(body).encode()
            response = self._session.request(method, url, data=data, timeout=self.settings.timeout)
            value = response.json()
        except requests.exceptions.SSLError as error:
            raise self.refused(f"no secure connection ({_reason(error)})") from None
        except requests.exceptions.ReadTimeout:
            raise self.refused(f"no response within {self.settings.timeout:g} s") from None
        except requests.exceptions.JSONDecodeError:
            value = {"error": response.text[:200]}
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise RetryableError(f"cannot be reached ({_reason(error)})") from None
        except requests.exceptions.RequestException as error:
            raise self.refused(_reason(error)) from None
        if response.ok:
            return value
        message = value.get("error") if isinstance(value, dict) else None
        message = message or f"status {response.status_code}"
        if response.status_code in _TRY_AGAIN:
            raise RetryableError(f"is overloaded ({message})")
        raise self.refused(message)


def _reason(error: BaseException) -> str:
    """Message of the innermost of several chained errors."""
    cause = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
