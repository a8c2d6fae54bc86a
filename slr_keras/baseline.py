"""Train a simple baseline on a data folder and score it.

Example:
    python -m slr_keras.baseline dtw data/large --to dtw.jsonl
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import count, positive, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.baselines import Baseline

_EPILOG = """\
dtw: nearest template by dynamic time warping. Clips of one sign get the label of the nearest
training clip; sentences become the cheapest string of templates. Templates are training clips of
one sign where there are any, otherwise pieces of sentences.
bag: every frame is classified alone, the answers are smoothed and collapsed.
svm: clips of one sign alone, brought to one length, by support vector machines (scikit-learn).

They learn from the spans of the signs where the data has them (more than a CTC model is told);
--no-spans cuts sentences into equal parts instead. Penalties and smoothing are tuned on dev, or on
part of train where there is no dev.

example:
  python -m slr_keras.baseline dtw data/large --split test --to dtw.jsonl
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's)."""
    options = _parser().parse_args(arguments)
    from slr_keras.data.manifest import read_folder
    from slr_keras.metrics import bootstrap_interval, sentence_counts
    from slr_keras.utils.files import write_text

    splits = read_folder(options.data)
    for split in ("train", options.split):
        if split not in splits:
            raise UserError(f"{options.data}: no {split}.jsonl; the folder has {', '.join(splits)}")
    test = splits[options.split]
    rows = [row for row, sample in enumerate(test) if sample.glosses]
    if not rows:
        raise UserError(f"{test.path}: no clip has glosses to score against")
    if len(rows) < len(test):
        print(
            f"{test.path}: {len(test) - len(rows)} clips without glosses left out", file=sys.stderr
        )
    # Tuning on what is then scored would flatter the baseline.
    dev = splits.get("dev") if options.split != "dev" else None

    started = time.perf_counter()
    with _bars() as progress:
        baseline = _baseline(options).fit(splits["train"], dev, progress)
        learnt = time.perf_counter() - started
        found = [
            baseline.recognise(test.contract.prepare(test.load(row)))
            for row in progress(rows, f"recognising {options.split}")
        ]
    seconds = time.perf_counter() - started - learnt
    references = [test[row].glosses for row in rows]
    counts = sentence_counts(references, found)
    result = {
        "method": options.method,
        "data": str(options.data),
        "split": options.split,
        "seed": options.seed,
        "options": {**_settings(options), **baseline.options},
        **_figures(counts, bootstrap_interval(counts, seed=options.seed)),
        "sentences_right": sum(sentence.errors == 0 for sentence in counts),
        "sentences": len(counts),
        "seconds_learning": round(learnt, 1),
        "milliseconds_per_clip": round(1000 * seconds / len(rows), 1),
    }
    if options.to:
        lines = [
            {
                "id": test[row].id,
                "signer": test[row].signer,
                "reference": test[row].glosses,
                "hypothesis": glosses,
            }
            for row, glosses in zip(rows, found, strict=True)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_text(options.to, text)
    print(json.dumps(result, indent=2) if options.json else _text(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.baseline",
        description="Train a simple baseline on a data folder and score it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("method", choices=("dtw", "bag", "svm"), help="which baseline")
    parser.add_argument("data", type=Path, help="data folder with train and the split to score")
    parser.add_argument(
        "--split",
        choices=("train", "dev", "test"),
        default="test",
        help="what to recognise (default: %(default)s)",
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="write predictions as JSON lines")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument(
        "--templates",
        type=count,
        metavar="N",
        help="training pieces per gloss, 0 for all (dtw 12, of one sign 60; bag 40; svm all)",
    )
    parser.add_argument(
        "--metric",
        choices=("plain", "learned"),
        default="plain",
        help="dtw: compare features as they are, or after discriminant analysis "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--hidden",
        type=count,
        default=128,
        metavar="N",
        help="bag: width of the hidden layer, 0 for softmax regression (default: %(default)s)",
    )
    parser.add_argument(
        "--stride",
        type=positive,
        default=2,
        metavar="N",
        help="frames averaged into one (default: %(default)s)",
    )
    parser.add_argument(
        "--no-spans", action="store_true", help="do not use the spans of the signs in train"
    )
    parser.add_argument(
        "--seed", type=count, default=0, help="of every random choice (default: %(default)s)"
    )
    return parser


def _baseline(options: argparse.Namespace) -> "Baseline":
    from slr_keras.baselines import BagBaseline, DtwBaseline, SvmBaseline

    shared = {
        "per_gloss": options.templates,
        "stride": options.stride,
        "use_spans": not options.no_spans,
        "seed": options.seed,
    }
    if options.method == "dtw":
        return DtwBaseline(metric=options.metric, **shared)
    if options.method == "svm":
        return SvmBaseline(**shared)
    return BagBaseline(hidden=options.hidden, **shared)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    own = {"dtw": {"metric": options.metric}, "bag": {"hidden": options.hidden}}
    return {
        **own.get(options.method, {}),
        "templates": options.templates if options.templates is not None else "default",
        "stride": options.stride,
        "spans": not options.no_spans,
    }


def _figures(counts: list, interval: tuple[float, float]) -> dict[str, Any]:
    total = sum(counts[1:], counts[0])
    return {
        "wer": total.wer,
        "interval": list(interval),
        "substitutions": total.substitutions,
        "insertions": total.insertions,
        "deletions": total.deletions,
        "references": total.references,
    }


def _text(result: dict[str, Any]) -> str:
    low, high = result["interval"]
    chosen = ", ".join(f"{key} {_short(value)}" for key, value in result["options"].items())
    return (
        f"{result['method']} on {result['data']} {result['split']} "
        f"({chosen}, seed {result['seed']})\n"
        f"WER {result['wer']:.2f} % (95 % interval {low:.2f} to {high:.2f})\n"
        f"substitutions {result['substitutions']}, insertions {result['insertions']}, "
        f"deletions {result['deletions']}, of {result['references']} glosses; "
        f"{result['sentences_right']} of {result['sentences']} clips without an error\n"
        f"learnt in {result['seconds_learning']:.0f} s, "
        f"{result['milliseconds_per_clip']:.1f} ms per clip"
    )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def _bars() -> Iterator[Callable[..., Any]]:
    """Progress bars; whatever ends the block, an error's message gets a line of its own."""
    from tqdm import tqdm

    with contextlib.ExitStack() as opened:

        def bar(things: Any, description: str = "") -> Any:
            return opened.enter_context(
                tqdm(things, desc=description, file=sys.stderr, mininterval=0.5, leave=False)
            )

        yield bar


if __name__ == "__main__":
    run(main)
