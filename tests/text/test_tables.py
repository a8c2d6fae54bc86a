"""One table, as spreadsheets write it, means the same to `prepare`, `extract` and `score`."""

import json
import unicodedata

import numpy as np
import pytest

from slr_keras import score
from slr_keras.data.datasets import npz
from slr_keras.data.datasets.corpus import read_corpus
from slr_keras.data.manifest import read_folder
from slr_keras.extraction.sources import Source, find_sources, with_glosses
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError

# One clip in a form that spreadsheets write, another behind it.
ID, GLOSSES = "größe", ("HAUS", "GRÖSSE")
PLAIN = "id,glosses,split\ngröße,HAUS GRÖSSE,train\nb,SONNE,dev\n"

WRITTEN = {
    "UTF-8": PLAIN.encode(),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16 little endian": b"\xff\xfe" + PLAIN.encode("utf-16-le"),
    "UTF-16 big endian": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 with tabs": b"\xff\xfe" + PLAIN.replace(",", "\t").encode("utf-16-le"),
    "CR LF": PLAIN.replace("\n", "\r\n").encode(),
    "CR": PLAIN.replace("\n", "\r").encode(),
    "semicolon": PLAIN.replace(",", ";").encode(),
    "tab": PLAIN.replace(",", "\t").encode(),
    "bar": PLAIN.replace(",", "|").encode(),
    "sep line": ("sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n")).encode(),
    "quoted sep line": ('"SEP=;"\n' + PLAIN.replace(",", ";")).encode(),
    "sep line of another separator": ("sep=:\n" + PLAIN.replace(",", ":")).encode(),
    "quoted header": PLAIN.replace("id,glosses,split", '"id","glosses","split"').encode(),
    "quoted header with tabs": '"id"\t"glosses"\t"split"\ngröße\tHAUS GRÖSSE\ttrain\n'.encode(),
    "quoted header with bars": '"id"|"glosses"|"split"\n"größe"|"HAUS GRÖSSE"|"train"\n'.encode(),
    "capital header": PLAIN.replace("id,glosses,split", "ID, Glosses ,SPLIT").encode(),
    "quotes after blanks": 'id, "glosses", split\ngröße, "HAUS GRÖSSE", train\n'.encode(),
    "line break in a cell": 'id,glosses,split\ngröße,"HAUS\nGRÖSSE",train\n'.encode(),
    "CR LF in a cell": 'id,glosses,split\r\ngröße,"HAUS\r\nGRÖSSE",train\r\n'.encode(),
    "CR in a cell": 'id,glosses,split\ngröße,"HAUS\rGRÖSSE",train\n'.encode(),
    "line break in a tab cell": 'id\tglosses\tsplit\ngröße\t"HAUS\nGRÖSSE"\ttrain\n'.encode(),
    "line break in the header": '"id",glosses,split,"a\n;n"\ngröße,HAUS GRÖSSE,train,x\n'.encode(),
    "separator in a cell": 'id,glosses,split,"a|b;c"\ngröße,HAUS GRÖSSE,train,"1,2"\n'.encode(),
    "next line mark in a cell": "id,glosses,split,x\ngröße,HAUS\x85GRÖSSE,train,\u2028y\n".encode(),
    "blank rows": PLAIN.replace("\nb", "\n\n,,\nb").encode(),
    "empty columns": "id,glosses,split,,\ngröße,HAUS GRÖSSE,train,,\n".encode(),
    "decomposed": unicodedata.normalize("NFD", PLAIN).encode(),
    "no line end": PLAIN.rstrip("\n").encode(),
}

tables = pytest.mark.parametrize("data", WRITTEN.values(), ids=WRITTEN)


@pytest.fixture
def path(tmp_path, data):
    (tmp_path / "glosses.csv").write_bytes(data)
    return tmp_path / "glosses.csv"


@tables
def test_the_reader_gives_the_same_row_whatever_a_spreadsheet_writes(path):
    _, row = read_table(path, ("id", "glosses", "split"))[0]
    assert (row["id"], tuple(row["glosses"].split()), row["split"]) == (ID, GLOSSES, "train")


