"""Score an encoder on signs that it was not fitted to: naming from a few examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

#: From clips to vectors, and to those of the mirrored clips.
Vectors = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FewShot:
    """Result of one number of examples for each sign.

    Attributes:
        examples: K.
        accuracies: of each draw of the examples, by query group: `(draws, groups)`.
        groups: names of the query groups, such as sessions; the last one is "all".
    """

    examples: int
    accuracies: np.ndarray
    groups: tuple[str, ...]

    def row(self) -> str:
        """A line of the table: mean over the draws with its range, and the worst group."""
        everything = 100 * self.accuracies[:, -1]
        means = 100 * self.accuracies.mean(axis=0)
        worst = int(means[:-1].argmin()) if len(self.groups) > 1 else 0
        span = f"({everything.min():.1f} to {everything.max():.1f})"
        return (
            f"{self.examples:>3}  {means[-1]:6.2f} {span:>16}  worst {means[worst]:6.2f} "
            f"{self.groups[worst]}"
        )


def few_shot(
    vectors: Vectors,
    labels: Sequence[str],
    groups: Sequence[str],
    support: str,
    examples: int,
    draws: int = 5,
) -> FewShot:
    """Name clips by the nearest mean of a few examples, or of their mirror images.

    Args:
        vectors: `(clips, components)` of the clips and of the mirrored clips.
        labels: sign of each clip.
        groups: session or person of each clip.
        support: group of the examples; the clips of the other groups are named. Empty: examples
            come from all clips, and the others are named.
        examples: K, for each sign.
        draws: number of draws of the examples, seeds 0, 1, ...

    Raises:
        ValueError: a sign has fewer clips than examples.

    >>> import numpy as np
    >>> from export.presets.few_shot import few_shot
    >>> points = np.array([[1.0, 0.0], [0.0, 1.0]] * 4)
    >>> result = few_shot((points, -points), ["a", "b"] * 4, ["s0", "s0", "s1", "s1"] * 2, "s0", 1)
    >>> float(result.accuracies.min())
    1.0
    """
    known, turned = (_unit(np.asarray(v, np.float64)) for v in vectors)
    signs, session = np.asarray(labels), np.asarray(groups)
    names = np.unique(signs)
    found: list[list[float]] = []
    shown: list[str] = []
    for draw in range(draws):
        taken, prototypes = drawn(known, turned, signs, session, support, examples, draw)
        queries = np.flatnonzero(session != support) if support else np.flatnonzero(~taken)
        scores = np.maximum(*(known[queries] @ side.T for side in prototypes))
        right = names[scores.argmax(axis=1)] == signs[queries]
        shown = sorted(set(session[queries])) if support else []
        found.append([right[session[queries] == g].mean() for g in shown] + [right.mean()])
    return FewShot(examples, np.array(found), (*shown, "all"))


def drawn(
    known: np.ndarray,
    turned: np.ndarray,
    signs: np.ndarray,
    session: np.ndarray,
    support: str,
    examples: int,
    seed: int,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Which clips are examples in a draw, and the prototypes of both sides by name."""
    rng = np.random.default_rng(seed)
    taken, sides = np.zeros(len(signs), bool), ([], [])
    for name in np.unique(signs):
        rows = np.flatnonzero((signs == name) & ((session == support) | (not support)))
        if len(rows) < examples:
            raise ValueError(f"{name}: {len(rows)} clips, {examples} examples are wanted")
        rows = rng.choice(rows, examples, replace=False)
        taken[rows] = True
        for side, values in zip(sides, (known, turned), strict=True):
            side.append(values[rows].mean(axis=0))
    return taken, (_unit(np.stack(sides[0])), _unit(np.stack(sides[1])))


def compared(
    systems: dict[str, Callable[[], Vectors]],
    labels: Sequence[str],
    groups: Sequence[str],
    support: str,
) -> str:
    """The table of several systems for one, three and five examples."""
    lines = ["examples, accuracy % (draws), worst group"]
    for name, vectors in systems.items():
        both = vectors()
        lines.append(name)
        lines += [few_shot(both, labels, groups, support, k).row() for k in (1, 3, 5)]
    return "\n".join(lines)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
