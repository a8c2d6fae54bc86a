"""Runs whose weights are drawn at random: nothing is trained."""

import numpy as np

from slr_keras.config import parse_config
from slr_keras.config.loading import to_yaml
from slr_keras.training.data import open_run_data
from slr_keras.training.folder import RunFolder
from slr_keras.training.model import build_model
from slr_keras.training.run import write_description
from slr_keras.utils.arrays import save_arrays
from slr_keras.utils.files import write_text


def drawn_run(folder, tree):
    """A run folder as `fit` leaves it, whose weights are drawn at random.

    Args:
        folder: of the run; made.
        tree: the recipe as nested mappings; its data folder exists.

    Returns:
        The path of the run.
    """
    config = parse_config(tree)
    run_data = open_run_data(config)
    model = build_model(config, len(run_data.vocabulary), run_data.contract)
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        # Far enough from the initial values that different clips give different glosses.
        variable.assign(variable + generator.normal(0, 0.1, variable.shape))
    run = RunFolder(folder)
    run.best.parent.mkdir(parents=True)
    write_text(run.config, to_yaml(config))
    write_description(run, config, run_data, model.count_params())
    save_arrays(run.best, {"model": model.variables}, {"epoch": 1, "wer": 100.0})
    return run.path
