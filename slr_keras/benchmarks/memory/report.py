"""The memory of training steps for a person to read, and whether they fit on a card."""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slr_keras.benchmarks.memory.training import StepMemory

# A dry run does not count all memory.
MARGIN = 2.0
GIGA = 10**9


def with_margin(memory: "StepMemory") -> float:
    """Bytes that a card should have for a step."""
    return MARGIN * memory.peak


def table(about: dict, memories: list["StepMemory"], cards: list[int]) -> str:
    """The memory of some batches for a person to read; gigabytes are 10^9 bytes.

    >>> from slr_keras.benchmarks.memory.report import table
    >>> from slr_keras.benchmarks.memory.training import StepMemory
    >>> memory = StepMemory(2, 300, 20 * 10**9, 10**9, 2 * 10**9, 0, 14 * 10**9, 3 * 10**9, 10**10)
    >>> about = {"model": "ustm_b", "options": {}, "precision": "float32", "classes": 9}
    >>> about |= {"frame": [224, 224, 3], "accumulate": 1}
    >>> table(about, [memory], [24]).splitlines()[-1].split()[-4:]
    ['10.00', '20.00', '40.00', 'no']
    """
    names = ("weights", "optimiser", "batch", "activations", "gradients", "kept", "peak")
    shape = " x ".join(str(size) for size in about["frame"])
    options = ", ".join(f"{name} {value}" for name, value in about["options"].items())
    lines = [
        f"{about['model']}, {options or 'no options'}, {about['precision']}, frames of {shape}, "
        f"{about['classes']} classes; GB",
        f"{'clips':>5}{'frames':>8}"
        + "".join(f"{name:>{_width(name)}}" for name in (*names, "with margin"))
        + "".join(f"{f'{card} GB':>7}" for card in cards),
    ]
    for memory in memories:
        sizes = [getattr(memory, name) for name in names] + [with_margin(memory)]
        lines.append(
            f"{memory.clips:>5}{memory.frames:>8}"
            + "".join(
                f"{size / GIGA:>{_width(name)}.2f}"
                for name, size in zip((*names, "with margin"), sizes)
            )
            + "".join(f"{'yes' if fits(memory, card) else 'no':>7}" for card in cards)
        )
    return "\n".join(lines)


def fits(memory: "StepMemory", card: int) -> bool:
    """Whether a step should fit on a card of so many gigabytes."""
    return with_margin(memory) <= card * GIGA


def _width(name: str) -> int:
    return max(len(name), 6) + 2


def record(memory: "StepMemory", cards: list[int]) -> dict:
    """The memory of one batch as JSON values, with the cards that it fits on."""
    record = dataclasses.asdict(memory) | {"with_margin": round(with_margin(memory))}
    return record | {"fits": {f"{card} GB": fits(memory, card) for card in cards}}
