"""Score hypotheses against references: word error rate as NIST sclite counts it.

Example:
    python -m slr_keras.score dev.stm hypotheses.ctm --clean phoenix --per-speaker
"""

import argparse
import json
from pathlib import Path
from typing import Any

from slr_keras.metrics import (
    CLEAN,
    COSTS,
    FORMATS,
    ErrorCounts,
    Score,
    detect_format,
    read_transcripts,
    score_transcripts,
    signer_table,
)
from slr_keras.metrics.scoring import table_row
from slr_keras.text.transcript import read_lines
from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

LEVEL = 0.95

_EPILOG = """\
formats: stm, ctm, trn, csv (separator | tab ; or comma; corpora of PHOENIX-2014, -2014-T,
CSL-Daily, Isharah, GSL), jsonl, text (a sentence a line), text-id (id first). Found out from
extension and content. An id without hypothesis counts as deletions; an unknown id is an error.

clean-up: phoenix2014 and phoenix2014t clean reference and hypothesis, sentence by sentence;
phoenix is the published CTM pipeline, which cleans the hypothesis alone, word by word, and merges
repeats.

example:
  python -m slr_keras.score dev.stm hypotheses.ctm --clean phoenix --per-speaker
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's)."""
    options = _parser().parse_args(arguments)
    formats = [
        options.format or detect_format(options.reference, read_lines(options.reference)),
        options.hypothesis_format
        or options.format
        or detect_format(options.hypothesis, read_lines(options.hypothesis)),
    ]
    references = read_transcripts(options.reference, formats[0], "reference")
    hypotheses = read_transcripts(options.hypothesis, formats[1], "hypothesis")
    if "text" in formats and len(references) != len(hypotheses):
        # Lines are matched by their number: one line lost would shift all that follow.
        raise UserError(
            f"{options.reference} has {len(references)} sentences and {options.hypothesis} "
            f"{len(hypotheses)} (read as {formats[0]} and {formats[1]}); without ids every line "
            "needs its partner"
        )
    try:
        score = score_transcripts(
            references,
            hypotheses,
            options.clean,
            COSTS[options.costs],
            options.case_sensitive,
        )
    except UserError as error:
        raise UserError(
            f"{options.hypothesis} ({formats[1]}) against {options.reference} ({formats[0]}): "
            f"{error}"
        ) from error
    if options.json:
        print(json.dumps(_json(score, options, formats), indent=2, ensure_ascii=False))
    else:
        print(_text(score, options, formats))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.score",
        description="Word error rate of hypotheses, as NIST sclite counts it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", type=Path, help="file of reference glosses")
    parser.add_argument("hypothesis", type=Path, help="file of recognised glosses")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--clean", choices=CLEAN, help="clean-up rules to apply first")
    parser.add_argument("--per-speaker", action="store_true", help="add sclite's table by signer")
    parser.add_argument(
        "--alignments",
        type=_count,
        default=0,
        metavar="N",
        help="show the N sentences with most errors, aligned",
    )
    parser.add_argument(
        "--bootstrap",
        type=_count,
        default=1000,
        metavar="N",
        help="resamples for the confidence interval; 0 for none (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=_count, default=0, help="of the resampling (default: %(default)s)"
    )
    parser.add_argument("--format", choices=FORMATS, help="format of both files")
    parser.add_argument(
        "--hypothesis-format", choices=FORMATS, help="format of the hypothesis file alone"
    )
    parser.add_argument(
        "--costs",
        choices=COSTS,
        default="sclite",
        help="alignment costs: sclite (4 3 3) or levenshtein (1 1 1) (default: %(default)s)",
    )
    parser.add_argument(
        "--case-sensitive", action="store_true", help="tell upper from lower case (sclite does not)"
    )
    return parser


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return number


