"""Change an enrolment: add recordings, remove, rename, merge."""

from collections.abc import Sequence

import numpy as np

from slr_keras.enrolment.encoding import Encoder, background_of
from slr_keras.enrolment.enrolment import Enrolment, enrolled
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest


def joined(parts: Sequence[Enrolment], encoder: Encoder) -> Enrolment:
    """One enrolment with the recordings of several; signs of one name become one sign.

    A recording that is there already, with equal vectors and the same name, is kept once.

    Args:
        parts: at least one, all made with `encoder`.
        encoder: whose background signs give the threshold.

    Raises:
        UserError: a part was made with another encoder.
    """
    for part in parts:
        part.require_encoder(encoder)
    names: list[str] = []
    examples, vectors, mirrored = [], [], []
    seen: set[tuple[str, bytes]] = set()
    for part in parts:
        for row, example in enumerate(part.examples):
            name = part.signs[part.owners[row]]
            key = name, part.vectors[row].tobytes()
            if key in seen:
                continue
            seen.add(key)
            names.append(name)
            examples.append(example)
            vectors.append(part.vectors[row])
            mirrored.append(part.mirrored[row])
    return enrolled(
        parts[0].encoder,
        parts[0].contract,
        names,
        examples,
        np.stack(vectors),
        np.stack(mirrored),
        background_of(encoder),
    )


def without(enrolment: Enrolment, removed: Sequence[str], encoder: Encoder) -> Enrolment:
    """The enrolment without some signs.

    Raises:
        UserError: a sign is not enrolled, or none would be left.
    """
    for name in removed:
        require_sign(enrolment, name)
    gone = [enrolment.signs.index(name) for name in removed]
    kept = np.flatnonzero(~np.isin(enrolment.owners, gone)).tolist()
    if not kept:
        raise UserError("no sign would be left; delete the file instead")
    enrolment.require_encoder(encoder)
    return enrolled(
        enrolment.encoder,
        enrolment.contract,
        [enrolment.signs[enrolment.owners[row]] for row in kept],
        [enrolment.examples[row] for row in kept],
        enrolment.vectors[kept],
        enrolment.mirrored[kept],
        background_of(encoder),
    )


def require_sign(enrolment: Enrolment, name: str) -> None:
    """Refuse the name of a sign that is not enrolled.

    Raises:
        UserError: names the nearest one.
    """
    if name not in enrolment.signs:
        raise UserError(f"there is no sign {name!r}{nearest(name, enrolment.signs)}")
