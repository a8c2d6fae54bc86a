"""Write report.md: the scores of a run and the sentences with most errors."""

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from slr_keras.metrics.alignment import align
from slr_keras.metrics.isolated.report import plain_text
from slr_keras.training.evaluation import ENSEMBLE, Evaluation
from slr_keras.training.sign_files import score_signs

WORST = 20
PACKAGES = ("slr-keras", "tensorflow", "keras", "numpy")


def report_text(
    title: str, evaluation: Evaluation, facts: Mapping[str, Any], worst: int = WORST
) -> str:
    """The report in Markdown: facts, WER of every output, the worst sentences, versions.

    Args:
        title: first heading.
        evaluation: evaluation of the dev split.
        facts: lines "name: value" below the heading.
        worst: number of sentences to show.
    """
    lines = [
        f"# {title}",
        "",
        _headline(evaluation),
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        "## Ensemble and heads",
        "",
        *markdown_table(evaluation),
        "",
        "## Worst sentences",
        "",
        *worst_sentences(evaluation, worst),
        "",
        "## Environment",
        "",
        *(f"- {name} {version}" for name, version in versions().items()),
    ]
    return "\n".join(lines) + "\n"


def _headline(evaluation: Evaluation) -> str:
    if evaluation.signs:
        score = score_signs(evaluation)
        top = score.top(1)
        return (
            f"**Dev top-1 accuracy {top.value:.2f} %** (95 % interval {top.low:.2f} to "
            f"{top.high:.2f}), top-5 {score.top(5).value:.2f} %; {len(score.signed)} clips."
        )
    total = evaluation.total()
    low, high = evaluation.interval()
    return (
        f"**Dev WER {total.wer:.2f} %** (95 % interval {low:.2f} to {high:.2f}): "
        f"deletions {total.percent(total.deletions):.2f}, "
        f"insertions {total.percent(total.insertions):.2f}, "
        f"substitutions {total.percent(total.substitutions):.2f}; "
        f"{total.references} glosses in {len(evaluation.references)} clips."
    )


def markdown_table(evaluation: Evaluation) -> list[str]:
    """Table of WERs (top-1 errors for isolated signs); the first row is the ensemble."""
    rows = [
        "| | WER % | 95 % interval | del % | ins % | sub % | correct sentences % |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for name, row in evaluation.summary().items():
        mark = "**" if name == ENSEMBLE else ""
        rows.append(
            f"| {mark}{name}{mark} | {mark}{row['wer']:.2f}{mark} "
            f"| {row['low']:.2f} to {row['high']:.2f} | {row['deletions']:.2f} "
            f"| {row['insertions']:.2f} | {row['substitutions']:.2f} | {row['faultless']:.1f} |"
        )
    return rows


def plain_table(evaluation: Evaluation) -> str:
    """Table of WERs for a terminal; for isolated signs, accuracies and numbers of clips.

    False words a minute follow if there are clips without reference glosses.
    """
    if evaluation.signs:
        return plain_text(score_signs(evaluation))
    rest = [f"{name:<10} {evaluation.false_words(name)}" for name in evaluation.counts]
    if not evaluation.has_references:
        return "\n".join(rest)
    rows = ["            WER %   95 % interval      del     ins     sub   correct sentences %"]
    for name, row in evaluation.summary().items():
        rows.append(
            f"{name:<10} {row['wer']:6.2f}   {row['low']:6.2f} to {row['high']:6.2f}  "
            f"{row['deletions']:6.2f}  {row['insertions']:6.2f}  {row['substitutions']:6.2f}  "
            f"{row['faultless']:6.1f}"
        )
    if evaluation.false_words().clips:
        rows += ["", *rest]
    return "\n".join(rows)


def worst_sentences(evaluation: Evaluation, count: int = WORST) -> list[str]:
    """The sentences with most errors: reference above hypothesis, errors marked."""
    counts = evaluation.counts[ENSEMBLE]
    order = sorted(range(len(counts)), key=lambda row: (-counts[row].errors, row))
    worst = [row for row in order[:count] if counts[row].errors]
    if not worst:
        return ["None: every sentence is correct."]
    lines = ["```"]
    for row in worst:
        sample = evaluation.manifest[row]
        signer = f", signer {sample.signer}" if sample.signer else ""
        lines.append(f"{sample.id}{signer}: {counts[row].errors} errors")
        pairs = align(evaluation.references[row], evaluation.glosses[ENSEMBLE][row])
        lines += [pairs.text(), ""]
    return [*lines[:-1], "```"]


def versions() -> dict[str, str]:
    """Versions of Python, the packages and the operating system.

    >>> from slr_keras.training.report import versions
    >>> "keras" in versions()
    True
    """
    by_package = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            by_package[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            by_package[package] = "not installed as a package"
    return {**by_package, "system": platform.platform()}
