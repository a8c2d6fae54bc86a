"""Look-up by example: nearest entries, and an index that follows the folder."""

import contextlib
import os
import time
import zipfile

import numpy as np
import pytest
from counting_encoder import CountingEncoder

from slr_keras.data.layout import layout
from slr_keras.dictionary import Dictionary
from slr_keras.dictionary.files import Names
from slr_keras.dictionary.index import read_index
from slr_keras.utils.errors import UserError


def test_another_recording_of_a_sign_finds_its_entry(signs, encoder, prepared):
    dictionary = Dictionary.open(signs, encoder)
    for sign in ("RAIN", "WORK", "MOTHER", "SHRINK"):
        (nearest,) = dictionary.nearest([prepared(sign, 1)], top=2)
        assert nearest[0].gloss == sign
        assert [entry.rank for entry in nearest] == [1, 2]
        assert nearest[0].similarity >= nearest[1].similarity


def test_a_clip_equals_its_own_entry_and_so_does_its_mirror_image(signs, encoder, prepared, rules):
    from slr_keras.data.keypoints import mirror

    dictionary = Dictionary.open(signs, encoder)
    clip = prepared("RAIN", 0)
    for shown in (clip, mirror(clip, rules.mirror)):
        ((nearest,),) = dictionary.nearest([shown], top=1)
        assert nearest.file == "RAIN.npy"
        assert nearest.similarity == pytest.approx(1, abs=1e-5)


def test_the_second_opening_encodes_nothing(signs, encoder):
    first = Dictionary.open(signs, encoder)
    second = Dictionary.open(signs, encoder)
    assert (first.encoded, second.encoded, encoder.clips) == (4, 0, 4)
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert first.index == signs.with_name("signs.index")


def test_only_new_and_changed_files_are_encoded_and_removed_ones_are_dropped(
    signs, encoder, simulated, prepared
):
    Dictionary.open(signs, encoder)
    np.save(signs / "NEW.npy", simulated("WORK", 3))
    np.save(signs / "RAIN.npy", simulated("MOTHER", 3))
    (signs / "SHRINK.npy").unlink()
    dictionary = Dictionary.open(signs, encoder)
    assert dictionary.encoded == 2
    assert dictionary.files == ("MOTHER.npy", "NEW.npy", "RAIN.npy", "WORK.npy")
    ((nearest,),) = dictionary.nearest([prepared("MOTHER", 3)], top=1)
    assert nearest.file == "RAIN.npy"


@pytest.mark.parametrize("what", ["time", "size"])
def test_a_file_whose_time_or_size_alone_differs_is_read_again(signs, encoder, simulated, what):
    path = signs / "RAIN.npy"
    before = path.stat()
    Dictionary.open(signs, encoder)
    clip = simulated("RAIN", 0)
    np.save(path, clip[::-1] if what == "time" else clip[:-1])
    times = (before.st_mtime_ns, before.st_mtime_ns + (what == "time"))
    os.utime(path, ns=times)
    assert (path.stat().st_size == before.st_size) == (what == "time")
    assert Dictionary.open(signs, encoder).encoded == 1


def test_moved_files_and_new_times_are_not_encoded_again(signs, encoder):
    Dictionary.open(signs, encoder)
    (signs / "RAIN").mkdir()
    (signs / "RAIN.npy").rename(signs / "RAIN" / "monday.npy")
    os.utime(signs / "WORK.npy", (1, 1))
    dictionary = Dictionary.open(signs, encoder)
    assert dictionary.encoded == 0
    assert "RAIN/monday.npy" in dictionary.files
    assert dictionary.glosses[dictionary.files.index("RAIN/monday.npy")] == "RAIN"


def test_the_index_of_another_encoder_is_made_again_and_says_so(signs, rules):
    Dictionary.open(signs, CountingEncoder(rules))
    other = CountingEncoder(rules, salt="other")
    dictionary = Dictionary.open(signs, other)
    assert dictionary.encoded == 4
    assert dictionary.notice.endswith("was made with another encoder; all files are encoded again")


def test_a_bad_file_among_good_ones_is_named_and_the_others_are_searched(signs, encoder, simulated):
    (signs / "damaged.npy").write_bytes(b"\x93NUMPY")
    hidden = simulated("RAIN", 0).copy()
    hidden[:, [9, 10, *range(91, 133)]] = 0
    np.save(signs / "no-hands.npy", hidden)
    dictionary = Dictionary.open(signs, encoder)
    assert len(dictionary) == 4
    reasons = dict(dictionary.failures.failed)
    assert set(reasons) == {"damaged.npy", "no-hands.npy"}
    assert "no hand is seen" in reasons["no-hands.npy"]


