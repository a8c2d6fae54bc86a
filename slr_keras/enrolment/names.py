"""Names of enrolled signs, and the token of clips that show none of them."""

from dataclasses import dataclass
from typing import ClassVar

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed

#: What a clip shows that shows none of the enrolled signs.
UNKNOWN = "<unknown>"
#: Characters of the longest name.
LONGEST = 100


@dataclass(frozen=True)
class EnrolledVocabulary(Vocabulary):
    """The enrolled signs, and a name for what is none of them.

    >>> from slr_keras.enrolment.names import EnrolledVocabulary
    >>> EnrolledVocabulary(("hello",)).decode([1, 2])
    ('<unknown>', 'hello')
    """

    UNKNOWN: ClassVar[str] = UNKNOWN


def sign_name(text: str, where: str = "") -> str:
    """The name of a sign: composed, words joined by "-".

    Args:
        text: as the user or a folder writes it.
        where: the file, for messages.

    Raises:
        UserError: the name is empty, too long, reserved or not printable.

    >>> from slr_keras.enrolment.names import sign_name
    >>> sign_name(" thank  you ")
    'thank-you'
    """
    name = "-".join(composed(text).split())
    prefix = f"{where}: " if where else ""
    if not name:
        raise UserError(f"{prefix}the name of a sign is empty; give one")
    if len(name) > LONGEST:
        raise UserError(
            f"{prefix}the name of a sign has {len(name)} characters; at most {LONGEST} are allowed"
        )
    if not name.isprintable():
        raise UserError(f"{prefix}the name {name!r} has characters that cannot be printed")
    if name in (UNKNOWN, Vocabulary.UNKNOWN, Vocabulary.BLANK):
        raise UserError(f"{prefix}{name} is a reserved name; choose another one")
    return name
