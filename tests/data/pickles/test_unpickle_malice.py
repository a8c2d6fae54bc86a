"""The pickle reader against malice: nothing in a file is run, no declared size is believed."""

import functools
import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.pickles.unpickle import read_pickle
from slr_keras.utils.errors import UserError


@pytest.fixture
def save(tmp_path):
    """Write bytes to a file, give its path."""

    def save(data: bytes) -> Path:
        path = tmp_path / "file.pkl"
        path.write_bytes(data)
        return path

    return save


@pytest.fixture
def canary(tmp_path):
    """A file that a malicious pickle would create."""
    return tmp_path / "canary"


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.reduced

    def __call__(self):
        """So that the result of a call can itself be called in a pickle."""


def touch(canary: Path) -> str:
    return f"touch {canary}"


def calls(canary: Path) -> dict[str, object]:
    """Pickles that create the canary when run."""
    code = f"open({str(canary)!r}, 'w').close()"
    return {
        "os.system": Call(os.system, touch(canary)),
        "eval": Call(eval, code),
        "exec": Call(exec, code),
        "getattr": Call(Call(getattr, Call(__import__, "os"), "system"), touch(canary)),
        "in a list": [{"a": (1, Call(os.system, touch(canary)))}],
        "as a key": {Call(os.system, touch(canary)): 1},
        "in an object array": np.array([Call(os.system, touch(canary))], dtype=object),
        "by a partial": Call(functools.partial, os.system, touch(canary)),
    }


KINDS = list(calls(Path("canary")))


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_calls_in_a_pickle_are_refused_and_run_nothing(save, canary, kind, protocol):
    path = save(pickle.dumps(calls(canary)[kind], protocol=protocol))
    with pytest.raises(UserError, match=r"file\.pkl.*not plain data"):
        read_pickle(path)
    assert not canary.exists()


def test_the_canary_sings_where_python_s_own_reader_is_used(canary):
    # Without this the tests around it could pass because their pickles do nothing at all.
    pickle.loads(pickle.dumps(calls(canary)["os.system"]))
    assert canary.exists()


def test_the_message_names_file_and_refused_global(save, canary):
    path = save(pickle.dumps(Call(os.system, touch(canary))))
    with pytest.raises(UserError, match=r"file\.pkl.*'(posix|nt)\.system'"):
        read_pickle(path)


def nested(storage: bytes, size: int = 1, stride: int = 1) -> bytes:
    """A pickled tensor of two equal axes over the storage that `storage` should hold."""
    data = b"B" + struct.pack("<I", len(storage)) + storage
    shape = b"(I%d\nI%d\nt(I%d\nI%d\nt" % (size, size, stride, stride)
    loaded = b"ctorch.storage\n_load_from_bytes\n(" + data + b"tR"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + loaded + b"I0\n" + shape + b"tR."


def legacy(*pickles: bytes) -> bytes:
    """The older format of torch.save: magic number, version, system, then what is given."""
    head = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join((*head, *pickles))