@tables
def test_prepare_gives_the_same_clip_whatever_a_spreadsheet_writes(tmp_path, path):
    # As macOS names files.
    np.save(tmp_path / f"{unicodedata.normalize('NFD', ID)}.npy", np.zeros((2, 20, 4)))
    np.save(tmp_path / "b.npy", np.zeros((2, 20, 4)))
    npz.prepare(tmp_path, tmp_path / "out", layout="kinect_20")
    sample = read_folder(tmp_path / "out")["train"][0]
    assert (sample.id, sample.glosses) == (ID, GLOSSES)


@tables
def test_extract_gives_the_same_glosses_whatever_a_spreadsheet_writes(tmp_path, path):
    files = [Source(unicodedata.normalize("NFD", ID), tmp_path / "a.mp4")]
    (joined,), without = with_glosses(files, path)
    assert (joined.glosses, joined.split, without) == (GLOSSES, "train", [])


@tables
def test_score_finds_no_error_whatever_a_spreadsheet_writes(tmp_path, path, capsys):
    one = len(read_table(path)) == 1
    (tmp_path / "plain.csv").write_text("\n".join(PLAIN.splitlines()[: 2 if one else 3]))
    assert score.main([str(tmp_path / "plain.csv"), str(path), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["wer"], counts["references"]) == (0, 2 if one else 3)


def test_a_message_names_the_line_in_the_file_where_a_record_begins(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('sep=,\n"id","gloss\nes"\n\n"a","X\nY"\n"b","X"\n')
    assert [line for line, _ in read_table(path)] == [5, 7]
    path.write_text('id,glosses\na,"X\n\nY"\nb\n')
    with pytest.raises(UserError, match=r"t\.csv:5: 1 fields where the header has 2 \(line 1\)"):
        read_table(path)


def test_marks_in_translations_between_bars_and_tabs_are_text(tmp_path):
    for separator in "|\t":
        path = tmp_path / "dev.corpus.csv"
        rows = ["name orth translation", 'a A "ja"-sagt', 'b B "nein', 'c C "gut"']
        path.write_text("\n".join(row.replace(" ", separator) for row in rows))
        assert [s.text for s in read_corpus(path)] == ['"ja"-sagt', '"nein', '"gut"']


def test_a_table_of_one_column_needs_no_separator(tmp_path):
    (tmp_path / "t.csv").write_text("file\na.mp4\nb.mp4\n")
    assert [source.id for source in find_sources([str(tmp_path / "t.csv")])] == ["a", "b"]


def test_a_name_of_a_file_stays_as_it_is_spelled(tmp_path):
    name = unicodedata.normalize("NFD", "größe.mp4")
    (tmp_path / "t.csv").write_text(f"file,text\n{name},{name}\n", encoding="utf-8")
    (_, row), = read_table(tmp_path / "t.csv")  # fmt: skip
    assert (row["file"], row["text"]) == (name, "größe.mp4")


REFUSED = {
    "NUL byte": (b"id,glosses\na,X\nb,\0\n", ":3: a binary file"),
    "UTF-16 without a mark": ("id,glosses\na,X\n".encode("utf-16-le"), ":1: a binary file"),
    "Latin-1": ("id,glosses\na,GRÖSSE\n".encode("latin-1"), ":2: not UTF-8"),
    "cut UTF-16": (b"\xff\xfei\0d\0,", ":1: not UTF-16"),
    "short row": (b"id,glosses\na,X\nb\n", ":3: 1 fields where the header has 2"),
    "long row": (b"id;glosses\na;X;Y\n", ":2: 3 fields .*quotation marks around"),
    "open cell": (b'id,glosses\na,"X\nb,Y\n', ":3: not a table .*begins in line 2"),
    "text behind a mark": (b'id,glosses\na,"X"Y\n', ":2: not a table .*begins in line 2"),
    "misspelled column": (b"id,gloses\na,X\n", ":1: no column glosses, .*mean 'gloses'"),
    "two columns of a name": (b"id,glosses,ID\na,X,b\n", ":1: two columns are called 'id'"),
    "no rows": (b"id,glosses\n", ": has no rows"),
    "nothing": (b"\n \n", ": is empty"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_cannot_be_read_whole_is_refused_by_file_and_line(path, message):
    with pytest.raises(UserError, match=r"glosses\.csv" + message):
        read_table(path, ("id", "glosses"))