def test_a_file_of_another_layout_is_refused_until_its_layout_is_stated(
    signs, encoder, simulated, rules
):
    for path in signs.glob("[!R]*.npy"):
        path.unlink()
    np.savez(signs / "B.npz", keypoints=rules.select(simulated("WORK", 0)), layout="stark_79")
    ((name, reason),) = Dictionary.open(signs, encoder).failures
    assert name == "B.npz"
    assert "pass --dictionary-layout stark_79" in reason
    (signs / "RAIN.npy").unlink()
    dictionary = Dictionary.open(signs, encoder, layout=layout("stark_79"))
    assert dictionary.files == ("B.npz",)
    assert "another layout" in dictionary.notice


def test_a_folder_of_bad_files_alone_is_refused(tmp_path, encoder):
    (tmp_path / "signs").mkdir()
    (tmp_path / "signs" / "a.npy").write_bytes(b"nothing")
    with pytest.raises(UserError, match="none of its 1 files can be read"):
        Dictionary.open(tmp_path / "signs", encoder)


def test_damaged_and_foreign_indices_are_refused_and_kept(signs, encoder):
    path = Dictionary.open(signs, encoder).index
    whole = path.read_bytes()
    foreign = path.with_name("foreign.zip")
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("letter.txt", "hello")
    flipped = bytearray(whole)
    flipped[whole.index(b"vectors.npy") + 300] ^= 255
    for content, problem in (
        (whole[: len(whole) // 2], "a damaged index"),
        (bytes(flipped), "a damaged index"),
        (foreign.read_bytes(), "not the index of a dictionary"),
        (b"my letters", "not the index of a dictionary"),
        (whole.replace(b'"version": 1', b'"version": 2'), "damaged|version 2"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=problem):
            Dictionary.open(signs, encoder)
        assert path.read_bytes() == content


def test_an_index_with_changed_bytes_is_refused_or_the_same(signs, encoder):
    path = Dictionary.open(signs, encoder).index
    before, whole = read_index(path), path.read_bytes()
    generator = np.random.default_rng(0)
    for place, value in generator.integers(0, (len(whole), 256), (300, 2)):
        changed = bytearray(whole)
        changed[place] = value
        path.write_bytes(changed)
        with contextlib.suppress(UserError):
            after = read_index(path)
            assert after.files == before.files
            np.testing.assert_array_equal(after.vectors, before.vectors)


def test_an_interrupted_indexing_keeps_what_is_done(signs, rules):
    class Interrupted(CountingEncoder):
        def encode(self, clips):
            if self.clips == 2:
                raise KeyboardInterrupt
            return super().encode(clips)

    with pytest.raises(KeyboardInterrupt):
        Dictionary.open(signs, Interrupted(rules))
    assert Dictionary.open(signs, CountingEncoder(rules)).encoded == 2


def test_an_index_that_cannot_be_written_is_reported_before_files_are_encoded(
    signs, encoder, tmp_path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="the index cannot be written"):
        Dictionary.open(signs, encoder, index=tmp_path / "file" / "a.index")
    assert encoder.clips == 0


def test_glosses_come_from_sub_folders_files_or_a_table(tmp_path):
    table = tmp_path / "names.csv"
    table.write_text("file,gloss\nb/monday.npy,GOOD DAY\n")
    files = ("a.npy", "b/monday.npy")
    assert [*map(Names.of("folder").gloss, files)] == ["a", "b"]
    assert [*map(Names.of("file").gloss, files)] == ["a", "monday"]
    assert [*map(Names.of(table).gloss, files)] == ["a", "GOOD DAY"]


def test_a_table_is_checked_and_its_missing_files_are_named(signs, encoder, tmp_path):
    table = tmp_path / "names.csv"
    for text, problem in (
        ("file,gloss\na.npy,\n", "names.csv:2: the gloss is empty"),
        ("file,gloss\na.npy,A\na.npy,B\n", "names.csv:3: names a.npy twice"),
        ("path,gloss\na.npy,A\n", "no column file"),
    ):
        table.write_text(text)
        with pytest.raises(UserError, match=problem):
            Names.of(table)
    table.write_text("file,gloss\nRAIN.npy,Regen\nSNOW.npy,Schnee\n")
    dictionary = Dictionary.open(signs, encoder, Names.of(table))
    assert "Regen" in dictionary.glosses
    assert [*dict(dictionary.failures.failed)] == ["SNOW.npy"]


def test_thousands_of_entries_are_searched_in_milliseconds(signs, encoder, prepared):
    dictionary = Dictionary.open(signs, encoder)
    entries, width = 5000, encoder.naming_components
    vectors = np.random.default_rng(0).normal(size=(entries, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    large = Dictionary(
        signs, encoder, ("A",) * entries, ("a.npy",) * entries, vectors,
        np.zeros((entries, 4, 1, 3), np.float16), dictionary.index,
    )  # fmt: skip
    clip = prepared("RAIN", 0)
    encoder.encode([clip])
    durations = []
    for _ in range(5):
        begin = time.perf_counter()
        large.nearest([clip], top=10)
        durations.append(time.perf_counter() - begin)
    assert min(durations) < 0.05
