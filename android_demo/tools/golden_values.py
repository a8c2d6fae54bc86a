"""What the golden vectors share: how they are written, and a little language model."""

import base64
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.decoding import NgramLanguageModel

CLASSES = 7
TRAINING = ((2, 3, 4), (3, 4, 5), (6, 2), (2, 3), (2, 3, 4, 2), (5,))


def plain(value: Any) -> Any:
    """JSON values; float32 as short as they are."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist() if value.dtype != np.float32 else [*value])
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, np.float32):
        return float(str(value)) if np.isfinite(value) else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value


def packed(arrays) -> str:
    """Float32 one after another, little endian, base64."""
    return base64.b64encode(b"".join(np.asarray(a, "<f4").tobytes() for a in arrays)).decode()


def trained(order: int, digest: str = "") -> NgramLanguageModel | None:
    """The language model of an order; none of order 0."""
    return NgramLanguageModel.train(TRAINING, order, CLASSES, digest) if order else None


def written(language_model: NgramLanguageModel | None) -> Any:
    """What it is as JSON values."""
    if language_model is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        language_model.save(Path(folder) / "lm.json")
        return json.loads((Path(folder) / "lm.json").read_text())
