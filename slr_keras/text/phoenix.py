"""Text normalisation ("clean-up") of PHOENIX-2014 and PHOENIX-2014-T before scoring.

Published word error rates are computed after one of three clean-ups and are comparable only under
the same one:

* `clean_phoenix2014t`: whole sentences, reference and hypothesis (docs/papers/stark.md §2.4);
* `clean_phoenix2014`: whole sentences, reference and hypothesis, the rules of PHOENIX-2014;
* `clean_phoenix_hypothesis`: the hypothesis alone, word by word, as the script shipped with
  PHOENIX-2014 sees a CTM file (docs/papers/c2st.md §10.3, docs/papers/ustm.md §7.2). Rules that
  span words never act there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

Sentence = TypeVar("Sentence", str, Sequence[str])

EMPTY = "[EMPTY]"
"""The word of the published script for an empty sentence; it scores as one substitution."""

_PREFIXES = ("loc-", "cl-", "qu-", "poss-", "lh-")
_SPELLINGS = (("S0NNE", "SONNE"), ("HABEN2", "HABEN"))
_MARKERS = ("__EMOTION__", "__PU__", "__LEFTHAND__")
_DROPPED = ("__LEFTHAND__", "__EPENTHESIS__", "__EMOTION__")
_ROOM = re.compile("([A-Z][A-Z])RAUM")

_LETTER = "[A-Z]"


def _joint(left: str, right: str, before: str = "[ +]", after: str = "[ +]") -> re.Pattern[str]:
    return re.compile(f"({before}{left}) ({right}{after})")


# Order and number of passes are the published ones; they decide what happens at the ends of a
# sentence ("SCH A" stays, "A B" stays, "A B C" is joined) and so are kept to the letter.
_FIRST_JOINT = _joint(_LETTER, _LETTER, before="^")
_LONE_PAIR = re.compile(f"[ +]({_LETTER}) ({_LETTER}) ")
_LATER_JOINTS = (
    *[_joint(_LETTER, _LETTER)] * 3,
    _joint("SCH", _LETTER),
    _joint("NN", _LETTER),
    _joint(_LETTER, "NN"),
    _joint(_LETTER, _LETTER, after="$"),
)
_REPEAT = re.compile(r"(?<![\w-])([A-Z]+) \1(?![\w-])")
_REPEAT_PASSES = 4


def clean_phoenix2014t(sentence: Sentence) -> Sentence:
    """Clean a sentence, reference or hypothesis, as evaluations of PHOENIX-2014-T do.

    In this order (docs/papers/stark.md §2.4): delete `__XXX__` markers; `loc-X`, `cl-X`,
    `X-PLUSPLUS` become X; `XRAUM` becomes X; "WIE AUSSEHEN" becomes WIE-AUSSEHEN; spelled
    letters are joined with "+"; repeated words become one.

    Args:
        sentence: glosses, as a string or a sequence; the result is of the same kind (a sequence
            gives a tuple).

    >>> from slr_keras.metrics import clean_phoenix2014t
    >>> clean_phoenix2014t("IX IX A B C loc-NORDRAUM __ON__ WIE AUSSEHEN")
    'IX A+B+C NORD WIE-AUSSEHEN'
    >>> clean_phoenix2014t(["WIND-PLUSPLUS", "WIND"])
    ('WIND',)
    """
    text = _text(sentence)
    for marker in _DROPPED:
        text = text.replace(marker, "")
    text = re.sub(r"\b__[^_ ]*__\b", "", text)
    for prefix in ("loc", "cl"):
        text = re.sub(rf"\b{prefix}-([^ ]*)\b", r"\1", text)
    text = re.sub(r"\b([^ ]*)-PLUSPLUS\b", r"\1", text)
    text = re.sub(r"\b([A-Z]+)RAUM\b", r"\1", text)
    text = text.replace("WIE AUSSEHEN", "WIE-AUSSEHEN")
    return _like(sentence, _merge(_join_letters(text)))


def clean_phoenix2014(sentence: Sentence) -> Sentence:
    """Clean a sentence, reference or hypothesis, by the rules of PHOENIX-2014.

    Unlike `clean_phoenix2014t` it keeps `__ON__` and `__OFF__`, also strips `qu-`, `poss-` and
    `lh-`, corrects S0NNE and HABEN2, and turns ZEIGEN into ZEIGEN-BILDSCHIRM.

    >>> from slr_keras.metrics import clean_phoenix2014
    >>> clean_phoenix2014("__ON__ poss-MEIN loc-NORDRAUM HABEN2 A B C ZEIGEN __EMOTION__")
    '__ON__ MEIN NORD HABEN A+B+C ZEIGEN-BILDSCHIRM'
    """
    text = _text(sentence)
    for marker in (*_PREFIXES, *_MARKERS, *_DROPPED):
        text = text.replace(marker, "")
    for wrong, right in _SPELLINGS:
        text = text.replace(wrong, right)
    text = text.replace("WIE AUSSEHEN", "WIE-AUSSEHEN")
    text = re.sub("ZEIGEN(?= |$)", "ZEIGEN-BILDSCHIRM", text)
    text = _ROOM.sub(r"\1", _join_letters(text)).replace("-PLUSPLUS", "")
    return _like(sentence, _merge(text))


def clean_phoenix_word(word: str) -> str:
    """Clean one gloss of a hypothesis; "" where the published script drops the line.

    >>> from slr_keras.metrics import clean_phoenix_word
    >>> [clean_phoenix_word(word) for word in ("loc-SUEDRAUM", "ZEIGEN", "__PU__", "__ON__")]
    ['SUED', 'ZEIGEN-BILDSCHIRM', '', '__ON__']
    """
    for prefix in _PREFIXES:
        word = word.replace(prefix, "")
    for wrong, right in _SPELLINGS:
        word = word.replace(wrong, right)
    for marker in _MARKERS:
        word = word.replace(marker, "")
    if word.endswith("ZEIGEN"):
        word += "-BILDSCHIRM"
    word = _ROOM.sub(r"\1", word).replace("-PLUSPLUS", "")
    return "" if any(marker in word for marker in _DROPPED) else word


def clean_phoenix_hypothesis(glosses: Sequence[str], merge: bool = True) -> tuple[str, ...]:
    """Clean a hypothesis as the published CTM pipeline does; never apply it to references.

    Each gloss is cleaned alone, what became empty is dropped, neighbours that are now equal
    become one (docs/papers/ustm.md §7.3), and `[EMPTY]` stands where nothing is left.

    Args:
        glosses: the hypothesis.
        merge: False leaves repeats, as the pipeline does when sclite itself scores.

    >>> from slr_keras.metrics import clean_phoenix_hypothesis
    >>> clean_phoenix_hypothesis(["REGEN", "loc-REGEN", "REGEN-PLUSPLUS", "__EMOTION__"])
    ('REGEN',)
    >>> clean_phoenix_hypothesis([])
    ('[EMPTY]',)
    """
    words = [clean_phoenix_word(gloss) for gloss in glosses]
    words = [word for word in words if word]
    if merge:
        words = [word for word, _ in groupby(words)]
    return tuple(words) or (EMPTY,)


def _text(sentence: str | Sequence[str]) -> str:
    return (sentence if isinstance(sentence, str) else " ".join(sentence)).strip()


def _like(sentence: Sentence, text: str) -> Sentence:
    return text if isinstance(sentence, str) else tuple(text.split())


def _join_letters(text: str) -> str:
    text = _FIRST_JOINT.sub(r"\1+\2", text)
    text = _LONE_PAIR.sub(r" \1+\2 ", text)
    for joint in _LATER_JOINTS:
        text = joint.sub(r"\1+\2", text)
    return text


def _merge(text: str) -> str:
    text = " ".join(text.split())
    for _ in range(_REPEAT_PASSES):
        text = _REPEAT.sub(r"\1", text)
    return " ".join(word for word, _ in groupby(text.split()))


# A recipe's `data.scoring` → what cleans a sentence up before it is scored.
CLEAN_UP: Mapping[str, Callable[[tuple[str, ...]], tuple[str, ...]]] = {
    "plain": tuple,
    "phoenix2014": clean_phoenix2014,
    "phoenix2014t": clean_phoenix2014t,
}
