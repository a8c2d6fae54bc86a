"""The enrolment file: the same content after reading, and clear words for any other file."""

import io
import json
import os
import zipfile

import numpy as np
import pytest

from slr_keras.enrolment.storage import read_enrolment, write_enrolment
from slr_keras.utils.errors import UserError


@pytest.fixture
def file(tmp_path, enrolment):
    path = tmp_path / "my_signs.slr"
    write_enrolment(path, enrolment)
    return path


def entries(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, changes: dict[str, bytes | None], method=zipfile.ZIP_STORED):
    content = {**entries(path), **changes}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            if data is not None:
                archive.writestr(name, data)


def changed(path, change):
    value = json.loads(entries(path)["enrolment.json"])
    change(value)
    rewritten(path, {"enrolment.json": json.dumps(value).encode()})


def array(values, kind) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(values, kind))
    return stream.getvalue()


def test_what_is_read_is_what_was_written(file, enrolment):
    read = read_enrolment(file)
    for name in ("encoder", "contract", "signs", "examples", "rest", "temperature"):
        assert getattr(read, name) == getattr(enrolment, name), name
    for name in ("owners", "vectors", "mirrored"):
        np.testing.assert_array_equal(getattr(read, name), getattr(enrolment, name))
    assert read.impostors.threshold(0.05) == enrolment.impostors.threshold(0.05)


def test_the_same_enrolment_gives_the_same_bytes(file, enrolment, tmp_path):
    other = tmp_path / "again.slr"
    write_enrolment(other, read_enrolment(file))
    assert other.read_bytes() == file.read_bytes()


def test_stored_entries_are_read_as_deflated_ones(file, enrolment):
    rewritten(file, {})
    np.testing.assert_array_equal(read_enrolment(file).vectors, enrolment.vectors)


def test_entries_and_keys_of_later_writers_are_ignored(file):
    rewritten(file, {"thumbnails/RAIN.png": b"picture"})
    changed(file, lambda value: value.update(note="mine"))
    assert read_enrolment(file).signs == ("RAIN", "WORK", "MOTHER")


def test_another_suffix_is_not_written(tmp_path, enrolment):
    with pytest.raises(UserError, match=r"my_signs\.slr"):
        write_enrolment(tmp_path / "my_signs.zip", enrolment)


@pytest.mark.parametrize(
    ("version", "words"), [(2, "install a newer slr_keras"), (0, "enrol the recordings again")]
)
def test_files_of_other_versions_say_what_to_do(file, version, words):
    changed(file, lambda value: value.update(version=version))
    with pytest.raises(UserError, match=words):
        read_enrolment(file)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06" + bytes(18)])
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "foreign.slr"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"not an enrolment file; .slr enrol. makes one"):
        read_enrolment(path)


def test_a_foreign_archive_is_refused(tmp_path):
    path = tmp_path / "foreign.slr"
    np.savez(path.with_suffix(".npz"), keypoints=np.zeros(3))
    path.with_suffix(".npz").rename(path)
    with pytest.raises(UserError, match="not an enrolment file"):
        read_enrolment(path)


def test_a_missing_file_says_how_one_is_made(tmp_path):
    with pytest.raises(UserError, match="slr enrol recordings --to"):
        read_enrolment(tmp_path / "missing.slr")


def test_a_pipe_and_a_folder_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.slr")
    (tmp_path / "folder.slr").mkdir()
    for name in ("pipe.slr", "folder.slr"):
        with pytest.raises(UserError):
            read_enrolment(tmp_path / name)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_damaged(file, fraction):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(UserError, match=r"damaged enrolment file .*enrol the recordings again"):
        read_enrolment(file)


def test_a_changed_byte_is_noticed_or_does_no_harm(file, enrolment):
    data = file.read_bytes()
    for place in range(0, len(data), 997):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            read = read_enrolment(file)
        except UserError:
            continue
        np.testing.assert_array_equal(read.vectors, enrolment.vectors)
        assert read.signs == enrolment.signs


ARRAYS = {
    "missing": {"vectors.npy": None},
    "another shape": {"vectors.npy": array(np.zeros((2, 2)), "<f4")},
    "doubles": {"mirrored.npy": array(np.zeros((9, 2)), "<f8")},
    "objects": {"vectors.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, "},
    "not finite": {"background.npy": array([np.nan], "<f8")},
    "not ascending": {"background.npy": array([0.5, 0.1], "<f8")},
    "no cosine": {"background.npy": array([7.0], "<f8")},
    "no array": {"vectors.npy": b"hello"},
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_are_damage(file, name):
    rewritten(file, ARRAYS[name])
    with pytest.raises(UserError, match="damaged enrolment file"):
        read_enrolment(file)


def test_an_array_that_expands_to_gigabytes_is_refused_before_it_does(file):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (40000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    bomb = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(160_000_000)
    rewritten(file, {"vectors.npy": bomb}, zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < 1_000_000
    with pytest.raises(UserError, match=r"vectors.npy states 160,000"):
        read_enrolment(file)


def _first(value):
    return value["signs"][0]


WRONG = {
    "a row twice": lambda value: _first(value)["examples"][1].update(row=0),
    "a row too far": lambda value: _first(value)["examples"][1].update(row=99),
    "a name twice": lambda value: _first(value).update(name="WORK"),
    "a reserved name": lambda value: _first(value).update(name="<unknown>"),
    "too many signs": lambda value: value.update(signs=[_first(value)] * 2001),
    "no signs": lambda value: value.update(signs=[]),
    "text for a number": lambda value: value["impostors"].update(mean="high"),
    "no deviation": lambda value: value["impostors"].update(deviation=0),
    "no contract": lambda value: value.update(contract={}),
    "hands of other points": lambda value: value["rest"].update(hands=[[5000], []]),
    "more naming components": lambda value: value["encoder"].update(naming_components=65_536),
    "a huge dimension": lambda value: value["encoder"].update(dimension=10**9),
}


@pytest.mark.parametrize("name", WRONG)
def test_descriptions_that_do_not_fit_are_refused(file, name):
    changed(file, WRONG[name])
    with pytest.raises(UserError, match=r"my_signs\.slr: "):
        read_enrolment(file)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000])
def test_descriptions_that_are_no_objects_are_refused(file, text):
    rewritten(file, {"enrolment.json": text})
    with pytest.raises(UserError, match=r"my_signs\.slr: "):
        read_enrolment(file)
