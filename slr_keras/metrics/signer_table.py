"""The table of scores by signer, in the layout of sclite."""

import statistics
from collections.abc import Sequence

from slr_keras.metrics.scoring import Score
from slr_keras.utils.errors import UserError


def signer_table(score: Score, title: str = "") -> str:
    """Format percentages for each signer in the layout of sclite.

    Columns: sentences, reference words, then correct words, substitutions, deletions, insertions
    and all errors in percent of the reference words, and sentences with an error in percent.

    Raises:
        UserError: the references have no signers.

    >>> from slr_keras.metrics import Transcript, score_transcripts, signer_table
    >>> references = {"c1": Transcript("c1", ("A", "B"), "s01")}
    >>> print(signer_table(score_transcripts(references, {"c1": Transcript("c1", ("A",))})))
    | SPKR    | # Snt # Wrd |  Corr   Sub   Del   Ins   Err S.Err |
    |---------+-------------+-------------------------------------|
    | s01     |     1     2 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    |=========+=============+=====================================|
    | Sum/Avg |     1     2 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    |=========+=============+=====================================|
    | Mean    |   1.0   2.0 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    | S.D.    |   0.0   0.0 |   0.0   0.0   0.0   0.0   0.0   0.0 |
    | Median  |   1.0   2.0 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    """
    signers = score.by_signer()
    if not any(signers):
        raise UserError(
            "the references name no signer; a table by signer needs STM, or a CSV or JSONL with "
            "a column signer or speaker"
        )
    rows = {signer or "(none)": table_row(one) for signer, one in signers.items()}
    columns = list(zip(*rows.values()))
    spread = {
        "Mean": [statistics.fmean(column) for column in columns],
        "S.D.": [statistics.stdev(c) if len(c) > 1 else 0.0 for c in columns],
        "Median": [float(statistics.median(column)) for column in columns],
    }
    wide = max(7, *map(len, rows))
    # Means have a decimal.
    count = max(5, len(str(max(score.total.references, len(score.sentences)))) + 2)
    head = f"| {'SPKR':<{wide}} | {'# Snt':>{count}} {'# Wrd':>{count}} | "
    head += " ".join(f"{name:>5}" for name in ("Corr", "Sub", "Del", "Ins", "Err", "S.Err")) + " |"
    lines = [head, _rule(head, "-")]
    lines += [_table_line(name, row, wide, count) for name, row in rows.items()]
    lines += [_rule(head, "="), _table_line("Sum/Avg", table_row(score), wide, count)]
    lines += [_rule(head, "=")]
    lines += [_table_line(name, row, wide, count) for name, row in spread.items()]
    return "\n".join([title, *lines] if title else lines)


def table_row(score: Score) -> tuple[float, ...]:
    """Return sentences, words, then percent correct, sub, del, ins, errors, sentence errors."""
    total, sentences = score.total, len(score.sentences)
    parts = (total.correct, total.substitutions, total.deletions, total.insertions, total.errors)
    percentages = [total.percent(part) for part in parts]
    return (sentences, total.references, *percentages, 100 * score.sentence_errors / sentences)


def _table_line(name: str, row: Sequence[float], wide: int, count: int) -> str:
    numbers = (f"{n:{count}d}" if isinstance(n, int) else f"{n:{count}.1f}" for n in row[:2])
    percentages = " ".join(f"{percent:5.1f}" for percent in row[2:])
    return f"| {name:<{wide}} | {' '.join(numbers)} | {percentages} |"


def _rule(head: str, mark: str) -> str:
    return "|" + "+".join(mark * len(cell) for cell in head.strip("|").split("|")) + "|"
