"""Results of a load test, and their table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BARE, ALONE, BATCHES, SINGLY = ROWS = (
    "bare model, full batches",
    "bare model, clip by clip",
    "served, batches",
    "served, clip by clip",
)


@dataclass
class Row:
    """Results of the model or a server in all rounds.

    Attributes:
        name: one of `ROWS`.
        rates: clips a second of each round.
        delays: seconds of each response.
        processor: CPU seconds for each clip, of the process that runs the model.
        answered, wrong, lost: numbers of responses, wrong responses and failed requests.
        memory: memory of the server in bytes after each round.
    """

    name: str
    rates: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    answered: int = 0
    wrong: int = 0
    lost: int = 0
    memory: list[int] = field(default_factory=list)


def table(rows: Sequence[Row]) -> str:
    """The figures as a Markdown table.

    >>> from export.serving.load_table import BARE, BATCHES, Row, table
    >>> print(table([Row(BARE, [10.0], answered=5), Row(BATCHES, [9.0], [0.5], answered=9)]))
    | | clips/s, median (least, most) | model time | p50, p95, p99, ms | CPU of a clip, ms | answers | wrong | lost | memory, MiB |
    |---|---:|---:|---:|---:|---:|---:|---:|---:|
    | bare model, full batches | 10.0 (10.0, 10.0) | – | – | – | 5 | – | – | – |
    | served, batches | 9.0 (9.0, 9.0) | 90 % | 500, 500, 500 | – | 9 | 0 | 0 | – |
    """  # noqa: E501
    heads = ["clips/s, median (least, most)", "model time", "p50, p95, p99, ms"]
    heads += ["CPU of a clip, ms", "answers", "wrong", "lost", "memory, MiB"]
    bare = {row.name: float(np.median(row.rates)) for row in rows if row.name in (BARE, ALONE)}
    reference = {BATCHES: bare.get(BARE), SINGLY: bare.get(ALONE)}
    lines = ["| | " + " | ".join(heads) + " |", "|---" + "|---:" * len(heads) + "|"]
    for row in rows:
        rate = float(np.median(row.rates))
        model = reference.get(row.name)
        served = row.name in reference
        cells = [
            row.name,
            f"{rate:.1f} ({min(row.rates):.1f}, {max(row.rates):.1f})",
            f"{100 * rate / model:.0f} %" if model else "–",
            _quantiles(row.delays),
            f"{1000 * float(np.median(row.processor)):.2f}" if row.processor else "–",
            str(row.answered),
            *((str(row.wrong), str(row.lost)) if served else ("–", "–")),
            _change(row.memory),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _quantiles(delays: Sequence[float]) -> str:
    if not delays:
        return "–"
    return ", ".join(f"{1000 * value:.0f}" for value in np.quantile(delays, (0.5, 0.95, 0.99)))


def _change(memory: Sequence[int]) -> str:
    if not memory or not all(memory):
        return "–"
    return f"{memory[0] / 2**20:.0f} → {memory[-1] / 2**20:.0f}"
