"""Workload of the speed benchmark: a recipe, its clips and its training step."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from slr_keras.config import Config
    from slr_keras.data.manifest import Manifest
    from slr_keras.data.pipeline import ClipDataset
    from slr_keras.data.vocabulary import Vocabulary

DEFAULT_MODEL = "stark_tiny"


def read_config(source: Path, model: str | None = None, batch: int | None = None) -> "Config":
    """Read a recipe, or create a recipe that trains `DEFAULT_MODEL` on a data folder.

    Args:
        source: recipe (file or name) or data folder.
        model: replaces the recipe's model and resets the options of the model.
        batch: replaces the number of clips per batch.

    Raises:
        UserError: the recipe or data folder does not exist.
    """
    from slr_keras.config import load_config, parse_config
    from slr_keras.config.recipes import find_recipe

    if source.is_dir():
        config = parse_config({"data": {"folder": str(source)}, "model": {"name": DEFAULT_MODEL}})
    else:
        config = load_config(find_recipe(source, "recipe or data folder"))
    if model:
        # The options of another model would not fit.
        named = dataclasses.replace(config.model, name=model, options={})
        config = dataclasses.replace(config, model=named)
    if batch:
        data = dataclasses.replace(config.data, batch_size=batch)
        config = dataclasses.replace(config, data=data)
    return config


def open_datasets(
    config: "Config", steps: int
) -> tuple["ClipDataset", "ClipDataset", "Vocabulary"]:
    """Training dataset, evaluation dataset of `steps` batches, and vocabulary.

    In a data folder without a dev split, the evaluation dataset is taken from train.
    """
    from slr_keras.training.data import open_run_data

    data = config.data
    if not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        data = dataclasses.replace(data, dev=data.train)
    config = dataclasses.replace(config, data=data)
    # Sentences serve to measure the speed of models of isolated signs, too.
    run_data = open_run_data(config, output="glosses")
    dev = clips_of_all_lengths(run_data.dev, steps * data.batch_size)
    training, evaluation = run_data.training_dataset(), run_data.evaluation_dataset(dev)
    return training, evaluation, run_data.vocabulary


def clips_of_all_lengths(manifest: "Manifest", clips: int) -> "Manifest":
    """A number of clips evenly spread over the ranks of length.

    The first batches of a split would hold its shortest clips only.
    """
    if clips >= len(manifest):
        return manifest
    ranks = [place * len(manifest) // clips for place in range(clips)]
    return manifest.subset(manifest.lengths.argsort(kind="stable")[ranks].tolist())


def training_step(
    model: "keras.Model", training: "ClipDataset", config: "Config"
) -> Callable[[dict], Any]:
    """The training step of `fit`, on one device."""
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
