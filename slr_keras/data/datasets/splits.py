"""Splits into train, dev and test for data sets that define none."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed


def by_signer(
    signers: Sequence[str], dev: Collection[str], test: Collection[str] = (), what: str = "signer"
) -> list[str]:
    """The split of every clip: the named signers are kept for dev and test.

    Args:
        signers: the signer of every clip.
        dev, test: the signers of these splits.
        what: "signer", or what else is kept apart, such as "session"; for messages.

    >>> from slr_keras.data.datasets.splits import by_signer
    >>> by_signer(["a", "b", "c", "a"], dev=["b"], test=["c"])
    ['train', 'dev', 'test', 'train']

    Raises:
        UserError: a signer is unknown or named twice, or nobody is left to train on.
    """
    signers, dev, test = (list(map(composed, names)) for names in (signers, dev, test))
    known = sorted(set(signers))
    for signer in [*dev, *test]:
        if signer not in known:
            raise UserError(f"no {what} {signer!r} in the data; known are {', '.join(known)}")
    both = set(dev) & set(test)
    if both:
        raise UserError(f"{what} {sorted(both)[0]!r} cannot be in dev and in test")
    if not set(known) - set(dev) - set(test):
        raise UserError(f"no {what} is left for train; name fewer for dev and test")
    return ["dev" if s in dev else "test" if s in test else "train" for s in signers]


def by_order(
    labels: Sequence[str], order: Sequence[int], dev: float, test: float, gap: float = 0.0
) -> list[str]:
    """The split of every clip: the last recordings of each label are test, those before dev.

    Consecutive recordings are similar; with a random split, scores would be too good.

    Args:
        labels: the label of every clip.
        order: when it was recorded, within its label.
        dev, test: fractions of each label; a fraction above 0 is at least one clip.
        gap: fraction of each label that is left out between train and dev; the split of these
            clips is "". Without it, the last clip of train was recorded just before the first of
            dev.

    >>> from slr_keras.data.datasets.splits import by_order
    >>> by_order(["a"] * 5, [4, 0, 1, 2, 3], dev=0.2, test=0.2)
    ['test', 'train', 'train', 'train', 'dev']
    >>> by_order(["a"] * 5, range(5), dev=0.2, test=0.2, gap=0.2)
    ['train', 'train', '', 'dev', 'test']

    Raises:
        UserError: the fractions leave nothing to train on.
    """
    check_fractions(dev, test, gap)
    labels, order = np.asarray(labels), np.asarray(order)
    splits = np.full(len(labels), "train", dtype="<U5")
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(order[rows], kind="stable")]
        for_test = max(1, round(test * len(rows))) if test else 0
        for_dev = max(1, round(dev * len(rows))) if dev else 0
        for_gap = max(1, round(gap * len(rows))) if gap else 0
        if for_test + for_dev + for_gap >= len(rows):
            raise UserError(f"label '{label}': {len(rows)} clips are too few for these fractions")
        splits[rows[len(rows) - for_test - for_dev - for_gap :]] = ""
        splits[rows[len(rows) - for_test - for_dev :]] = "dev"
        splits[rows[len(rows) - for_test :]] = "test"
    return splits.tolist()


def held_out(
    glosses: Sequence[Sequence[str]],
    signers: Sequence[str],
    dev_signers: Collection[str] = (),
    test_signers: Collection[str] = (),
    dev_fraction: float = 0.0,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """The split of every clip: named signers, or else fractions of the clips, are kept apart.

    The fractions are drawn from each sign or sentence alike. Every gloss keeps a clip in train, as
    far as more than one clip has it. There is at least one clip of a fraction above 0.

    Args:
        glosses, signers: of every clip.
        dev_signers, test_signers: signers of these splits; the fractions then do not count.
        dev_fraction, test_fraction: fractions of all clips.
        seed: of the random choice.

    >>> from slr_keras.data.datasets.splits import held_out
    >>> splits = held_out([["RAIN"]] * 10 + [["SUN"]] * 10, [""] * 20, dev_fraction=0.1)
    >>> splits[:10].count("dev"), splits[10:].count("dev")
    (1, 1)

    Raises:
        UserError: see `by_signer`; fractions out of range.
    """
    if dev_signers or test_signers:
        return by_signer(signers, dev_signers, test_signers)
    check_fractions(dev_fraction, test_fraction)
    splits = ["train"] * len(glosses)
    left = Counter(gloss for clip in glosses for gloss in set(clip))
    rows = _interleaved([" ".join(clip) for clip in glosses], seed)
    for split, fraction in (("test", test_fraction), ("dev", dev_fraction)):
        count = max(1, round(fraction * len(glosses))) if fraction else 0
        chosen = []
        for row in rows:
            if len(chosen) < count and all(left[gloss] > 1 for gloss in glosses[row]):
                chosen.append(row)
                left.subtract(set(glosses[row]))
        if count and not chosen and len(rows) > 1:
            # Of a few clips of as many glosses, one is kept apart all the same.
            chosen = rows[:1]
        for row in chosen:
            splits[row] = split
        rows = [row for row in rows if splits[row] == "train"]
    return splits


def _interleaved(labels: Sequence[str], seed: int) -> list[int]:
    """All rows in an order of which every beginning has about the same fraction of each label."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels, dtype=object)
    places = np.empty(len(labels))
    for label in sorted(set(labels)):
        rows = rng.permutation(np.flatnonzero(labels == label))
        places[rows] = (np.arange(len(rows)) + rng.random()) / len(rows)
    return np.argsort(places, kind="stable").tolist()


def folds(count: int, parts: int, seed: int) -> np.ndarray:
    """(count,) int: the fold of every row, of `parts` equal folds, by a seeded shuffle.

    >>> from slr_keras.data.datasets.splits import folds
    >>> sorted(folds(5, 2, seed=0).tolist())
    [0, 0, 0, 1, 1]
    """
    part = np.empty(count, int)
    part[np.random.default_rng(seed).permutation(count)] = np.arange(count) % parts
    return part


def check_fractions(*fractions: float) -> None:
    """Refuse fractions out of range.

    Raises:
        UserError: a fraction below 0, or all together 1 or more.
    """
    if any(not fraction >= 0 for fraction in fractions) or sum(fractions) >= 1:
        raise UserError(f"fractions {fractions}: each must be 0 or more, all together below 1")
