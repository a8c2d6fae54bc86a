"""What a speed benchmark runs: a recipe, its clips and its training step."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.config import Config
    from slr_keras.data.manifest import Manifest
    from slr_keras.data.pipeline import ClipDataset
    from slr_keras.data.vocabulary import Vocabulary

DEFAULT_MODEL = "stark_tiny"


def read_config(source: Path, model: str | None = None, batch: int | None = None) -> "Config":
    """The recipe of a file, or a recipe that trains `DEFAULT_MODEL` on a data folder.

    Args:
        source: recipe (.yaml) or data folder.
        model: replaces the recipe's model; its options become the defaults.
        batch: replaces the clips per batch.

    Raises:
        UserError: there is no such recipe or data folder.
    """
    from slr_keras.config import load_config, parse_config

    if source.is_dir():
        config = parse_config({"data": {"folder": str(source)}, "model": {"name": DEFAULT_MODEL}})
    elif source.is_file():
        config = load_config(source)
    else:
        raise UserError(f"{source}: no such recipe or data folder; give the path of either")
    if model:
        # Another model's options would not fit.
        named = dataclasses.replace(config.model, name=model, options={})
        config = dataclasses.replace(config, model=named)
    if batch:
        data = dataclasses.replace(config.data, batch_size=batch)
        config = dataclasses.replace(config, data=data)
    return config


def open_datasets(
    config: "Config", steps: int
) -> tuple["ClipDataset", "ClipDataset", "Vocabulary"]:
    """Training clips, evaluation clips for `steps` batches, and the vocabulary.

    A data folder without a dev split is evaluated on train.
    """
    from slr_keras.training.data import open_run_data

    data = config.data
    if not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        data = dataclasses.replace(data, dev=data.train)
    config = dataclasses.replace(config, data=data)
    # The speed of a model of single signs is measured on sentences, too.
    run_data = open_run_data(config, output="glosses")
    dev = clips_of_all_lengths(run_data.dev, steps * data.batch_size)
    training, evaluation = run_data.training_dataset(), run_data.evaluation_dataset(dev)
    return training, evaluation, run_data.vocabulary


def clips_of_all_lengths(manifest: "Manifest", clips: int) -> "Manifest":
    """A number of clips at equal ranks of length; the first batches of a split are its shortest."""
    if clips >= len(manifest):
        return manifest
    ranks = [place * len(manifest) // clips for place in range(clips)]
    return manifest.subset(manifest.lengths.argsort(kind="stable")[ranks].tolist())


def training_step(
    model: "keras.Model", training: "ClipDataset", config: "Config"
) -> Callable[[dict], Any]:
    """The step that `fit` takes for a batch, on one device."""
    import tensorflow as tf

    from slr_keras.training.objectives.factory import make_objective
    from slr_keras.training.step import TrainingStep, make_optimiser

    step = TrainingStep(
        tf.distribute.get_strategy(),
        model,
        make_objective(model, config),
        make_optimiser(model, config.training),
        config.training,
        training.element_spec(),
    )
    return lambda batch: step(batch, config.training.learning_rate)
