"""Figures of a baseline's score, and their text: accuracy of isolated signs, WER of sentences."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slr_keras.baselines.scoring import BaselineScore
from slr_keras.metrics import MISS, ErrorCounts, bootstrap_interval, sign_accuracy
from slr_keras.metrics.turn_cost import TurnCost

GROUPED_BY = ("signer", "session")


def figures(score: BaselineScore, seed: int = 0) -> dict[str, Any]:
    """Figures of a score as JSON values; rates are in percent, intervals are of 95 %.

    Isolated signs have `accuracy` (top-1, by clip), `interval`, `per_class`, `right` and `clips`.
    Sentences have `wer`, `interval` and the error counts. `by` has the same rate for each signer
    and session, where the scored clips have several. `turn` is there if clips were turned.
    """
    values = _accuracies(score, seed) if score.isolated else _word_errors(score, seed)
    counts = score.counts()
    values["by"] = {
        key: {
            name: _rate([counts[row] for row in rows], score.isolated, seed)
            for name, rows in groups.items()
        }
        for key, groups in _groups(score).items()
    }
    if score.turned:
        values["turn"] = turn_cost(score, seed)
    return values | {
        "seconds_learning": round(score.seconds_learning, 1),
        "milliseconds_per_clip": round(1000 * score.seconds_recognising / len(score.hypotheses), 1),
    }


def turn_cost(score: BaselineScore, seed: int = 0) -> dict[str, Any]:
    """What a turn costs, as JSON values with the `text` for a terminal."""
    counts = [score.counts(hypotheses) for hypotheses in (score.hypotheses, *score.turned)]
    cost = TurnCost.of(
        score.degrees,
        [[count.errors for count in case] for case in counts],
        [count.references for count in counts[0]],
        score.isolated,
        "z" in score.data.scored.contract.channels,
        seed,
    )
    return cost.as_json() | {"text": cost.plain_text()}


def plain_text(result: dict[str, Any]) -> str:
    """A result (method, data, split, options, seed and the figures) as text."""
    chosen = ", ".join(f"{key} {_short(value)}" for key, value in result["options"].items())
    lines = [
        f"{result['method']} on {result['data']} {result['split']} "
        f"({chosen}, seed {result['seed']})"
    ]
    if "accuracy" in result:
        by_class = result["per_class"]
        lines += [
            f"top-1 accuracy by clip {_percent(result['accuracy'], result['interval'])}, "
            f"{result['right']} of {result['clips']} clips",
            f"top-1 accuracy by class {_percent(by_class['accuracy'], by_class['interval'])}",
        ]
    else:
        lines += [
            f"WER {_percent(result['wer'], result['interval'])}",
            f"substitutions {result['substitutions']}, insertions {result['insertions']}, "
            f"deletions {result['deletions']}, of {result['references']} glosses; "
            f"{result['sentences_right']} of {result['sentences']} clips without an error",
        ]
    for key, groups in result["by"].items():
        for name, one in groups.items():
            rate = one.get("accuracy", one.get("wer"))
            lines.append(f"{key} {name}: {_percent(rate, one['interval'])}, {one['clips']} clips")
    lines.append(
        f"trained in {result['seconds_learning']:.0f} s, "
        f"recognised in {result['milliseconds_per_clip']:.1f} ms per clip"
    )
    if "turn" in result:
        lines += ["", result["turn"]["text"]]
    return "\n".join(lines)


def _accuracies(score: BaselineScore, seed: int) -> dict[str, Any]:
    signed = [reference[0] for reference in score.references]
    numbers = {gloss: number for number, gloss in enumerate(dict.fromkeys(signed))}
    errors = np.array([count.errors for count in score.counts()])
    labels = [numbers[gloss] for gloss in signed]
    accuracy = sign_accuracy(np.where(errors, MISS, 0), labels, len(numbers), (1,), seed=seed)
    by_clip, by_class = accuracy.per_instance[1], accuracy.per_class[1]
    return {
        "accuracy": by_clip.value,
        "interval": [by_clip.low, by_clip.high],
        "per_class": {"accuracy": by_class.value, "interval": [by_class.low, by_class.high]},
        "right": int((errors == 0).sum()),
        "clips": len(errors),
    }


def _word_errors(score: BaselineScore, seed: int) -> dict[str, Any]:
    counts = score.counts()
    total = sum(counts, ErrorCounts())
    return {
        "wer": total.wer,
        "interval": list(bootstrap_interval(counts, seed=seed)),
        "substitutions": total.substitutions,
        "insertions": total.insertions,
        "deletions": total.deletions,
        "references": total.references,
        "sentences_right": sum(sentence.errors == 0 for sentence in counts),
        "sentences": len(counts),
    }


def _rate(counts: Sequence[ErrorCounts], isolated: bool, seed: int) -> dict[str, Any]:
    """Accuracy or WER of some of the scored clips."""
    wer = sum(counts, ErrorCounts()).wer
    low, high = bootstrap_interval(counts, seed=seed)
    if isolated:
        return {"clips": len(counts), "accuracy": 100 - wer, "interval": [100 - high, 100 - low]}
    return {"clips": len(counts), "wer": wer, "interval": [low, high]}


def _groups(score: BaselineScore) -> dict[str, dict[str, list[int]]]:
    """Places of the scored clips by signer and by session, where there are several."""
    groups: dict[str, dict[str, list[int]]] = {key: {} for key in GROUPED_BY}
    for place, row in enumerate(score.data.rows):
        sample = score.data.scored[row]
        names = {"signer": sample.signer, "session": str(sample.extra.get("session", ""))}
        for key in GROUPED_BY:
            groups[key].setdefault(names[key] or "(none)", []).append(place)
    return {key: dict(sorted(one.items())) for key, one in groups.items() if len(one) > 1}


def _percent(value: float, interval: Sequence[float]) -> str:
    return f"{value:.2f} % (95 % interval {interval[0]:.2f} to {interval[1]:.2f})"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
