"""A random problem of a given size for the implementations of the CST loss."""

from typing import NamedTuple

import numpy as np


class Size(NamedTuple):
    """Samples, steps, labels and classes.

    >>> from slr_keras.benchmarks.cst.problem import Size
    >>> Size(2, 36, 12, 1296).nodes
    936
    """

    batch: int
    steps: int
    labels: int
    classes: int

    @property
    def nodes(self) -> int:
        """Nodes of all lattices."""
        return self.batch * self.steps * (self.labels + 1)

    @property
    def least_memory(self) -> int:
        """Bytes of both parts of the logits and of their exponentials, in single precision.

        What the additive form must hold (docs/papers/c2st.md §5.7), its arcs aside.
        """
        return 2 * self.input_memory("additive")

    def input_memory(self, name: str) -> int:
        """Bytes of the logits that a contender is given, in single precision."""
        rows = self.batch * (self.steps + self.labels + 1)
        if "CTC" in name:
            rows = self.batch * self.steps
        return 4 * self.classes * (self.nodes if "full" in name else rows)


class Problem(NamedTuple):
    """Random input of full length: every sample has all steps and labels."""

    visual: np.ndarray
    context: np.ndarray
    labels: np.ndarray
    steps: np.ndarray
    glosses: np.ndarray

    @classmethod
    def of(cls, size: Size, seed: int = 0) -> "Problem":
        """Logits of standard deviation 1 and labels that are never the blank."""
        rng = np.random.default_rng(seed)
        batch, steps, labels, classes = size
        return cls(
            rng.normal(size=(batch, steps, classes)).astype("float32"),
            rng.normal(size=(batch, labels + 1, classes)).astype("float32"),
            rng.integers(1, classes, (batch, labels)).astype("int32"),
            np.full(batch, steps, "int32"),
            np.full(batch, labels, "int32"),
        )
