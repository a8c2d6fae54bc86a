"""Train a causal gloss language model on the sentences of a data folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.data.manifest import read_manifest
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.models.gloss_lm import CausalLanguageModel
    from slr_keras.models.gloss_lm.training import CausalTraining

ORDERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Sentences:
    """The labelled sentences of a data folder.

    Attributes:
        vocabulary: maps glosses to ids.
        train, dev: gloss ids of each sentence.
    """

    vocabulary: Vocabulary
    train: list
    dev: list


def read_sentences(folder: Path, vocabulary: Path | None = None) -> Sentences:
    """Read the sentences of the train and dev splits.

    Args:
        folder: data folder.
        vocabulary: vocabulary file; by default vocabulary.txt of the folder or, if the folder has
            none, the glosses of train by frequency.

    Raises:
        UserError: a split is missing, or none of its clips has glosses.
    """
    splits = {}
    for split in ("train", "dev"):
        path = folder / f"{split}.jsonl"
        if not path.is_file():
            raise UserError(f"{folder}: no {split}.jsonl; the language model needs train and dev")
        splits[split] = read_manifest(path)
        if not any(sample.glosses for sample in splits[split]):
            raise UserError(f"{path}: no clip has glosses to learn from")
    beside = folder / "vocabulary.txt"
    file = vocabulary or (beside if beside.is_file() else None)
    known = Vocabulary.read(file) if file else Vocabulary.from_samples(list(splits["train"]))
    train, dev = (
        [known.encode(sample.glosses, "unk") for sample in manifest if sample.glosses]
        for manifest in splits.values()
    )
    return Sentences(known, train, dev)


def train_gloss_language_model(
    sentences: Sentences,
    architecture: dict[str, Any],
    settings: "CausalTraining",
    report: Callable[[int, float, float], None],
) -> tuple["CausalLanguageModel", dict[str, Any]]:
    """Train a model and compare its perplexity with n-gram models of orders 1 to 4.

    Args:
        sentences: result of `read_sentences`.
        architecture: arguments of `CausalLanguageModel` after the vocabulary size.
        settings: training settings; the seed also initialises the weights.
        report: called after each epoch with its number, the loss and the dev perplexity.

    Returns:
        The model with the weights of the lowest dev perplexity, and a record with the number of
        parameters, epochs and seconds and the dev perplexity of each model.
    """
    # Imported here, so that unusable sentences are refused before TensorFlow is loaded.
    import keras

    from slr_keras.decoding.language_model import NgramLanguageModel
    from slr_keras.models.gloss_lm import CausalLanguageModel
    from slr_keras.models.gloss_lm.training import perplexity, train_causal

    started = time.perf_counter()
    keras.utils.set_random_seed(settings.seed)
    vocabulary = sentences.vocabulary
    model = CausalLanguageModel(len(vocabulary), **architecture)
    curve = train_causal(model, sentences.train, sentences.dev, settings, report)
    seconds = time.perf_counter() - started
    perplexities = {"causal": perplexity(model, sentences.dev)}
    for order in ORDERS:
        ngram = NgramLanguageModel.train(sentences.train, order, len(vocabulary), vocabulary.digest)
        perplexities[f"{order}-gram"] = ngram.perplexity(sentences.dev)
    return model, {
        "parameters": model.count_params(),
        "seed": settings.seed,
        "epochs": len(curve),
        "seconds": round(seconds, 1),
        "dev_perplexity": perplexities,
    }


def plain_text(result: dict[str, Any]) -> str:
    """Format a result as text.

    Args:
        result: record of `train_gloss_language_model`, plus `sentences` and `glosses`.
    """
    rows = [f"  {name:<8} {value:9.3f}" for name, value in result["dev_perplexity"].items()]
    return "\n".join(
        [
            f"{result['sentences']['train']} training sentences, {result['glosses']} glosses, "
            f"{result['parameters']:,} parameters, {result['epochs']} epochs in "
            f"{result['seconds']:.0f} s, seed {result['seed']}",
            f"perplexity on {result['sentences']['dev']} dev sentences:",
            *rows,
        ]
    )
