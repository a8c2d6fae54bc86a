"""Train a gloss language model on a data folder's sentences.

Example:
    python -m slr_keras.gloss_lm data/demo --to gloss_lm.npz
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import (
    count,
    number,
    positive,
    run,
)
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.data.vocabulary import Vocabulary

_SHARE = number(lambda value: 0 <= value <= 0.9, "a number in 0..0.9")
_RATE = number(lambda value: 1e-8 <= value <= 1, "a number in 1e-08..1")

ORDERS = (1, 2, 3, 4)

_EPILOG = """\
A small causal Transformer learns which gloss follows from train.jsonl alone, and stops when the
perplexity on dev.jsonl no longer falls. The report sets it beside n-gram models of orders 1 to 4.
Ids are those of --vocabulary, else of vocabulary.txt in the data folder, else of the glosses of
train by frequency, as in training a recogniser; the file refuses to load with another vocabulary.

example:
  python -m slr_keras.gloss_lm data/demo --to gloss_lm.npz
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's)."""
    options = build_parser().parse_args(arguments)
    if options.width % options.heads:
        raise UserError(
            f"--width {options.width} is not a multiple of --heads {options.heads}; change one"
        )
    vocabulary, train, dev = _sentences(options.data, options.vocabulary)
    started = time.perf_counter()
    model, epochs = _trained(options, len(vocabulary), train, dev)
    result = {
        "data": str(options.data),
        "sentences": {"train": len(train), "dev": len(dev)},
        "glosses": len(vocabulary.glosses),
        "vocabulary_digest": vocabulary.digest,
        "parameters": model.count_params(),
        "seed": options.seed,
        "epochs": epochs,
        "seconds": round(time.perf_counter() - started, 1),
        "dev_perplexity": _perplexities(model, vocabulary, train, dev),
    }
    from slr_keras.models.gloss_lm import save_language_model

    save_language_model(options.to, model, vocabulary, notes=result)
    print(json.dumps(result, indent=2) if options.json else _text(result, options.to))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.gloss_lm",
        description="Train a gloss language model on a data folder's sentences.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="data folder with train.jsonl and dev.jsonl")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE", help="a run's vocabulary.txt")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    numbers = (
        ("--epochs", 40, "at most"),
        ("--patience", 4, "epochs without a lower dev perplexity before it stops"),
        ("--batch", 32, "sentences in a step"),
        ("--blocks", 2, "Transformer blocks"),
        ("--width", 256, "channels"),
        ("--heads", 4, "attention heads"),
        ("--capacity", 64, "glosses that a context can hold"),
    )
    for name, default, text in numbers:
        parser.add_argument(
            name, type=positive, default=default, metavar="N", help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--dropout", type=_SHARE, default=0.3, metavar="X", help="in 0..0.9 (default: 0.3)"
    )
    parser.add_argument(
        "--learning-rate", type=_RATE, default=1e-3, metavar="X", help="of AdamW (default: 0.001)"
    )
    parser.add_argument("--seed", type=count, default=0, help="of every choice (default: 0)")
    return parser


def _sentences(folder: Path, named: Path | None) -> tuple["Vocabulary", list, list]:
    """The vocabulary, and the ids of the labelled sentences of train and dev."""
    from slr_keras.data.manifest import read_manifest
    from slr_keras.data.vocabulary import Vocabulary

    splits = {}
    for split in ("train", "dev"):
        path = folder / f"{split}.jsonl"
        if not path.is_file():
            raise UserError(f"{folder}: no {split}.jsonl; the language model needs train and dev")
        splits[split] = read_manifest(path)
        if not any(sample.glosses for sample in splits[split]):
            raise UserError(f"{path}: no clip has glosses to learn from")
    beside = folder / "vocabulary.txt"
    file = named or (beside if beside.is_file() else None)
    train = list(splits["train"])
    vocabulary = Vocabulary.read(file) if file else Vocabulary.from_samples(train)
    ids = [
        [vocabulary.encode(sample.glosses, "unk") for sample in manifest if sample.glosses]
        for manifest in splits.values()
    ]
    return vocabulary, *ids


def _trained(options: argparse.Namespace, size: int, train: list, dev: list) -> tuple[Any, int]:
    """The model at its best, and how many epochs it took."""
    import keras

    from slr_keras.models.gloss_lm import CausalLanguageModel
    from slr_keras.models.gloss_lm.training import CausalTraining, train_causal

    keras.utils.set_random_seed(options.seed)
    model = CausalLanguageModel(
        size,
        width=options.width,
        blocks=options.blocks,
        heads=options.heads,
        dropout=options.dropout,
        capacity=options.capacity,
    )
    settings = CausalTraining(
        epochs=options.epochs,
        patience=options.patience,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )

    def report(epoch: int, loss: float, dev_perplexity: float) -> None:
        line = f"epoch {epoch}: loss {loss:.3f}, dev perplexity {dev_perplexity:.3f}"
        print(line, file=sys.stderr, flush=True)

    curve = train_causal(model, train, dev, settings, report)
    return model, len(curve)


def _perplexities(model, vocabulary: "Vocabulary", train: list, dev: list) -> dict[str, float]:
    from slr_keras.decoding.language_model import NgramLanguageModel
    from slr_keras.models.gloss_lm.training import perplexity

    found = {"causal": perplexity(model, dev)}
    for order in ORDERS:
        ngram = NgramLanguageModel.train(train, order, len(vocabulary), vocabulary.digest)
        found[f"{order}-gram"] = ngram.perplexity(dev)
    return found


def _text(result: dict[str, Any], path: Path) -> str:
    rows = [f"  {name:<8} {value:9.3f}" for name, value in result["dev_perplexity"].items()]
    return "\n".join(
        [
            f"{result['sentences']['train']} training sentences, {result['glosses']} glosses, "
            f"{result['parameters']:,} parameters, {result['epochs']} epochs in "
            f"{result['seconds']:.0f} s, seed {result['seed']}",
            f"perplexity on {result['sentences']['dev']} dev sentences:",
            *rows,
            f"written to {path}",
        ]
    )


if __name__ == "__main__":
    run(main)
