"""Teachers of a run: trained runs whose probabilities the model learns, too."""

from slr_keras.config import Config
from slr_keras.training.data import RunData
from slr_keras.training.objectives.base import Objective
from slr_keras.training.objectives.taught import TaughtObjective
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError


def with_teachers(objective: Objective, config: Config, run_data: RunData) -> Objective:
    """Mix the teachers that a recipe names into an objective; without any, return it unchanged.

    Raises:
        UserError: a teacher does not exist, or has other classes, inputs or output than this run.
    """
    settings = config.training
    if not settings.teachers:
        return objective
    runs = [Run.load(path) for path in settings.teachers]
    from slr_keras.models.registry import family_of

    output = family_of(config.model.name).output
    for run in runs:
        here = f"training.teachers: {run.path}"
        run.vocabulary.require_same(run_data.vocabulary, here, config.data.folder)
        run.contract.require_compatible(run_data.contract, here, config.data.folder)
        if run.output != output:
            raise UserError(f"{here} gives {run.output}, but this model gives {output}")
    models = [run.model() for run in runs]
    return TaughtObjective(objective, models, settings.teacher_weight, settings.teacher_temperature)
