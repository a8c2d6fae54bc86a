"""A run from its recipe to the scores of its best weights."""

from slr_keras.config import Config
from slr_keras.training.distribution import is_chief, wait_for_all
from slr_keras.training.evaluation import Evaluation
from slr_keras.training.final_evaluation import evaluate_best_weights
from slr_keras.training.folder import RunFolder
from slr_keras.training.run import Run
from slr_keras.training.trainer import train


def complete_run(config: Config, folder: RunFolder, command: list[str]) -> Evaluation | None:
    """Train a recipe or continue its run, and score the best weights on dev.

    Args:
        config: the recipe.
        folder: run folder, claimed for this config (`RunFolder.claimed`).
        command: the user's command line, for the report.

    Returns:
        The scores; None on a machine that is not the chief.
    """
    strategy = train(config, folder)
    chief = is_chief(config.distribution)
    evaluation = evaluate_best_weights(Run.load(folder.path), command) if chief else None
    wait_for_all(strategy)
    return evaluation
