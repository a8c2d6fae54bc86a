"""Schema of a bundle's `metadata.json`: the fields that this program reads."""

from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.utils.schema import (
    any_text,
    anything,
    ascending,
    both,
    digest,
    file_name,
    mapping,
    number,
    one_of,
    record,
    sequence,
    text,
    whole,
)

SENTENCES, SIGN = "sentences", "sign"

# Clips of hours have fewer frames; files of a longer input do not fit into a phone.
_FRAMES = whole(1, 2**20)
_FILE = record({"file": file_name, "sha256": digest}, {"bytes": whole()})
_SHAPE = sequence(whole(1, 10**6), 1, 8)
_STREAMING = record(
    {
        "policy": text,
        "frames": whole(1, 64),
        "delay": whole(0, 10**4),
        "inputs": both(mapping(_SHAPE), record({"keypoints": _SHAPE})),
        "files": mapping(_FILE, 1),
    }
)

METADATA = record(
    {
        "run": record({"model": text}, {"name": any_text, "best": mapping(anything)}),
        "task": one_of(SENTENCES, SIGN),
        "contract": record({"digest": digest}),
        "vocabulary": record({"digest": digest}),
        "step_frames": _FRAMES,
        "heads": sequence(text, 1),
        "decoding": mapping(anything),
        "scoring": one_of(*CLEAN_UP),
        "data": mapping(anything),
        "buckets": ascending(_FRAMES),
        "precisions": mapping(record({"files": mapping(_FILE, 1)}), 1),
    },
    {"fps": number(1, 1000), "head": text, "streaming": _STREAMING},
)
