"""The mark-up of words in NIST's transcripts, read as sclite 2.4 reads it.

* `{ HAUS / GEBAEUDE / @ }`: any of these is right; alternations may be nested.
* `@`: no word at all; neither its absence nor its presence counts.
* `WORD*`: one final star is dropped.
* `WORD;tag;tag`: tags are dropped, in TRN and STM; `\\;` is a semicolon, other backslashes go.
* `IGNORE_TIME_SEGMENT_IN_SCORING`, in any case: an STM segment that is not scored.

Optionally deletable `(WORD)` and the fragment `WO-` are words like any other, as in sclite without
its options -D and -F.
"""

import re
from collections.abc import Sequence

from slr_keras.utils.errors import UserError

NULL = "@"
"""The word that stands for no word."""

IGNORE = "ignore_time_segment_in_scoring"
"""The text of an STM segment that is not scored, in lower case."""

Words = tuple["str | tuple[Words, ...]", ...]
"""Words and alternations in order; an alternation is a tuple of `Words`."""

_DEEPEST = 50
_TAG = re.compile(r"(?<!\\);")
_ALTERNATION = re.compile(r"(?<!\S)[{}](?!\S)|\{[^{}]*/[^{}]*\}")


def parse_words(text: str, where: str) -> Words:
    """Parse the words of a TRN or STM sentence.

    Args:
        text: the sentence.
        where: file and line, for messages.

    Raises:
        UserError: a brace without its partner or inside a word, an alternation without a word, or
            a word that consists of tags alone; names file and line.

    >>> from slr_keras.text.nist_words import parse_words
    >>> parse_words("{ HAUS / GROSS BAU / @ } REGEN*", "dev.trn:1")
    ((('HAUS',), ('GROSS', 'BAU'), ('@',)), 'REGEN')
    """
    # One entry for each open alternation: the alternatives before this one, and the words around.
    outside: list[tuple[list[Words], list]] = []
    words: list = []
    for token in _tokens(text, where):
        if token == "{":
            if len(outside) == _DEEPEST:
                raise UserError(f"{where}: more than {_DEEPEST} alternations inside each other")
            outside.append(([], words))
            words = []
        elif token == "/" and outside:
            outside[-1][0].append(tuple(words))
            words = []
        elif token == "}":
            if not outside:
                raise UserError(f"{where}: a }} without a {{ before it; write {{ A / B }}")
            alternatives, around = outside.pop()
            # sclite passes over empty alternatives; @ is the one without a word.
            alternatives = [each for each in (*alternatives, tuple(words)) if each]
            if not alternatives:
                raise UserError(f"{where}: an alternation without a word; write @ for no word")
            words = [*around, tuple(alternatives)]
        else:
            words.append(scored_word(token, where))
    if outside:
        raise UserError(f"{where}: a {{ without a }} behind it; write {{ A / B }}")
    return tuple(words)


def _tokens(text: str, where: str) -> list[str]:
    """Braces, slashes inside of braces, and words."""
    tokens, depth = [], 0
    for chunk in text.split():
        # Outside of braces a slash is part of a word, and a brace must begin one.
        while chunk:
            if depth or chunk[0] in "{}":
                part = re.match(r"[{}/]|[^{}/]+", chunk)[0]
            else:
                part = chunk
                if "{" in part or "}" in part:
                    raise UserError(f"{where}: {part!r} has a brace inside; put spaces around it")
            depth += (part == "{") - (part == "}")
            tokens.append(part)
            chunk = chunk[len(part) :]
            if depth < 0:
                return tokens
    return tokens


def scored_word(token: str, where: str) -> str:
    """A word of TRN or STM without its tags, backslashes and final star.

    Raises:
        UserError: nothing is left.
    """
    word = without_star(_TAG.split(token, maxsplit=1)[0].replace("\\", ""))
    if not word:
        raise UserError(f"{where}: {token!r} has no word before its tags")
    return word


def without_star(word: str) -> str:
    """A word without the final star, by which a transcriber marks it.

    >>> from slr_keras.text.nist_words import without_star
    >>> without_star("HAUS*"), without_star("*")
    ('HAUS', '*')
    """
    return word[:-1] if len(word) > 1 and word.endswith("*") else word


def has_choices(words: Sequence) -> bool:
    """Whether words hold an alternation or the word for no word.

    >>> from slr_keras.text.nist_words import has_choices
    >>> has_choices(("A", "B")), has_choices(("A", (("B",), ("@",))))
    (False, True)
    """
    return any(word == NULL or not isinstance(word, str) for word in words)


def is_ignored(text: str) -> bool:
    """Whether the text of a sentence takes its segment out of the scoring."""
    return IGNORE in text.casefold()


def refuse_markup(text: str, where: str, format: str) -> None:
    """Refuse mark-up in a format that sclite has no mark-up for.

    Args:
        text: the sentence.
        where: file and line.
        format: name of the format.

    Raises:
        UserError: an alternation in braces, or a segment to ignore.

    >>> from slr_keras.text.nist_words import refuse_markup
    >>> refuse_markup("{ A / B } C", "dev.csv:2", "CSV")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: dev.csv:2: alternatives in braces are read in TRN and STM, \
not in CSV; write the file as TRN, or choose one alternative
    """
    refuse_ignored(text, where, format)
    if _ALTERNATION.search(text):
        raise UserError(
            f"{where}: alternatives in braces are read in TRN and STM, not in {format}; write the "
            "file as TRN, or choose one alternative"
        )


def refuse_ignored(text: str, where: str, format: str) -> None:
    """Refuse a segment to ignore in a format other than STM.

    Raises:
        UserError: the sentence says IGNORE_TIME_SEGMENT_IN_SCORING, in any case.
    """
    if is_ignored(text):
        raise UserError(
            f"{where}: segments to ignore are read in STM, not in {format}; write the file as STM, "
            "or remove the sentence from reference and hypothesis"
        )
