"""Compare two trained runs on the same clips."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from slr_keras.comparison.comparison import Comparison
from slr_keras.comparison.recognised import (
    Recognised,
    open_split,
    recognise,
    require_comparable,
)
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError


def compare_runs(
    runs: Sequence[Run],
    split: str | None,
    folder: str | None,
    sample: str | None,
    bar: Callable[[int], AbstractContextManager[Callable[[int], None]]],
) -> tuple[Comparison, tuple[Recognised, Recognised]]:
    """Recognise a split with two runs, each decoded as its recipe says, and compare the results.

    Args:
        runs: two.
        split: name; None for the test split of both recipes.
        folder: data folder that replaces the recipes'.
        sample: id or number of a clip that must be in the split.
        bar: makes a progress bar for a number of clips.

    Raises:
        UserError: the recipes name different test splits, the runs cannot be compared, or there is
            no such clip.
    """
    splits = {run.config.data.test for run in runs}
    if not split and len(splits) > 1:
        raise UserError(
            f"the runs' recipes name different test splits ({', '.join(sorted(splits))}); "
            "choose one with --split"
        )
    split = split or splits.pop()
    manifests = [open_split(run, split, folder) for run in runs]
    require_comparable(runs, manifests)
    if sample:
        manifests[0].find(sample)
    sides = []
    for run, manifest in zip(runs, manifests, strict=True):
        with bar(len(manifest)) as advance:
            sides.append(recognise(run, split, manifest, advance))
    return Comparison.of(*sides), tuple(sides)