def archive(data: bytes, numbers: bytes = b"\0\0\0\0") -> bytes:
    """The zip format of torch.save."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        new.writestr("archive/data.pkl", data)
        new.writestr("archive/data/0", numbers)
    return file.getvalue()


def storage(elements: int, kind: bytes = b"FloatStorage") -> bytes:
    """A pickle that is one persistent id."""
    return b"(Vstorage\nctorch\n" + kind + b"\nV0\nVcpu\nI%d\ntQ." % elements


@pytest.mark.parametrize(
    "wrap",
    [
        lambda evil: nested(evil),
        lambda evil: nested(legacy(evil)),
        lambda evil: nested(legacy(storage(0), evil)),
        lambda evil: nested(archive(evil)),
        lambda evil: legacy(evil),
        lambda evil: archive(evil),
        lambda evil: gzip.compress(evil),
    ],
)
def test_calls_nested_in_storages_and_archives_run_nothing(save, canary, wrap):
    path = save(wrap(pickle.dumps(Call(os.system, touch(canary)), 2)))
    with pytest.raises(UserError, match=r"not plain data.*system"):
        read_pickle(path)
    assert not canary.exists()


def test_storages_inside_of_storages_are_refused(save):
    inner = nested(legacy(storage(0), pickle.dumps(["0"]), struct.pack("<q", 0)))
    with pytest.raises(UserError, match="_rebuild_tensor_v2"):
        read_pickle(save(nested(legacy(inner))))


@pytest.mark.parametrize(
    "data",
    [
        b"ccollections\nOrderedDict\n}Va\nI1\nsb.",  # set an attribute of an allowed name
        b"ccollections\nOrderedDict.fromkeys\n(]tR.",  # a name behind an allowed name
        b"(icollections\nOrderedDict\n.",  # instances by other instructions
        b"(ccollections\nOrderedDict\no.",
        b"ccollections\nOrderedDict\n)\x81.",
        b"\x82\x01.",  # the registry of extensions
        b"Vid\nQ.",  # persistent ids outside of torch's formats
        b"Pid\n.",
        b"ctorch\nFloatStorage\n(I1\ntR.",  # a name that is only an argument, called
        b"Vos\nI1\n\x93.",
        b"\x80\x05\x97.",  # out-of-band buffers
        b"cnumpy\ndtype\n(VO\nI0\nI1\ntR.",  # arrays of objects
        b"cnumpy\ndtype\n(V(2,)O\nI0\nI1\ntR.",
        b"cnumpy\ndtype\n(Vf4,O\nI0\nI1\ntR.",
        b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
    ],
)
def test_instructions_and_names_that_data_never_needs_are_refused(save, data):
    with pytest.raises(UserError, match="not plain data"):
        read_pickle(save(data))


# --- sizes ------------------------------------------------------------------------------------

ONE_NUMBER = legacy(storage(1), pickle.dumps(["0"], 2), struct.pack("<qf", 1, 0.5))


def overlapping() -> bytes:
    """An archive whose directory says that an entry is a gigabyte long."""
    data = archive(b"N.", bytes(1000))
    return data.replace(struct.pack("<II", 1000, 1000), struct.pack("<II", 1 << 30, 1 << 30))


def compressed() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("archive/data.pkl", b"N" + bytes(1 << 20))
    return file.getvalue()


BOMBS = {
    "bytes": (b"\x8e" + struct.pack("<Q", 2**62) + b"x", "bytes announced"),
    "text": (b"\x8d" + struct.pack("<Q", 2**62) + b"x", "bytes announced"),
    "number": (b"\x8b" + struct.pack("<i", 2**31 - 1) + b"x", "bytes announced"),
    "memo": (b"Nr\xff\xff\xff\xff0", "ends too early"),
    "legacy storage": (legacy(storage(2**20)), "1048576 numbers announced"),
    "expanded tensor": (nested(ONE_NUMBER, size=10**6, stride=0), "larger than its storage"),
    "tensor beyond its storage": (nested(ONE_NUMBER).replace(b"I0\n", b"I1\n"), "reaches beyond"),
    "gzip": (
        gzip.compress(b"\x8e" + struct.pack("<Q", 1 << 25) + bytes(1 << 25) + b"."),
        "bytes announced",
    ),
    "compressed archive": (compressed(), "archive is compressed"),
    "archive of overlapping entries": (overlapping(), "more bytes than the file holds"),
}


def test_the_sound_form_of_the_bombs_is_read(save):
    np.testing.assert_array_equal(read_pickle(save(nested(ONE_NUMBER))), [[0.5]])


@pytest.mark.parametrize("kind", BOMBS)
def test_declared_sizes_are_not_believed(save, kind):
    data, message = BOMBS[kind]
    with pytest.raises(UserError, match=rf"file\.pkl.*{message}"):
        read_pickle(save(data))


@pytest.mark.timeout(20)
def test_nested_pairs_that_hash_for_ever_are_refused(save):
    # Each step pairs the last value with itself: sixty steps are 2**60 hashes.
    pair = b")q\x00" + b"h\x00\x86q\x00" * 60
    with pytest.raises(UserError, match="dictionary key"):
        read_pickle(save(b"}" + pair + b"Ns."))
