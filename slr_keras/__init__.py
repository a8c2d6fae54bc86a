"""Sign language recognition in TensorFlow and Keras 3: from keypoints or video to glosses.

The public names are listed here, once, and are imported when first used (PEP 562), so that
`import slr_keras` and every command's `--help` start without TensorFlow.

>>> import slr_keras
>>> slr_keras.UserError.__module__
'slr_keras.utils.errors'
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Name -> the module that defines it; __init__.pyi has the same names for type checkers.
_PUBLIC = {
    "UserError": "slr_keras.utils.errors",
    # Data: clips on disk, their glosses, what their points mean.
    "FolderWriter": "slr_keras.data.manifest",
    "Manifest": "slr_keras.data.manifest",
    "read_folder": "slr_keras.data.manifest",
    "read_manifest": "slr_keras.data.manifest",
    "write_manifest": "slr_keras.data.manifest",
    "Sample": "slr_keras.data.sample",
    "Vocabulary": "slr_keras.data.vocabulary",
    "KeypointLayout": "slr_keras.data.layout",
    "layout": "slr_keras.data.layout",
    "list_layouts": "slr_keras.data.layout",
    "KeypointContract": "slr_keras.data.contract",
    "contract": "slr_keras.data.contract",
    "ClipDataset": "slr_keras.data.pipeline",
    "ClipOptions": "slr_keras.data.loaders.options",
    # Models and losses.
    "create_model": "slr_keras.models.registry",
    "list_models": "slr_keras.models.registry",
    "ctc_loss": "slr_keras.losses",
    "distillation_loss": "slr_keras.losses",
    "ensemble_log_probabilities": "slr_keras.losses",
    # From frame-wise scores to glosses.
    "DecodingConfig": "slr_keras.decoding",
    "Hypothesis": "slr_keras.decoding",
    "NgramLanguageModel": "slr_keras.decoding",
    "decode_batch": "slr_keras.decoding",
    "greedy": "slr_keras.decoding",
    "prefix_beam": "slr_keras.decoding",
    # Scoring.
    "align": "slr_keras.metrics.alignment",
    "bootstrap_interval": "slr_keras.metrics.wer",
    "word_error_rate": "slr_keras.metrics.wer",
    # Trained models.
    "Recogniser": "slr_keras.enrolment.recogniser",
    "Recognition": "slr_keras.recognition.recogniser",
    "Run": "slr_keras.training.run",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'slr_keras' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
