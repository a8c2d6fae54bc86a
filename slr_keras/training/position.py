"""How far a training has come."""

from dataclasses import dataclass, field


@dataclass
class Position:
    """How far a training has come; with the variables, all that it needs to go on.

    Attributes:
        epoch: finished epochs.
        batch: finished batches of the epoch that follows.
        step: finished steps of the optimiser.
        clips: weighted clips seen in that epoch.
        sums: over these clips, the terms of the loss.
        seconds: spent in that epoch.
        waiting: seconds of these that were spent waiting for data.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    clips: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    waiting: float = 0.0

    def next_epoch(self) -> "Position":
        """The beginning of the epoch after this one."""
        return Position(epoch=self.epoch + 1, step=self.step)
