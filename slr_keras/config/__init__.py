"""What a run is made of: frozen dataclasses, read from YAML, checked to the last key.

A recipe names only what differs from the defaults::

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
