"""Compare a bundle's recognition on this machine with that on an emulated ARM64 processor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.bundle.bundle import GOLDEN_ARRAYS, Bundle
from slr_keras.bundle.interpreter import Launcher
from slr_keras.bundle.scorer import RawPreparation, bundle_recogniser
from slr_keras.data.manifest import read_manifest
from slr_keras.utils.errors import UserError

#: Widths of the columns are those of `row_text`.
HEADER = f"{'cpu':<12}{'precision':<10}{'steps':>7}{'best equal':>12}{'glosses':>10}{'largest':>11}"


@dataclass
class Comparison:
    """What differs between two machines over some clips.

    Attributes:
        clips, steps: number of clips and of output steps that were compared.
        steps_equal: number of steps with the same best class.
        clips_equal: number of clips with the same glosses.
        largest: largest difference of two log-probabilities, among classes that are likely on
            either machine.
    """

    clips: int = 0
    steps: int = 0
    steps_equal: int = 0
    clips_equal: int = 0
    largest: float = 0.0

    #: Lower log-probabilities are not compared: those of improbable classes have no meaning.
    likely = -10.0

    def add(self, here: np.ndarray, there: np.ndarray, same_glosses: bool) -> None:
        """Count one clip, `(steps, classes)` of log-probabilities from each machine.

        >>> import numpy as np
        >>> from export.lite.arm_comparison import Comparison
        >>> comparison = Comparison()
        >>> comparison.add(np.log([[0.6, 0.4]]), np.log([[0.5, 0.5 + 1e-9]]), True)
        >>> comparison.steps_equal, comparison.same
        (0, False)
        """
        self.clips += 1
        self.steps += len(here)
        self.steps_equal += int((here.argmax(-1) == there.argmax(-1)).sum())
        self.clips_equal += same_glosses
        seen = np.maximum(here, there) > self.likely
        self.largest = max(self.largest, float(np.abs(here[seen] - there[seen]).max(initial=0)))

    @property
    def same(self) -> bool:
        """Whether both machines recognise the same classes and glosses."""
        return self.steps == self.steps_equal and self.clips == self.clips_equal


def compare(
    bundle: Bundle, precision: str, clips: Mapping[str, np.ndarray], launcher: Launcher
) -> Comparison:
    """Recognise clips on this machine and on another one, with one precision of a bundle.

    Args:
        bundle: to run.
        precision: of the bundle's files.
        clips: raw keypoints by name, at the contract's frame rate.
        launcher: starts the runtime of the other machine.

    Raises:
        UserError: the runtime of the other machine fails.
    """
    comparison = Comparison()
    with (
        bundle_recogniser(bundle, precision) as here,
        bundle_recogniser(bundle, precision, launcher=launcher) as there,
    ):
        for clip in clips.values():
            scores = [machine.scores(clip) for machine in (here, there)]
            glosses = [machine.decode(s).ids for machine, s in zip((here, there), scores)]
            comparison.add(*scores, glosses[0] == glosses[1])
    return comparison


def clips_of(
    bundle: Bundle, data: str | Path | None = None, split: str = "test", limit: int = 20
) -> Iterator[tuple[str, np.ndarray]]:
    """The golden clips of a bundle, and clips of a data folder.

    Args:
        bundle: of the golden clips.
        data: data folder; None for the golden clips alone.
        split: of the data folder.
        limit: largest number of clips of the split.

    Yields:
        Name and raw keypoints `(frames, points, channels)` at the contract's frame rate.

    Raises:
        UserError: there is no such split, or its points are not the bundle's.
    """
    with np.load(bundle.path / GOLDEN_ARRAYS, allow_pickle=False) as arrays:
        for name in arrays.files:
            clip, _, part = name.rpartition("/")
            if part == "keypoints":
                yield f"golden {clip}", arrays[name]
    if not data:
        return
    manifest = read_manifest(Path(data) / f"{split}.jsonl")
    bundle.contract.require_compatible(manifest.contract, f"{bundle.path}", f"{data}")
    if manifest.contract.source != bundle.contract.source:
        raise UserError(f"{data}: its layout is not the bundle's")
    preparation = RawPreparation(bundle.contract)
    for row in range(min(limit, len(manifest))):
        frames = preparation.prepared(manifest.load(row), manifest.rate(row))
        yield manifest[row].id, np.stack(list(frames))


def row_text(cpu: str, precision: str, comparison: Comparison) -> str:
    """One comparison as a line below `HEADER`.

    >>> from export.lite.arm_comparison import HEADER, Comparison, row_text
    >>> len(row_text("cortex-a53", "fp32", Comparison())) == len(HEADER)
    True
    """
    return (
        f"{cpu:<12}{precision:<10}{comparison.steps:>7}{comparison.steps_equal:>12}"
        f"{comparison.clips_equal:>10}{comparison.largest:>11.1e}"
    )
