"""Score hypotheses against references: word error rate as NIST sclite counts it."""

import json
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import count

# Repeated from slr_keras.metrics, which imports NumPy.
CLEAN = ("phoenix2014", "phoenix2014t", "phoenix")
COSTS = ("sclite", "levenshtein")
FORMATS = ("stm", "ctm", "trn", "csv", "jsonl", "text", "text-id")

EXAMPLE = """\
formats: stm, ctm, trn, csv (separated by | tab ; or comma; corpora of PHOENIX-2014, -2014-T,
CSL-Daily, Isharah, GSL), jsonl, text (one sentence per line), text-id (id first). The format is
detected from extension and content. An id without hypothesis counts as deletions; a hypothesis
with an unknown id is an error.

mark-up in TRN, STM and CTM counts as in sclite 2.4: { A / B / @ } are alternatives (in CTM between
<ALT_BEGIN>, <ALT> and <ALT_END>), @ is no word, the final star of WORD* is dropped, and so are tags
behind a semicolon (not in CTM); an STM segment with IGNORE_TIME_SEGMENT_IN_SCORING, in any case of
letters, is not scored. Malformed mark-up, and mark-up in another format, is refused.

clean-up: phoenix2014 and phoenix2014t clean reference and hypothesis, sentence by sentence;
phoenix is the published CTM pipeline, which cleans the hypothesis alone, word by word, and merges
repeats.

example:
  slr score dev.stm hypotheses.ctm --clean phoenix --per-speaker
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.metrics.file_scoring import FilePair, Report, score_files

    files = FilePair.of(
        options.reference, options.hypothesis, options.format, options.hypothesis_format
    )
    score = score_files(files, options.clean, options.costs, options.case_sensitive)
    report = Report(
        files,
        score,
        options.clean,
        options.costs,
        options.case_sensitive,
        options.per_speaker,
        options.alignments,
        options.bootstrap,
        options.seed,
    )
    if options.json:
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        print(report.text())
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.score", __doc__, EXAMPLE)
    add = parser.add_argument
    add("reference", type=Path, help="file of reference glosses")
    add("hypothesis", type=Path, help="file of recognised glosses")
    parser.add_json("a table")
    add("--clean", choices=CLEAN, help="clean-up rules to apply first (default: none)")
    add("--per-speaker", action="store_true", help="add sclite's table by signer")
    add(
        "--alignments",
        type=count,
        default=0,
        metavar="N",
        help="show the alignments of the N sentences with the most errors (default: 0)",
    )
    add(
        "--bootstrap",
        type=count,
        default=1000,
        metavar="N",
        help="resamples for the confidence interval, 0 for no interval (default: 1000)",
    )
    parser.add_seed("the resampling")
    add("--format", choices=FORMATS, help="format of both files (default: detected)")
    add(
        "--hypothesis-format",
        choices=FORMATS,
        help="format of the hypothesis file alone (default: detected)",
    )
    add(
        "--costs",
        choices=COSTS,
        default="sclite",
        help="alignment costs: sclite (4 3 3) or levenshtein (1 1 1) (default: sclite)",
    )
    add(
        "--case-sensitive",
        action="store_true",
        help="distinguish upper from lower case (sclite does not)",
    )
    return parser


if __name__ == "__main__":
    run(main)
