"""Word vectors from text files of fastText (`.vec`) and GloVe, one word per line."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from slr_keras.models.gloss_lm.text import gloss_text
from slr_keras.text.tables import whole_number
from slr_keras.utils.errors import UserError
from slr_keras.utils.schema import shown
from slr_keras.utils.unicode import composed


def read_word_vectors(path: str | Path, wanted: Collection[str]) -> dict[str, np.ndarray]:
    """Read the vectors of some words; the file is read line by line, since such files are large.

    Args:
        path: a text file, with or without fastText's first line ("words width").
        wanted: the words to look up.

    Returns:
        vectors `(width,)` float32 by word; words that the file lacks are left out, and of two
        vectors of a word the first counts.

    Raises:
        UserError: the file cannot be read, or a line is not a word and `width` numbers.

    >>> import pathlib
    >>> from slr_keras.models.gloss_lm import read_word_vectors
    >>> _ = pathlib.Path("tiny.vec").write_text("2 3\\nRegen 1 0 0\\nNord 0 1 0\\n")
    >>> read_word_vectors("tiny.vec", {"Nord"})["Nord"].tolist()
    [0.0, 1.0, 0.0]
    """
    vectors: dict[str, np.ndarray] = {}
    width = 0
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                fields = line.rstrip().split(" ")
                if number == 1 and len(fields) == 2 and all(f.isdecimal() for f in fields):
                    width = whole_number(fields[1]) or 0
                    if width < 1:
                        raise UserError(
                            f"{path}:1: {shown(fields[1])} is no length of vectors; is it a .vec "
                            "file?"
                        )
                    continue
                width = width or len(fields) - 1
                if width < 1:
                    raise UserError(f"{path}:{number}: no word and its numbers; is it a .vec file?")
                # A few words of GloVe's largest file hold spaces.
                word = composed(" ".join(fields[:-width]))
                if word in wanted and word not in vectors:
                    vectors[word] = _numbers(fields[-width:], width, f"{path}:{number}")
    except OSError as error:
        raise UserError(f"{path}: word vectors cannot be read ({error.strerror})") from error
    return vectors


def gloss_vectors(
    path: str | Path, glosses: Sequence[str], seed: int = 0
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make a vector for every gloss.

    A gloss is looked up as written, then as ordinary text (`gloss_text`), then in lower case. The
    vector of several words is their mean. Glosses without a known word get random vectors with the
    standard deviation of the known ones.

    Args:
        path: a file for `read_word_vectors`.
        glosses: the glosses in the order of their ids.
        seed: seed of the random vectors. Defaults to `0`.

    Returns:
        `(glosses, width)` float32, and the glosses without a known word.

    Raises:
        UserError: the file cannot be read or has no vector for any gloss.

    >>> import pathlib
    >>> from slr_keras.models.gloss_lm import gloss_vectors
    >>> _ = pathlib.Path("tiny.vec").write_text("Wind 1 0\\nNord 0 1\\n")
    >>> vectors, missing = gloss_vectors("tiny.vec", ["WIND-NORD", "XYZ"])
    >>> vectors[0].tolist(), missing
    ([0.5, 0.5], ('XYZ',))
    """
    spellings = {gloss: _spellings(gloss) for gloss in glosses}
    wanted = {word for choices in spellings.values() for words in choices for word in words}
    known = read_word_vectors(path, wanted)
    if not known:
        raise UserError(
            f"{path}: has a vector for none of the {len(glosses)} glosses; is it of the glosses' "
            "language?"
        )
    spread = float(np.std(list(known.values())))
    width = len(next(iter(known.values())))
    vectors = np.random.default_rng(seed).normal(0, spread, (len(glosses), width))
    missing = []
    for row, gloss in enumerate(glosses):
        choices = ([known[word] for word in words if word in known] for words in spellings[gloss])
        first = next((choice for choice in choices if choice), None)
        if first is None:
            missing.append(gloss)
        else:
            vectors[row] = np.mean(first, axis=0)
    return vectors.astype(np.float32), tuple(missing)


def _spellings(gloss: str) -> list[list[str]]:
    """Spellings of a gloss, each a list of words; the preferred one is first."""
    return [[gloss], gloss_text(gloss).split(), gloss_text(gloss, cased=False).split()]


def _numbers(fields: list[str], width: int, where: str) -> np.ndarray:
    try:
        vector = np.array(fields, np.float32)
    except ValueError as error:
        raise UserError(f"{where}: not a word and {width} numbers; is it a .vec file?") from error
    if len(vector) != width or not np.isfinite(vector).all():
        raise UserError(f"{where}: not {width} finite numbers; is the file whole?")
    return vector
