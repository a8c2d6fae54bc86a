"""Position of a training: finished epochs, batches and steps."""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError
from slr_keras.utils.schema import any_text, checked, mapping, number, real, record, shown, whole

_SUMS = {"clips": number(0), "sums": mapping(real), "seconds": number(), "waiting": number()}
_RECORD = record(
    {
        "position": record({"epoch": whole(), "batch": whole(), "step": whole()}, _SUMS),
        "data": mapping(any_text),
    }
)


@dataclass
class Position:
    """Position of a training; together with the variables, all that a checkpoint needs.

    Attributes:
        epoch: finished epochs.
        batch: finished batches of the current epoch.
        step: finished optimiser steps.
        clips: weighted clips of the current epoch so far.
        sums: terms of the loss, summed over these clips.
        seconds: duration of the current epoch so far.
        waiting: seconds of the current epoch spent waiting for data.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    clips: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    waiting: float = 0.0

    def timed(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches; the time until each of them is there counts as waiting."""
        source = iter(batches)
        while True:
            asked = time.monotonic()
            batch = next(source, None)
            self.waiting += time.monotonic() - asked
            if batch is None:
                return
            yield batch

    def next_epoch(self) -> "Position":
        """The position at the beginning of the next epoch."""
        return Position(epoch=self.epoch + 1, step=self.step)


def checkpoint_record(path: Path) -> dict[str, Any]:
    """Read the record of a checkpoint: the `position`, and the digests of the `data`.

    Raises:
        UserError: the checkpoint is missing or damaged; names the field.
    """
    value = checked(read_record(path), _RECORD, path, "restore it, or begin anew with --restart")
    known = {field.name for field in dataclasses.fields(Position)}
    for name in sorted(set(value["position"]) - known):
        raise UserError(f"{path}: unknown key {shown(name)} in 'position'; restore the file")
    return value
