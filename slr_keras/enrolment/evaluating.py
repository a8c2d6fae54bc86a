"""`slr evaluate` with enrolled signs."""

import argparse

from slr_keras.enrolment.evaluation import answered, as_text, enrolment_scores
from slr_keras.enrolment.model import EnrolledModel
from slr_keras.enrolment.recordings import find_recordings
from slr_keras.recognition.modality.base import Overrides
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.progress import clip_bar

# Options of `slr evaluate` for trained models, and their command-line names.
_OTHERS = ("set", "drop_points", "drop_hand", "turn", "scoring", "precision")


def evaluate_enrolled(options: argparse.Namespace) -> int:
    """Score enrolled signs on clips, and print the scores.

    Args:
        options: of `slr evaluate`.

    Returns:
        The exit code of the command.

    Raises:
        UserError: an option does not go with enrolled signs, or no clip can be scored.
    """
    for name in _OTHERS:
        if getattr(options, name):
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"{option}: does not go with enrolled signs; remove it")
    if not options.data:
        raise UserError(f"{options.run}: name the clips to score with --data FOLDER")
    model = EnrolledModel.load(options.run, options.encoder, options.accept)
    failures, overrides = Failures(), Overrides()
    recordings = find_recordings(
        [options.data], model.contract, options.split or "test", overrides, failures, rest=True
    )
    with clip_bar(len(recordings), "evaluating", hidden=options.json) as advance:
        signs, answers = answered(model, recordings, overrides, failures, advance)
    scores = enrolment_scores(model.enrolment.signs, signs, answers)
    print(as_text(scores, f"{options.data}, {len(answers)} clips", model, options.json))
    return failures.report(f"{failures.summary()} and left out of the scores")
