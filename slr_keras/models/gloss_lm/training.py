"""Training of a causal gloss language model on sequences of ids (docs/papers/c2st.md §3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from slr_keras.models.gloss_lm.causal import CausalLanguageModel

Sentences = Sequence[Sequence[int]]
END = 0
SENTENCES_AT_ONCE = 64


@dataclass(frozen=True)
class CausalTraining:
    """Settings of `train_causal`.

    Attributes:
        epochs: maximum number of epochs.
        patience: epochs without a better dev perplexity before training stops.
        batch: sentences per step (batch_size).
        learning_rate: learning rate of AdamW.
        weight_decay: decoupled weight decay of AdamW.
        seed: seed of the order of sentences.
    """

    epochs: int = 40
    patience: int = 4
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    seed: int = 0


def perplexity(model: CausalLanguageModel, sentences: Sentences) -> float:
    """Perplexity per gloss; the end of a sentence counts as a gloss.

    Comparable with `NgramLanguageModel.perplexity` on the same sentences.

    >>> from slr_keras.models.gloss_lm import CausalLanguageModel
    >>> from slr_keras.models.gloss_lm.training import perplexity
    >>> perplexity(CausalLanguageModel(5, width=8, heads=2), [(1, 2), (3,)]) > 1
    True
    """
    labels, lengths = padded(sentences)
    total = 0.0
    for start in range(0, len(labels), SENTENCES_AT_ONCE):
        rows = slice(start, start + SENTENCES_AT_ONCE)
        targets, weights = next_glosses(labels[rows], lengths[rows])
        contexts = model.encode_prefixes(labels[rows], lengths[rows])
        scores = np.asarray(model.next_gloss_logits(contexts), np.float64)
        scores -= scores.max(-1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
        total -= (np.take_along_axis(scores, targets[..., None], -1)[..., 0] * weights).sum()
    return float(np.exp(total / (lengths.sum() + len(lengths))))


def train_causal(
    model: CausalLanguageModel,
    train: Sentences,
    dev: Sentences,
    settings: CausalTraining | None = None,
    report: Callable[[int, float, float], None] = lambda *_: None,
) -> list[float]:
    """Train with early stopping; the model gets the weights of the best dev perplexity.

    Args:
        model: the model to train.
        train: gloss ids of the training sentences.
        dev: gloss ids of the sentences for early stopping.
        settings: Defaults to `CausalTraining()`.
        report: called after each epoch with its number, mean training loss and dev perplexity.

    Returns:
        dev perplexity after each epoch.
    """
    settings = settings or CausalTraining()
    labels, lengths = padded(train)
    trainer = _NextGloss(model)
    trainer.compile(
        optimizer=keras.optimizers.AdamW(
            settings.learning_rate, weight_decay=settings.weight_decay, clipnorm=1.0
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        jit_compile=False,
    )
    order = np.random.default_rng(settings.seed)
    curve: list[float] = []
    best = model.get_weights()
    for epoch in range(1, settings.epochs + 1):
        losses = []
        for rows in _batches(order.permutation(len(labels)), settings.batch):
            targets, weights = next_glosses(labels[rows], lengths[rows])
            losses.append(trainer.train_on_batch([labels[rows], lengths[rows]], targets, weights))
            trainer.reset_metrics()
        curve.append(perplexity(model, dev))
        report(epoch, float(np.mean(losses)), curve[-1])
        if curve[-1] == min(curve):
            best = model.get_weights()
        if epoch - 1 - int(np.argmin(curve)) >= settings.patience:
            break
    model.set_weights(best)
    return curve


def padded(sentences: Sentences) -> tuple[np.ndarray, np.ndarray]:
    """Labels `(n, longest)` int32, padded with 0 at the end, and lengths `(n,)`.

    >>> from slr_keras.models.gloss_lm.training import padded
    >>> padded([(1, 2), (3,)])[0].tolist()
    [[1, 2], [3, 0]]
    """
    lengths = np.array([len(sentence) for sentence in sentences], np.int32)
    labels = np.zeros((len(lengths), int(lengths.max(initial=1))), np.int32)
    for row, sentence in enumerate(sentences):
        labels[row, : len(sentence)] = sentence
    return labels, lengths


def next_glosses(labels: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gloss after each prefix, with 0 at the end of the sentence, and the loss weights.

    Args:
        labels: `(n, T)` gloss ids, padded at the end.
        lengths: `(n,)` glosses of each sentence.

    Returns:
        targets `(n, T + 1)` and float32 weights `(n, T + 1)`, 0 on padding.

    >>> import numpy as np
    >>> from slr_keras.models.gloss_lm.training import next_glosses
    >>> targets, weights = next_glosses(np.array([[5, 6, 0]]), np.array([2]))
    >>> targets.tolist(), weights.tolist()
    ([[5, 6, 0, 0]], [[1.0, 1.0, 1.0, 0.0]])
    """
    targets = np.pad(labels, ((0, 0), (0, 1)), constant_values=END)
    place = np.arange(targets.shape[1])[None, :]
    return np.where(place < lengths[:, None], targets, END), np.float32(place <= lengths[:, None])


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Batches of one size; the last one is filled up with rows of the first."""
    size = min(size, len(rows))
    count = -(-len(rows) // size)
    return list(np.resize(rows, (count, size)))


class _NextGloss(keras.Model):
    """From labels and lengths to the logits of the gloss after each prefix."""

    def __init__(self, language_model):
        super().__init__(name="next_gloss")
        self.language_model = language_model

    def call(self, inputs, training=False):
        labels, lengths = inputs
        contexts = self.language_model(labels, lengths, training=training)
        return self.language_model.next_gloss_logits(contexts)
