"""Single signs of a manifest: whole clips, and signs cut out of sentences by their spans."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from slr_keras.data.manifest import Manifest
from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class Unit:
    """A sign or a rest in a clip of a manifest.

    Attributes:
        row: row in the manifest.
        gloss: the sign; empty for a rest.
        start, end: frames [start, end) of the clip's file.
    """

    row: int
    gloss: str
    start: int
    end: int


def units_of(manifest: Manifest) -> Iterator[Unit]:
    """Yield the single signs and rests of a manifest.

    A clip of one gloss is a sign, a clip without glosses a rest. A sentence with `spans` gives a
    unit for each of its glosses. A sentence without `spans` gives none.

    Raises:
        UserError: spans do not fit the glosses or the frames; names the sample.

    >>> from slr_keras.data.composition.units import units_of
    >>> from slr_keras.data.manifest import Manifest
    >>> from slr_keras.data.sample import Sample
    >>> cut = Sample("a", ("RAIN", "SUN"), frames=9, extra={"spans": [[0, 4], [5, 9]]})
    >>> units = units_of(Manifest("train.jsonl", [cut, Sample("b", (), frames=7)]))
    >>> [(unit.gloss, unit.start, unit.end) for unit in units]
    [('RAIN', 0, 4), ('SUN', 5, 9), ('', 0, 7)]
    """
    for row, sample in enumerate(manifest):
        spans = sample.extra.get("spans")
        if spans is not None and sample.glosses:
            try:
                pairs = checked_spans(sample, spans)
            except UserError as error:
                raise UserError(f"{manifest.where(row)}: {error}") from None
            for gloss, (start, end) in zip(sample.glosses, pairs):
                yield Unit(row, gloss, start, end)
        elif len(sample.glosses) <= 1:
            yield Unit(row, "".join(sample.glosses), 0, sample.frames)


def unit_frames(unit: Unit, frames: np.ndarray) -> np.ndarray:
    """The frames of a sign among selected frames of its clip; at least one.

    Args:
        unit: the sign.
        frames: `(time,)` ascending numbers of the selected frames.

    >>> import numpy as np
    >>> from slr_keras.data.composition.units import Unit, unit_frames
    >>> unit_frames(Unit(0, "RAIN", 3, 7), np.arange(0, 12, 2)).tolist()
    [4, 6]
    """
    start, end = np.searchsorted(frames, (unit.start, unit.end))
    start = min(start, len(frames) - 1)
    return frames[start : max(end, start + 1)]


def group_of(sample: Sample) -> str:
    """Clips of one group may be in one sentence: the manifest's key `group`, else the signer."""
    return str(sample.extra.get("group", sample.signer))
