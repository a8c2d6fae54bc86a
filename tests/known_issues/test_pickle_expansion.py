"""A small pickle could fill the memory although no declared size was believed.

A stream refers to a value again with two bytes. `_codecs.encode` of one text, `OrderedDict` of one
list and a tensor of one storage made copies of it without end: 1 MB became 398 MB.
"""

import gzip
import pickle
import tracemalloc

import pytest

from slr_keras.data.pickles.unpickle import read_pickle
from slr_keras.utils.errors import UserError
from slr_keras.weights import read_checkpoint

REPEATS = 1000


def _text(length):
    return b"X" + length.to_bytes(4, "little") + b"a" * length


def encode_bomb():
    """A list of encodings of one memoised text."""
    call = b"c_codecs\nencode\nh\x01h\x02\x86R"
    return (
        b"\x80\x02"
        + _text(100_000)
        + b"q\x010X\x06\x00\x00\x00latin1q\x020]("
        + (call * REPEATS + b"e.")
    )


def ordered_bomb():
    """A list of ordered dictionaries of one memoised list of pairs."""
    pairs = b"".join(b"X\x04\x00\x00\x00%04dN\x86" % n for n in range(1000))
    call = b"ccollections\nOrderedDict\nh\x01\x85R"
    return b"\x80\x02](" + pairs + b"eq\x010](" + call * REPEATS + b"e."


def memo_bomb():
    """One value that is memoised again and again, one byte each time."""
    return b"\x80\x04N" + b"\x94" * 400_000 + b"."


def empty_bomb():
    """A list of empty dictionaries, one byte each."""
    return b"\x80\x02](" + b"}" * 1_000_000 + b"e."


BOMBS = {"encode": encode_bomb, "ordered": ordered_bomb, "memo": memo_bomb}


# A checkpoint never needs `_codecs.encode`: it is passed over there.
@pytest.mark.parametrize(
    ("read", "name"),
    [*((read_pickle, name) for name in BOMBS), (read_checkpoint, "ordered")],
)
def test_a_bomb_of_repeated_values_is_refused_within_memory(name, read, tmp_path):
    data = BOMBS[name]()
    path = tmp_path / "bomb.pkl"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="expands to far more"):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (16 << 20) + 64 * len(data)


def test_a_compressed_bomb_counts_by_the_size_of_its_file(tmp_path):
    path = tmp_path / "bomb.pkl.gz"
    path.write_bytes(gzip.compress(empty_bomb()))
    with pytest.raises(UserError):
        read_pickle(path)


def test_many_small_values_of_a_usual_file_are_read(tmp_path):
    value = {
        f"clip-{n}": {"gloss": "RAIN SOON", "keypoint": [[0.1 * n, 0.2, 1.0]] * 3, "n": (n, n + 1)}
        for n in range(500)
    }
    for protocol in (2, 4):
        data = pickle.dumps(value, protocol)
        path = tmp_path / "clips.pkl"
        path.write_bytes(data)
        assert read_pickle(path) == value
        path.write_bytes(gzip.compress(data))
        assert read_pickle(path) == value
