"""Report of a comparison as plain text, as Markdown and as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slr_keras.comparison.comparison import ComparedSentence, Comparison
from slr_keras.comparison.recognised import Recognised
from slr_keras.metrics import align
from slr_keras.metrics.alignment import Alignment, columns_of, columns_text
from slr_keras.metrics.markdown import Rows, markdown_table
from slr_keras.training.report import versions
from slr_keras.utils.files import write_json, write_text

LISTED = 20
LISTED_ON_SCREEN = 5
REPORT, RECORD, PICTURE = "report.md", "comparison.json", "alignment.png"
SIDES = ("A", "B")
SIGNIFICANT = 0.05
# Gillick and Cox: enough segments for the normal approximation.
ENOUGH_SEGMENTS = 50

Sides = Sequence[Recognised]


def write_report(
    folder: str | Path, comparison: Comparison, sides: Sides, sample: str | None = None
) -> Path:
    """Write report.md, comparison.json and the plot of a clip.

    Args:
        folder: output folder; created if absent.
        comparison: of the two runs.
        sides: predictions of both runs.
        sample: id or number of the plotted clip; by default the clip with the largest difference.

    Returns:
        path of the report.

    Raises:
        UserError: no such sample, or spans that do not fit its glosses.
    """
    from slr_keras.comparison.clip import draw_clip

    folder = Path(folder)
    chosen = comparison.sentences[sides[0].manifest.find(sample)] if sample else None
    chosen = chosen or [*comparison.most_different(1), *comparison.sentences][0]
    draw_clip(folder / PICTURE, chosen, sides)
    write_json(folder / RECORD, as_json(comparison, sides))
    write_text(folder / REPORT, markdown(comparison, sides, PICTURE, chosen.id))
    return folder / REPORT


def plain_text(comparison: Comparison, sides: Sides, listed: int = LISTED_ON_SCREEN) -> str:
    """Format the comparison for a terminal: scores, tests, signers, most different sentences."""
    parts = [
        _introduction(comparison, sides),
        _plain(_scores(comparison)),
        "\n".join(_tests(comparison)),
        _plain(_signers(comparison)),
        *map(_sentence, comparison.most_different(listed)),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown(
    comparison: Comparison, sides: Sides, picture: str, clip: str, listed: int = LISTED
) -> str:
    """Format the comparison as a Markdown report.

    Args:
        comparison: of the two runs.
        sides: predictions of both runs.
        picture: plot of one clip, a file beside the report.
        clip: id of the plotted clip.
        listed: number of sentences to list.
    """
    names = " and ".join(side.run.path.name for side in sides)
    signers = _signers(comparison)
    shown = comparison.most_different(listed)
    lines = [f"# {names}", "", "```", _introduction(comparison, sides), "```", ""]
    lines += [*markdown_table(_scores(comparison)), ""]
    lines += [f"- {line}" for line in _tests(comparison)]
    if signers:
        lines += ["", "## Signers", "", *markdown_table(signers)]
    lines += ["", "## Sentences that differ most", ""]
    body = "\n\n".join(map(_sentence, shown))
    lines += ["```", body, "```"] if shown else ["None: all hypotheses are equal."]
    lines += ["", "## One clip over time", "", f"![{clip}]({picture})", ""]
    lines += ["## Environment", ""]
    lines += [f"- {name} {version}" for name, version in versions().items()]
    return "\n".join(lines) + "\n"


def as_json(comparison: Comparison, sides: Sides) -> dict[str, Any]:
    """Return the whole comparison with every sentence; percentages are numbers."""
    difference, pairs = comparison.difference, comparison.matched_pairs
    first = sides[0]
    return {
        "manifest": str(first.manifest.path),
        "scoring": first.run.config.data.scoring,
        "sentences": len(comparison.sentences),
        "words": comparison.totals[0].references,
        "runs": {name: _run_json(comparison, sides, k) for k, name in enumerate(SIDES)},
        "paired_bootstrap": {
            "difference": difference.difference,
            "low": difference.low,
            "high": difference.high,
            "p_value": difference.p_value,
            "resamples": difference.resamples,
        },
        "matched_pairs": {
            "segments": pairs.segments,
            "mean": pairs.mean,
            "z": pairs.z,
            "p_value": pairs.p_value,
        },
        "outcomes": dict(zip(("a_better", "equal", "b_better"), comparison.outcomes)),
        "signers": {
            signer or "": {
                "sentences": len(one.sentences),
                "words": one.totals[0].references,
                "wer": [total.wer for total in one.totals],
                "difference": one.difference.difference,
                "low": one.difference.low,
                "high": one.difference.high,
            }
            for signer, one in comparison.by_signer().items()
        },
        "clips": [
            {
                "id": sentence.id,
                "reference": list(sentence.reference),
                "glosses": [list(glosses) for glosses in sentence.glosses],
                "errors": [counts.errors for counts in sentence.counts],
            }
            for sentence in comparison.sentences
        ],
    }


def side_by_side(first: Alignment, second: Alignment) -> list[tuple[str, str, str, str, str]]:
    """Merge two alignments of one reference into columns (reference, A, A's error, B, B's error).

    >>> from slr_keras.comparison.report import side_by_side
    >>> from slr_keras.metrics import align
    >>> reference = ["RAIN", "NORTH"]
    >>> for column in side_by_side(align(reference, ["NORTH"]), align(reference, reference)):
    ...     print(column)
    ('RAIN', '****', 'D', 'RAIN', '')
    ('NORTH', 'NORTH', '', 'NORTH', '')
    """
    columns = []
    for one, other in zip(_slots(first), _slots(second), strict=True):
        # Insertions before the word, then the word.
        for index in range(max(len(one), len(other)) - 1):
            cells = [slot[index] if index < len(slot) - 1 else None for slot in (one, other)]
            columns.append(_column(None, cells))
        if one[-1] is not None:
            columns.append(_column(one[-1].reference, [one[-1], other[-1]]))
    return columns


def _slots(alignment: Alignment) -> list[list]:
    """Split the pairs after each reference word; the last slot ends with None."""
    slots, slot = [], []
    for pair in alignment.pairs:
        slot.append(pair)
        if pair.operation != "I":
            slots.append(slot)
            slot = []
    return [*slots, [*slot, None]]


def _column(reference: str | None, pairs) -> tuple[str, ...]:
    hypotheses = [pair.hypothesis if pair else None for pair in pairs]
    marks = [pair.operation.replace("=", "") if pair else "" for pair in pairs]
    wide = max(columns_of(word) for word in (reference, *hypotheses))
    above, *below = (word or "*" * wide for word in (reference, *hypotheses))
    return (above, below[0], marks[0], below[1], marks[1])


def _sentence(sentence: ComparedSentence) -> str:
    signer = f", signer {sentence.signer}" if sentence.signer else ""
    a, b = (counts.errors for counts in sentence.counts)
    columns = side_by_side(*(align(sentence.reference, glosses) for glosses in sentence.glosses))
    table = columns_text(("REF:", "A:", "", "B:", ""), columns)
    return f"{sentence.id}{signer}: errors A {a}, B {b}\n{table}"


def _introduction(comparison: Comparison, sides: Sides) -> str:
    first = sides[0]
    lines = [
        f"{first.manifest.path}: {len(comparison.sentences)} sentences, "
        f"{comparison.totals[0].references} glosses; clean-up {first.run.config.data.scoring}"
    ]
    for name, side in zip(SIDES, sides):
        decoding, best = side.run.decoding, side.run.best
        beam = f" {decoding.beam}" if decoding.method == "beam" else ""
        kept = "; stored predictions" if side.reused else ""
        lines.append(
            f"{name}  {side.run.path}: {side.run.config.model.name}, best epoch {best['epoch']}, "
            f"{decoding.method}{beam}{kept}"
        )
    return "\n".join(lines)


def _scores(comparison: Comparison) -> Rows:
    rows = [["", "WER %", "95 % interval", "del %", "ins %", "sub %", "correct sentences %"]]
    for k, name in enumerate(SIDES):
        total, (low, high) = comparison.totals[k], comparison.intervals[k]
        parts = map(total.percent, (total.deletions, total.insertions, total.substitutions))
        right = [sentence.counts[k].errors == 0 for sentence in comparison.sentences]
        rows.append(
            [name, f"{total.wer:.2f}", f"{low:.2f} to {high:.2f}"]
            + [f"{part:.2f}" for part in parts]
            + [f"{100 * sum(right) / len(right):.1f}"]
        )
    test = comparison.difference
    interval = f"{test.low:+.2f} to {test.high:+.2f}"
    return [*rows, ["B - A", f"{test.difference:+.2f}", interval, "", "", "", ""]]


def _tests(comparison: Comparison) -> list[str]:
    test, pairs = comparison.difference, comparison.matched_pairs
    a, equal, b = comparison.outcomes
    if test.p_value < SIGNIFICANT:
        better = SIDES[test.difference < 0]
        verdict = f"{better} makes fewer errors"
    else:
        verdict = "no significant difference"
    lines = [
        f"paired bootstrap over sentences ({test.resamples} resamples): {_p(test.p_value)}; "
        f"{verdict}"
    ]
    if pairs.p_value is None:
        statistic = "all segments have the same difference, so there is no p-value"
    else:
        statistic = f"z = {pairs.z:.2f}, {_p(pairs.p_value)}"
    few = ", too few for an accurate p-value" if pairs.segments < ENOUGH_SEGMENTS else ""
    lines.append(
        f"matched pairs of sentence segments (MAPSSWE; {pairs.segments} segments{few}): "
        f"B - A {pairs.mean:+.3f} errors per segment, {statistic}"
    )
    return [*lines, f"sentences: A better in {a}, equal in {equal}, B better in {b}"]


def _p(value: float) -> str:
    return f"p = {value:.4f}" if value >= 0.0001 else "p < 0.0001"


def _signers(comparison: Comparison) -> Rows:
    groups = comparison.by_signer()
    if not any(groups):
        return []
    rows = [["signer", "sentences", "glosses", "A WER %", "B WER %", "B - A", "95 % interval"]]
    for signer, one in groups.items():
        test = one.difference
        rows.append(
            [signer or "(none)", str(len(one.sentences)), str(one.totals[0].references)]
            + [f"{total.wer:.2f}" for total in one.totals]
            + [f"{test.difference:+.2f}", f"{test.low:+.2f} to {test.high:+.2f}"]
        )
    return rows


def _plain(rows: Rows) -> str:
    """Format rows in columns, the first aligned to the left, the others to the right."""
    widths = [max(map(columns_of, column)) for column in zip(*rows)]
    lines = []
    for first, *others in rows:
        line = first + " " * (widths[0] - columns_of(first))
        line += "".join(f"  {cell:>{wide}}" for cell, wide in zip(others, widths[1:]))
        lines.append(line.rstrip())
    return "\n".join(lines)


def _run_json(comparison: Comparison, sides: Sides, k: int) -> dict[str, Any]:
    total, side = comparison.totals[k], sides[k]
    low, high = comparison.intervals[k]
    return {
        "run": str(side.run.path),
        "model": side.run.config.model.name,
        "epoch": side.run.best["epoch"],
        "reused": side.reused,
        "wer": total.wer,
        "low": low,
        "high": high,
        "deletions": total.percent(total.deletions),
        "insertions": total.percent(total.insertions),
        "substitutions": total.percent(total.substitutions),
    }
