"""Train a gloss language model on a data folder's sentences."""

import json
import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import between, learning_rate, positive

EXAMPLE = """\
A small causal Transformer learns from train.jsonl to predict the next gloss. Training stops when
the perplexity on dev.jsonl no longer falls. The report lists n-gram models of orders 1 to 4 for
comparison. Gloss ids are those of --vocabulary, else of vocabulary.txt in the data folder, else of
the glosses of train by frequency, as for a recogniser; the file cannot be loaded with another
vocabulary.

example:
  slr gloss_lm data/demo --to gloss_lm.npz
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    if options.width % options.heads:
        raise UserError(
            f"--width {options.width} is not a multiple of --heads {options.heads}; change one"
        )
    from slr_keras.training.gloss_language_model import (
        plain_text,
        read_sentences,
        train_gloss_language_model,
    )

    sentences = read_sentences(options.data, options.vocabulary)
    from slr_keras.models.gloss_lm import save_language_model
    from slr_keras.models.gloss_lm.training import CausalTraining

    architecture = {
        name: getattr(options, name) for name in ("width", "blocks", "heads", "dropout", "capacity")
    }
    settings = CausalTraining(
        epochs=options.epochs,
        patience=options.patience,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    model, figures = train_gloss_language_model(sentences, architecture, settings, _print_epoch)
    vocabulary = sentences.vocabulary
    result = {
        "data": str(options.data),
        "sentences": {"train": len(sentences.train), "dev": len(sentences.dev)},
        "glosses": len(vocabulary.glosses),
        "vocabulary_digest": vocabulary.digest,
        **figures,
    }
    save_language_model(options.to, model, vocabulary, notes=result)
    text = f"{plain_text(result)}\nwritten to {options.to}"
    print(json.dumps(result, indent=2) if options.json else text)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.gloss_lm", __doc__, EXAMPLE)
    add = parser.add_argument
    add("data", type=Path, help="data folder with train.jsonl and dev.jsonl")
    add("--to", type=Path, required=True, metavar="FILE", help="file to write (.npz)")
    add(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="vocabulary.txt of a run (default: that of the data folder)",
    )
    parser.add_json()
    numbers = (
        ("--epochs", 40, "largest number of epochs"),
        ("--patience", 4, "epochs without a lower dev perplexity before training stops"),
        ("--batch", 32, "sentences per step"),
        ("--blocks", 2, "Transformer blocks"),
        ("--width", 256, "embedding dimension"),
        ("--heads", 4, "attention heads"),
        ("--capacity", 64, "largest number of glosses in a context"),
    )
    for name, default, text in numbers:
        add(name, type=positive, default=default, metavar="N", help=f"{text} (default: {default})")
    add(
        "--dropout",
        type=between(0, 0.9),
        default=0.3,
        metavar="X",
        help="dropout rate, 0 to 0.9 (default: 0.3)",
    )
    add(
        "--learning-rate",
        type=learning_rate,
        default=1e-3,
        metavar="X",
        help="learning rate of AdamW (default: 0.001)",
    )
    parser.add_seed()
    return parser


def _print_epoch(epoch: int, loss: float, dev_perplexity: float) -> None:
    line = f"epoch {epoch}: loss {loss:.3f}, dev perplexity {dev_perplexity:.3f}"
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
