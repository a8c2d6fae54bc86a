"""The client's REST side."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.serving.client import Again, Client, Settings, Target
from export.serving.tensors import to_json

_TRY_AGAIN = (429, 502, 503)
_DTYPES = {"DT_FLOAT": np.float32, "DT_INT32": np.int32, "DT_INT64": np.int64}


class RestClient(Client):
    """Speaks REST; scores travel as decimal numbers, so that gRPC is several times faster."""

    def __init__(self, target: Target, settings: Settings):
        super().__init__(target, settings)
        import requests

        self._outputs: dict[str, dict[str, Any]] | None = None
        self._session = requests.Session()
        # Neither proxies nor passwords of the environment: what is asked is what was named.
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
        found = self._asked("POST", f"{self._url}:predict", body)["outputs"]
        if len(dtypes) == 1:
            # The one output of a signature comes without its name.
            found = {next(iter(dtypes)): found}
        return {name: np.array(value, dtypes.get(name)) for name, value in found.items()}

    def _dtypes(self, signature: str) -> dict[str, np.dtype]:
        """Of the outputs of a signature, which JSON does not say."""
        if self._outputs is None:
            found = self._asked("GET", f"{self._url}/metadata")["metadata"]["signature_def"]
            self._outputs = {
                name: {key: _DTYPES.get(it["dtype"]) for key, it in of["outputs"].items()}
                for name, of in found["signature_def"].items()
            }
        return self._outputs.get(signature, {})

    def _states(self) -> dict[int, str]:
        found = self._asked("GET", self._url)["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in found}

    def _asked(self, method: str, url: str, body: Any = None) -> Any:
        import requests

        try:
            # Written here, for the library refuses NaN: a point that was not seen.
            data = None if body is None else json.dumps(body).encode()
            answer = self._session.request(method, url, data=data, timeout=self.settings.timeout)
            value = answer.json()
        except requests.exceptions.SSLError as error:
            raise self.refused(f"no secure connection ({_reason(error)})") from None
        except requests.exceptions.ReadTimeout:
            raise self.refused(f"no answer within {self.settings.timeout:g} s") from None
        except requests.exceptions.JSONDecodeError:
            value = {"error": answer.text[:200]}
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise Again(f"cannot be reached ({_reason(error)})") from None
        except requests.exceptions.RequestException as error:
            raise self.refused(_reason(error)) from None
        if answer.ok:
            return value
        message = value.get("error") if isinstance(value, dict) else None
        message = message or f"status {answer.status_code}"
        if answer.status_code in _TRY_AGAIN:
            raise Again(f"is not able to answer ({message})")
        raise self.refused(message)


def _reason(error: BaseException) -> str:
    """What lies at the bottom of an error that wraps others."""
    seen = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
