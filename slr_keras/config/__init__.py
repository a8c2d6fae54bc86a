"""Recipes: frozen dataclasses read from YAML, with every key and value checked.

A recipe contains only the options that differ from the defaults::

    data: {folder: data/demo}
    model: {name: stark_small, options: {dropout: 0.2}}
    training: {epochs: 60}

`load_config(path, overrides)` reads it; `Config` in `schema.py` documents every field.
"""

from slr_keras.config.loading import (
    differences,
    load_config,
    override,
    parse_config,
    read_run_config,
    to_yaml,
)
from slr_keras.config.schema import (
    Config,
    DataConfig,
    DistributionConfig,
    ModelConfig,
    SelfDistillationConfig,
    TrainingConfig,
    TransductionConfig,
)

__all__ = [
    "Config",
    "DataConfig",
    "DistributionConfig",
    "ModelConfig",
    "SelfDistillationConfig",
    "TrainingConfig",
    "TransductionConfig",
    "differences",
    "load_config",
    "override",
    "parse_config",
    "read_run_config",
    "to_yaml",
]
