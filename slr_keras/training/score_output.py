"""Print the scores of `slr evaluate`, and then the clips that failed."""

import json
from collections.abc import Sequence
from typing import Any

from slr_keras.metrics.turn_cost import TurnCost
from slr_keras.utils.failures import Failures


def print_scores(
    as_json: bool,
    value: dict[str, Any],
    table: Sequence[str],
    cost: TurnCost | None,
    failures: Failures,
    written: object = "",
) -> int:
    """Print scores as JSON or as a table, and then the clips that were left out.

    Args:
        as_json: print JSON.
        value: the scores for JSON; the clips that failed are added as `errors`.
        table: lines of the table.
        cost: what a turned body costs.
        failures: clips that could not be read, once for each time that the split was scored.
        written: path of what was written.

    Returns:
        The exit code of the command.
    """
    failed = failures.unique()
    if as_json:
        turn = {"turn": cost.as_json()} if cost else {}
        errors = {"errors": failed.as_json()} if failed else {}
        print(json.dumps(value | errors | turn, indent=2, ensure_ascii=False))
    else:
        parts = ["\n".join(table), cost.plain_text() if cost else "", str(written)]
        print("\n\n".join(filter(None, parts)))
    return failed.report(f"{failed.summary()} and left out of the scores")
