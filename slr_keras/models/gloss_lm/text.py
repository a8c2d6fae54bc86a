"""Glosses as words that a language model of ordinary text knows (specs/c2st.md §3, §10.3)."""

import re

from slr_keras.text.phoenix import clean_phoenix_word

_JOINTS = re.compile(r"[-+_\s]+")


def gloss_text(gloss: str, cased: bool = True) -> str:
    """A gloss as ordinary text.

    The clean-up rules of PHOENIX come first, then "-" and "+" part words, and upper case, which
    falls into many pieces, becomes a capital and lower case. Scripts without case stay as they are.

    Args:
        gloss: one gloss.
        cased: capitals as German nouns have them; False for lower case throughout.

    Returns:
        words with spaces between; "" where the rules drop the gloss.

    >>> from slr_keras.models.gloss_lm import gloss_text
    >>> gloss_text("loc-NORDRAUM"), gloss_text("WIE-AUSSEHEN"), gloss_text("__EMOTION__")
    ('Nord', 'Wie Aussehen', '')
    >>> gloss_text("A+B", cased=False)
    'a b'
    """
    words = _JOINTS.split(clean_phoenix_word(gloss))
    return " ".join(word.capitalize() if cased else word.lower() for word in words if word)
