"""The splits that a run needs, checked before anything is loaded."""

from pathlib import Path

from slr_keras.config.schema import DataConfig
from slr_keras.data.validation.samples import MAKE_SPLITS
from slr_keras.utils.errors import UserError


def require_splits(config: DataConfig) -> None:
    """Refuse a data folder without the train or the dev split of a recipe.

    Raises:
        UserError: the folder or a split does not exist; lists the splits of the folder, and says
            which command makes a dev split.

    >>> import dataclasses, pathlib, tempfile
    >>> from slr_keras.config.schema import DataConfig
    >>> from slr_keras.training.splits import require_splits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for split in ("train", "dev"):
    ...         pathlib.Path(folder, f"{split}.jsonl").touch()
    ...     require_splits(DataConfig(folder=folder))
    """
    for split in (config.train, config.dev):
        split_path(config, split)


def split_path(config: DataConfig, split: str) -> Path:
    """Path of the manifest of a split.

    Raises:
        UserError: the folder or the split does not exist.
    """
    folder = Path(config.folder)
    if not folder.is_dir():
        raise UserError(
            f"data.folder: {folder} does not exist; the README explains how to simulate or "
            "prepare data"
        )
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        available = ", ".join(sorted(p.stem for p in folder.glob("*.jsonl"))) or "none"
        advice = f"; {MAKE_SPLITS}" if split == config.dev and available == config.train else ""
        raise UserError(f"{path}: no such split; the folder has: {available}{advice}")
    return path
