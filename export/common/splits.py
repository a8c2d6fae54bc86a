"""Splits of a data folder that an export reads: for verification and for calibration."""

import dataclasses

from slr_keras.config.schema import DataConfig
from slr_keras.data.manifest import Manifest


def data_config(data: DataConfig, folder: str | None) -> DataConfig:
    """The data section of a recipe, with another folder if the user names one."""
    return dataclasses.replace(data, folder=folder) if folder else data


def first_clips(manifest: Manifest, clips: int | None) -> Manifest:
    """The first clips of a split; all if `clips` is None or 0."""
    return manifest.subset(range(min(clips, len(manifest)))) if clips else manifest
