"""What spreadsheets and R write was refused or read differently by some readers of tables.

`10.0` and R's `1e+05` for whole numbers, `sub\\name` of Windows, mixed line ends, quotes and
semicolons in label maps, byte order marks and UTF-16 in lists beside the tables.
"""

import json

import numpy as np
import pytest

from slr_keras.data.datasets import npz
from slr_keras.data.datasets.corpus import read_corpus
from slr_keras.data.datasets.isolated_csv import prepare as prepare_isolated
from slr_keras.data.datasets.label_map import read_label_map
from slr_keras.data.lines import parse_sample
from slr_keras.data.manifest import read_folder, read_manifest
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.extraction.sources import Source, find_sources, with_glosses
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError


def film(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.zeros((9, 8, 8, 3), np.uint8))


@pytest.mark.parametrize("numbers", ["2.0,7.0", '"2,0","7,0"', "2,7", "2e+00,0.7e1"])
def test_a_window_may_be_written_as_spreadsheets_and_r_write_numbers(tmp_path, numbers):
    film(tmp_path / "a.npy")
    table = f"path,label,split,start,end\na.npy,3.0,train,{numbers}\n"
    (tmp_path / "manifest.csv").write_text(table)
    prepare_isolated(tmp_path, tmp_path / "out", resize="8x8", crop="8x8")
    sample = read_folder(tmp_path / "out")["train"][0]
    assert (sample.video_start, sample.frames, sample.glosses) == (2, 5, ("3",))


@pytest.mark.parametrize("number", ["2.5", "1,000", "-3", "zwei", "0x2", "1_0", "٢", "1e999"])
def test_what_is_no_number_of_frames_is_refused_by_line(tmp_path, number):
    film(tmp_path / "a.npy")
    table = f'path,label,split,start\na.npy,A,train,"{number}"\n'
    (tmp_path / "manifest.csv").write_text(table, encoding="utf-8")
    with pytest.raises(UserError, match=r"manifest\.csv:2: start .* is not a number of frames"):
        prepare_isolated(tmp_path, tmp_path / "out", resize="8x8", crop="8x8")


def test_spans_rates_and_lengths_may_have_decimals(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 20, 4)))
    table = "id;glosses;split;fps;spans\na;A B;train;29,97;0.0:4.0 4.0:9.0\n"
    (tmp_path / "glosses.csv").write_text(table)
    npz.prepare(tmp_path, tmp_path / "out", layout="kinect_20")
    sample = read_folder(tmp_path / "out")["train"][0]
    assert (sample.fps, sample.extra["spans"]) == (29.97, [[0, 4], [4, 9]])
    (tmp_path / "video_map.txt").write_text("index|name|length|gloss\n0|a|120.0|A\n")
    assert read_corpus(tmp_path / "video_map.txt")[0].frames == 120


def test_paths_of_windows_are_found_by_every_reader(tmp_path):
    film(tmp_path / "sub" / "a.npy")
    (tmp_path / "manifest.csv").write_text("path,label,split\nsub\\a.npy,A,train\n")
    prepare_isolated(tmp_path, tmp_path / "out", resize="8x8", crop="8x8")
    assert read_folder(tmp_path / "out")["train"][0].id == "sub/a"
    (tmp_path / "clips.csv").write_text("file\nsub\\a.npy\n")
    (source,) = find_sources([str(tmp_path / "clips.csv")])
    assert (source.id, source.path) == ("a", tmp_path / "sub" / "a.npy")
    (tmp_path / "glosses.csv").write_text("id,glosses\nsub\\a,A\n")
    (joined,), without = with_glosses([Source("sub/a", source.path)], tmp_path / "glosses.csv")
    assert (joined.glosses, without) == (("A",), [])
    np.save(tmp_path / "sub" / "b.npy", np.zeros((9, 20, 4)))
    (tmp_path / "own.csv").write_text("id,glosses,split\nsub\\b,A,train\n")
    npz.prepare(tmp_path, tmp_path / "own", table="own.csv", layout="kinect_20")
    assert read_folder(tmp_path / "own")["train"][0].id == "sub/b"
    line = json.dumps({"id": "a", "frames": 9, "keypoints": "..\\..\\secret.npy"})
    with pytest.raises(UserError, match="would leave the manifest's folder"):
        parse_sample(line, "dev.jsonl:1")


@pytest.mark.parametrize(
    "text",
    ["sofa;couch\n", '"sofa","couch"\r\n', "sep=;\nsofa;couch\n", '"sofa"\t"couch"\n', "0.0,1\n"],
)
def test_a_label_map_may_come_from_a_spreadsheet(tmp_path, text):
    (tmp_path / "map.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    becomes = read_label_map(tmp_path / "map.csv", ("sofa", "couch"))
    assert becomes == {"sofa": "couch", "couch": "couch"}


def test_records_that_end_with_cr_may_have_line_feeds_in_their_cells(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'id,glosses\ra,"HAUS\nBAUM"\rb,X\r')
    rows = [row["glosses"].split() for _, row in read_table(tmp_path / "t.csv")]
    assert rows == [["HAUS", "BAUM"], ["X"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_lists_beside_the_tables_may_have_a_byte_order_mark(tmp_path, encoding):
    vocabulary, manifest = tmp_path / "vocabulary.txt", tmp_path / "train.jsonl"
    vocabulary.write_text("<blank>\n<unk>\nBÄR\n", encoding=encoding)
    assert Vocabulary.read(vocabulary).glosses == ("BÄR",)
    manifest.write_text('{"id": "ä", "frames": 1, "keypoints": "a.npy"}\n', encoding=encoding)
    assert read_manifest(manifest)[0].id == "ä"
