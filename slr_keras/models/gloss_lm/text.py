"""Glosses as ordinary words, for language models of text (docs/papers/c2st.md §3, §10.3)."""

import re

from slr_keras.text.phoenix import clean_phoenix_word

_JOINTS = re.compile(r"[-+_\s]+")


def gloss_text(gloss: str, cased: bool = True) -> str:
    """Convert a gloss to ordinary text.

    The clean-up rules of PHOENIX are applied first; "-" and "+" then separate words. Words in upper
    case, which tokenizers split into many pieces, become capitalised. Scripts without case do not
    change.

    Args:
        gloss: one gloss.
        cased: whether words are capitalised; `False` for lower case. Defaults to `True`.

    Returns:
        words separated by spaces; "" if the rules drop the gloss.

    >>> from slr_keras.models.gloss_lm import gloss_text
    >>> gloss_text("loc-NORDRAUM"), gloss_text("WIE-AUSSEHEN"), gloss_text("__EMOTION__")
    ('Nord', 'Wie Aussehen', '')
    >>> gloss_text("A+B", cased=False)
    'a b'
    """
    words = _JOINTS.split(clean_phoenix_word(gloss))
    return " ".join(word.capitalize() if cased else word.lower() for word in words if word)
