"""CTC by enumerating every path: slow, obviously right."""

from collections import defaultdict
from itertools import groupby, product

import numpy as np


def collapse(path):
    return tuple(key for key, _ in groupby(path) if key != 0)


def every_path(log_probs):
    """{path: log-probability} of all classes ** steps paths."""
    steps, classes = log_probs.shape
    return {
        path: float(sum(log_probs[t, c] for t, c in enumerate(path)))
        for path in product(range(classes), repeat=steps)
    }


def every_sequence(log_probs):
    """{ids: log P(ids)} of every label sequence that some path collapses to."""
    mass = defaultdict(float)
    for path, value in every_path(log_probs).items():
        mass[collapse(path)] += np.exp(value)
    return {ids: float(np.log(value)) for ids, value in mass.items() if value > 0}


def textbook_prefix_beam(log_probs, beam, fused=lambda prefix: 0.0):
    """Prefix beam search over dictionaries, whole vocabulary, nothing vectorised.

    `fused` gives what a prefix gets on top of its mass.
    """
    masses = {(): (0.0, -np.inf)}
    for step in log_probs:
        grown = defaultdict(lambda: (-np.inf, -np.inf))

        def add(prefix, blank, gloss, grown=grown):
            old = grown[prefix]
            grown[prefix] = (np.logaddexp(old[0], blank), np.logaddexp(old[1], gloss))

        for prefix, (blank, gloss) in masses.items():
            total = np.logaddexp(blank, gloss)
            add(prefix, total + step[0], -np.inf)
            for c in range(1, len(step)):
                if prefix and c == prefix[-1]:
                    add(prefix, -np.inf, gloss + step[c])
                    add((*prefix, c), -np.inf, blank + step[c])
                else:
                    add((*prefix, c), -np.inf, total + step[c])
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]) - fused(item[0]))
        masses = {p: m for p, m in ranked[:beam] if np.logaddexp(*m) > -np.inf}
    return list(masses)


def random_log_probs(rng, steps, classes, sharpness=None):
    """Log-probabilities from nearly flat to nearly one-hot."""
    sharpness = rng.choice([0.3, 1.0, 3.0, 8.0]) if sharpness is None else sharpness
    logits = rng.normal(size=(steps, classes)) * sharpness
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