def _text(score: Score, options: argparse.Namespace, formats: list[str]) -> str:
    total, sentences = score.total, len(score.sentences)
    lines = [
        f"reference   {options.reference} ({formats[0]})",
        f"hypothesis  {options.hypothesis} ({formats[1]})",
        f"clean-up    {options.clean or 'none'}",
        f"costs       {options.costs} {' '.join(f'{cost:g}' for cost in score.costs)} "
        "(substitution, insertion, deletion)",
        "",
        f"WER            {total.wer:8.4f} %{_interval_text(score, options)}",
    ]
    for name, count in (
        ("substitutions", total.substitutions),
        ("insertions", total.insertions),
        ("deletions", total.deletions),
        ("correct", total.correct),
    ):
        lines.append(f"{name:<14} {total.percent(count):8.4f} %  {count:7d}")
    lines.append(f"words                       {total.references:7d}")
    lines.append(
        f"sentences                   {sentences:7d}  of which {score.sentence_errors} with an "
        f"error ({100 * score.sentence_errors / sentences:.1f} %)"
    )
    if score.levenshtein.errors != total.errors:
        lines.append(
            f"WER at unit costs {score.levenshtein.wer:.4f} % (the fewest errors, as jiwer counts)"
        )
    if score.missing:
        lines.append(
            f"{len(score.missing)} sentence(s) without hypothesis, counted as if it were empty: "
            + " ".join(score.missing[:5])
            + (" ..." if len(score.missing) > 5 else "")
        )
    if options.per_speaker:
        lines += ["", signer_table(score)]
    for sentence in score.worst(options.alignments):
        lines += ["", _sentence_head(sentence.id, sentence.counts)]
        lines.append(score.alignment(sentence).text())
    return "\n".join(lines)


def _interval_text(score: Score, options: argparse.Namespace) -> str:
    if not options.bootstrap:
        return ""
    low, high = score.interval(LEVEL, options.bootstrap, options.seed)
    return (
        f"  [{low:.4f}, {high:.4f}] "
        f"({100 * LEVEL:.0f} %, {options.bootstrap} resamples of the sentences)"
    )


def _sentence_head(name: str, counts: ErrorCounts) -> str:
    numbers = (counts.correct, counts.substitutions, counts.deletions, counts.insertions)
    return f"id: {name}  (#C #S #D #I) {' '.join(map(str, numbers))}"


def _json(score: Score, options: argparse.Namespace, formats: list[str]) -> dict[str, Any]:
    value: dict[str, Any] = {
        "reference": {"path": str(options.reference), "format": formats[0]},
        "hypothesis": {"path": str(options.hypothesis), "format": formats[1]},
        "clean": options.clean,
        "costs": options.costs,
        "case_sensitive": options.case_sensitive,
        **_counts(score.total),
        "sentences": len(score.sentences),
        "sentence_errors": score.sentence_errors,
        "missing": list(score.missing),
        "levenshtein": _counts(score.levenshtein),
    }
    if options.bootstrap:
        low, high = score.interval(LEVEL, options.bootstrap, options.seed)
        value["interval"] = {
            "level": LEVEL,
            "low": low,
            "high": high,
            "resamples": options.bootstrap,
            "seed": options.seed,
        }
    if options.per_speaker:
        signer_table(score)
        names = ("sentences", "words", "corr", "sub", "del", "ins", "err", "sent_err")
        value["speakers"] = {
            signer: dict(zip(names, table_row(one))) for signer, one in score.by_signer().items()
        }
    if options.alignments:
        value["alignments"] = [
            {
                "id": sentence.id,
                **_counts(sentence.counts),
                "alignment": [list(pair) for pair in score.alignment(sentence).pairs],
            }
            for sentence in score.worst(options.alignments)
        ]
    return value


def _counts(counts: ErrorCounts) -> dict[str, float]:
    return {
        "wer": counts.wer,
        "correct": counts.correct,
        "substitutions": counts.substitutions,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "references": counts.references,
    }


if __name__ == "__main__":
    run(main)
