"""`slr evaluate` with a bundle."""

import argparse

from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.scoring import recipe_of, score_bundle
from slr_keras.config import override
from slr_keras.utils.failures import Failures
from slr_keras.utils.progress import clip_bar


def evaluate_bundle(options: argparse.Namespace) -> int:
    """Score a bundle on a split, and print the scores.

    Args:
        options: of `slr evaluate`.

    Returns:
        The exit code of the command.

    Raises:
        UserError: an option does not fit the bundle, or the split cannot be read.
    """
    from slr_keras.training import split_scoring as scoring
    from slr_keras.training.report import plain_table
    from slr_keras.training.score_output import print_scores

    bundle = Bundle.load(options.run)
    precision = bundle.chosen(options.precision)
    recipe = scoring.override_decoding(recipe_of(bundle), options.set)
    if options.scoring:
        recipe = override(recipe, [f"data.scoring={options.scoring}"])
    split = options.split or recipe.data.test
    changes = scoring.ClipChanges(options.drop_points, options.drop_hand, options.seed)
    cases = scoring.open_cases(recipe.data, split, options.data, changes, options.turn)
    manifest = cases[0][1]
    failures = Failures()
    with clip_bar(len(cases) * len(manifest), "evaluating", hidden=options.json) as advance:
        evaluations = [
            score_bundle(bundle, m, recipe, precision, advance, failures) for _, m in cases
        ]
    cost = scoring.turn_cost(options.turn, evaluations)
    value = {"split": split, "precision": precision, **changes.facts()}
    value["sets"] = evaluations[0].summary()
    table = [f"{manifest.path}, {len(manifest)} clips, {precision}", plain_table(evaluations[0])]
    return print_scores(options.json, value, table, cost, failures)
