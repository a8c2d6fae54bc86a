"""The JSON object `enrolment.json` of an enrolment file: its fields, and the enrolment in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.enrolment.enrolment import MOST_SIGNS, EncoderIdentity, Enrolment, Example
from slr_keras.enrolment.names import sign_name
from slr_keras.enrolment.rest import RestGate
from slr_keras.enrolment.threshold import Impostors
from slr_keras.utils.schema import (
    Check,
    any_text,
    anything,
    digest,
    nullable,
    number,
    record,
    sequence,
    text,
    whole,
)

FORMAT, VERSION = "slr_keras.enrolment", 1
#: Limits of a file.
MOST_EXAMPLES, MOST_COMPONENTS = 100_000, 65_536
_EXAMPLE_KEYS = ("source", "frames", "movement", "low", "date")
_ENCODER_KEYS = ("name", "digest", "dimension", "naming_components")

_SCORE: Check = number(-1.0, 1.0)
_EXAMPLE = record(
    {
        "row": whole(0, MOST_EXAMPLES - 1),
        "source": any_text,
        "frames": whole(1),
        "movement": number(0),
        "low": number(0, 1),
    },
    {"date": any_text},
)
SCHEMA = record(
    {
        "encoder": record(
            {
                "name": text,
                "digest": digest,
                "dimension": whole(1, MOST_COMPONENTS),
                "naming_components": whole(1, MOST_COMPONENTS),
            }
        ),
        "contract": anything,
        "temperature": number(1e-6, 1e6),
        "impostors": record({"mean": _SCORE, "deviation": number(1e-6, 2.0)}),
        "rest": record(
            {
                "hands": sequence(sequence(whole(0, 10_000)), 2, 2),
                "movement": number(0),
                "low": nullable(number(0, 1)),
            }
        ),
        "signs": sequence(
            record(
                {"name": text, "examples": sequence(_EXAMPLE, 1, MOST_EXAMPLES)},
                {"spread": nullable(number(0, 2))},
            ),
            1,
            MOST_SIGNS,
        ),
    }
)


def assembled(
    value: Mapping[str, Any],
    vectors: np.ndarray,
    mirrored: np.ndarray,
    background: np.ndarray,
    path: Path,
) -> Enrolment:
    """The enrolment of a checked JSON object and its arrays.

    Args:
        value: content of `enrolment.json`, checked against `SCHEMA`.
        vectors, mirrored: `(examples, dimension)` float32.
        background: `(clips,)`.
        path: of the file, for messages.

    Raises:
        ValueError: parts of the file do not fit each other.
        UserError: a name or the contract is not valid.
    """
    names = tuple(sign_name(sign["name"], str(path)) for sign in value["signs"])
    if len(set(names)) < len(names):
        raise ValueError("two signs have one name")
    owners = np.full(len(vectors), -1)
    examples: list[Example | None] = [None] * len(vectors)
    for sign, entry in enumerate(value["signs"]):
        for about in entry["examples"]:
            row = about["row"]
            if row >= len(vectors) or owners[row] >= 0:
                raise ValueError(f"row {row} belongs to no example, or to two")
            owners[row] = sign
            examples[row] = Example(**{key: about[key] for key in _EXAMPLE_KEYS if key in about})
    encoder = EncoderIdentity(**{key: value["encoder"][key] for key in _ENCODER_KEYS})
    if encoder.naming_components > encoder.dimension:
        raise ValueError("more components name a sign than there are")
    contract = KeypointContract.from_json(value["contract"], f"{path}: contract")
    rest = value["rest"]
    hands = tuple(tuple(rows) for rows in rest["hands"])
    if any(row >= len(contract.points) for rows in hands for row in rows):
        raise ValueError("rest.hands names points that the contract does not have")
    if (np.diff(background) < 0).any() or (np.abs(background) > 1 + 1e-6).any():
        raise ValueError("background.npy holds no ascending cosines")
    impostors = Impostors(
        len(names), value["impostors"]["mean"], value["impostors"]["deviation"], background
    )
    return Enrolment(
        encoder,
        contract,
        names,
        owners,
        tuple(example for example in examples if example is not None),
        vectors,
        mirrored,
        impostors,
        RestGate(hands, rest["movement"], rest["low"]),
        value["temperature"],
    )


def described(enrolment: Enrolment) -> dict[str, Any]:
    """The JSON object of an enrolment."""

    def about(row: int) -> dict[str, Any]:
        example = enrolment.examples[row]
        values = {key: getattr(example, key) for key in _EXAMPLE_KEYS}
        return {"row": int(row), **{key: value for key, value in values.items() if value != ""}}

    return {
        "format": FORMAT,
        "version": VERSION,
        "encoder": {key: getattr(enrolment.encoder, key) for key in _ENCODER_KEYS},
        "contract": enrolment.contract.to_json(),
        "temperature": enrolment.temperature,
        "impostors": {
            "mean": enrolment.impostors.mean,
            "deviation": enrolment.impostors.deviation,
        },
        "rest": {
            "hands": [list(rows) for rows in enrolment.rest.hands],
            "movement": enrolment.rest.movement,
            "low": enrolment.rest.low,
        },
        "signs": [
            {
                "name": name,
                "spread": enrolment.spread(sign),
                "examples": [about(row) for row in enrolment.rows(sign)],
            }
            for sign, name in enumerate(enrolment.signs)
        ],
    }
