"""Bag of frames: independent classification of every frame, then smoothing and collapsing.

The classifier has one hidden layer (or none: softmax regression) and is trained with Adam in NumPy.
"""

from itertools import pairwise

import numpy as np

from slr_keras.baselines.segments import REST


class FrameClassifier:
    """Classifier of single frames, P(gloss | frame).

    Args:
        classes: labels; include `REST` to learn frames of rest.
        hidden: width of the hidden layer; 0 for softmax regression.
        epochs, batch, rate, decay: number of epochs, batch size, learning rate with cosine decay
            to 0, and decoupled weight decay of Adam.
        least_steps: minimum number of training steps; small data sets get more epochs.
        seed: seed of initial weights and order of samples.

    >>> import numpy as np
    >>> from slr_keras.baselines.bag import FrameClassifier
    >>> frames = np.repeat(np.eye(2, dtype=np.float32), 50, axis=0)
    >>> model = FrameClassifier(("A", "B"), hidden=0).fit(frames, [0] * 50 + [1] * 50)
    >>> model.log_probabilities(np.eye(2)).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        hidden: int = 128,
        epochs: int = 12,
        batch: int = 256,
        rate: float = 3e-3,
        decay: float = 1e-2,
        least_steps: int = 1500,
        seed: int = 0,
    ):
        self.classes = classes
        self.hidden, self.epochs, self.batch = hidden, epochs, batch
        self.rate, self.decay = rate, decay
        self.least_steps, self.seed = least_steps, seed
        self._weights: list[np.ndarray] = []

    def fit(self, frames: np.ndarray, labels, progress=None) -> "FrameClassifier":
        """Train the classifier.

        Args:
            frames: `(frames, features)`.
            labels: `(frames,)` class indices.
            progress: wraps the iterable of epochs, for a progress bar.
        """
        frames = np.asarray(frames, np.float32)
        labels = np.asarray(labels)
        rng = np.random.default_rng(self.seed)
        self._weights = self._initial(frames.shape[1], rng)
        moments = [(np.zeros_like(w), np.zeros_like(w)) for w in self._weights]
        steps_per_epoch = -(-len(frames) // self.batch)
        epochs = range(max(self.epochs, -(-self.least_steps // steps_per_epoch)))
        total, step = len(epochs) * steps_per_epoch, 0
        for _ in epochs if progress is None else progress(epochs):
            order = rng.permutation(len(frames))
            for first in range(0, len(order), self.batch):
                rows = order[first : first + self.batch]
                rate = self.rate * 0.5 * (1 + np.cos(np.pi * step / total))
                step += 1
                self._update(self._gradients(frames[rows], labels[rows]), moments, rate, step)
        return self

    def log_probabilities(self, frames: np.ndarray) -> np.ndarray:
        """Compute the log-probabilities `(frames, classes)` of `(frames, features)`."""
        logits = self._forward(np.asarray(frames, np.float32))[-1]
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def _initial(self, width: int, rng: np.random.Generator) -> list[np.ndarray]:
        sizes = (
            [width, self.hidden, len(self.classes)] if self.hidden else [width, len(self.classes)]
        )
        weights = []
        for fan_in, fan_out in pairwise(sizes):
            weights.append(rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)).astype(np.float32))
            weights.append(np.zeros(fan_out, np.float32))
        return weights

    def _forward(self, frames: np.ndarray) -> list[np.ndarray]:
        """Input of every layer, then the logits."""
        values = [frames]
        for layer in range(0, len(self._weights), 2):
            value = values[-1] @ self._weights[layer] + self._weights[layer + 1]
            last = layer + 2 == len(self._weights)
            values.append(value if last else np.maximum(value, 0))
        return values

    def _gradients(self, frames: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
        values = self._forward(frames)
        logits = values[-1]
        error = np.exp(logits - logits.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(len(labels)), labels] -= 1
        error /= len(labels)
        gradients = []
        for layer in range(len(self._weights) - 2, -1, -2):
            value = values[layer // 2]
            gradients = [value.T @ error, error.sum(axis=0), *gradients]
            if layer:
                error = (error @ self._weights[layer].T) * (value > 0)
        return gradients

    def _update(self, gradients, moments, rate: float, step: int) -> None:
        for weight, gradient, (first, second) in zip(self._weights, gradients, moments):
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            corrected = np.sqrt(second / (1 - 0.999**step)) + 1e-8
            if weight.ndim == 2:
                weight *= 1 - rate * self.decay
            weight -= rate * (first / (1 - 0.9**step)) / corrected


def smooth(log_probabilities: np.ndarray, window: int) -> np.ndarray:
    """Average the probabilities over a sliding window of frames, `(frames, classes)`.

    >>> import numpy as np
    >>> from slr_keras.baselines.bag import smooth
    >>> smooth(np.log([[1.0], [0.4], [1.0]]), 3)[1].round(2).tolist()
    [0.8]
    """
    probabilities = np.exp(log_probabilities)
    total = np.concatenate([np.zeros((1, probabilities.shape[1])), probabilities.cumsum(axis=0)])
    frame = np.arange(len(probabilities))
    start = np.maximum(frame - window // 2, 0)
    end = np.minimum(frame + window // 2 + 1, len(probabilities))
    return (total[end] - total[start]) / (end - start)[:, None]


def collapse(labels: list[str], shortest: int = 1) -> tuple[str, ...]:
    """Collapse runs of equal labels to glosses; drop runs under `shortest` frames, and rest.

    >>> from slr_keras.baselines.bag import collapse
    >>> collapse(["A", "A", "B", "A", "", "", "A"], shortest=1)
    ('A', 'B', 'A', 'A')
    >>> collapse(["A", "A", "B", "A", "A", "", "", "C", "C"], shortest=2)
    ('A', 'C')
    """
    runs: list[list] = []
    for label in labels:
        if runs and runs[-1][0] == label:
            runs[-1][1] += 1
        else:
            runs.append([label, 1])
    kept: list[str] = []
    for label, length in runs:
        if length >= shortest and (not kept or kept[-1] != label):
            kept.append(label)
    return tuple(label for label in kept if label != REST)
