"""Transcript files: formats found, round trips, and what is refused."""

import json
import random

import pytest

from slr_keras.metrics import (
    FORMATS,
    Transcript,
    detect_format,
    read_transcripts,
    write_transcripts,
)
from slr_keras.text.transcript import read_lines
from slr_keras.utils.errors import UserError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def sample():
    return {
        "b/2": Transcript("b/2", ("ÜBER", "天气", "A+B"), "s02", ((0.0, 0.5), (0.5, 1.25), (2, 3))),
        "a": Transcript("a", (), "s01"),
        "c": Transcript("c", ("انا",), "", ((10.0, 10.25),), 1.5, 20.25),
    }


KEPT = {
    "stm": ("glosses", "signer", "start", "end"),
    "ctm": ("glosses", "times"),
    "trn": ("glosses",),
    "csv": ("glosses", "signer"),
    "jsonl": ("glosses", "signer", "times"),
    "text-id": ("glosses",),
}


@pytest.mark.parametrize("format", KEPT)
def test_what_a_format_can_hold_comes_back_as_it_was(tmp_path, format):
    path = tmp_path / "dev"
    write_transcripts(path, sample(), format)
    found = read_transcripts(path, format)
    expected = sample()
    if format == "ctm":
        # sclite knows no empty clip: the published scripts write a word there.
        expected["a"] = Transcript("a", ("[EMPTY]",), times=((0.0, 0.01),))
    assert found.keys() == expected.keys()
    for name, transcript in expected.items():
        for field in KEPT[format]:
            assert getattr(found[name], field) == getattr(transcript, field), (name, field)


def test_lines_without_ids_are_numbered_and_blank_lines_count(tmp_path):
    write_transcripts(tmp_path / "dev", sample(), "text")
    found = read_transcripts(tmp_path / "dev", "text")
    assert [t.glosses for t in found.values()] == [t.glosses for t in sample().values()]
    assert list(found) == ["1", "2", "3"]


@pytest.mark.parametrize("suffix", [".stm", ".ctm", ".trn", ".csv", ".jsonl", ".txt"])
def test_a_written_file_is_recognised_by_extension_and_by_content(tmp_path, suffix):
    path = tmp_path / f"dev{suffix}"
    transcripts = {name: t for name, t in sample().items() if t.glosses}
    write_transcripts(path, transcripts)
    glosses = {name: t.glosses for name, t in transcripts.items()}
    assert {n: t.glosses for n, t in read_transcripts(path).items()} == glosses
    unnamed = tmp_path / "dev.dat"
    unnamed.write_bytes(path.read_bytes())
    assert {n: t.glosses for n, t in read_transcripts(unnamed).items()} == glosses


def test_random_transcripts_survive_stm_and_ctm(tmp_path):
    draw = random.Random(0)
    letters = "ABCÄÖ+-_()天"
    for _ in range(20):
        expected = {}
        for i in range(30):
            glosses = tuple("".join(draw.choices(letters, k=3)) for _ in range(draw.randint(1, 9)))
            expected[f"clip{i:02}"] = Transcript(f"clip{i:02}", glosses)
        for suffix in (".stm", ".ctm"):
            write_transcripts(tmp_path / f"x{suffix}", expected)
            found = read_transcripts(tmp_path / f"x{suffix}")
            assert {n: t.glosses for n, t in found.items()} == {
                n: t.glosses for n, t in expected.items()
            }


@pytest.mark.shared_data
def test_published_stm_files_are_written_back_as_they_were(tmp_path, shared_data):
    for name in ("phoenix2014-T-groundtruth-dev.stm", "phoenix2014-SI-groundtruth-test.stm"):
        source = shared_data / "annotations" / name
        write_transcripts(tmp_path / "again.stm", read_transcripts(source))
        assert (tmp_path / "again.stm").read_bytes() == source.read_bytes()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "sentences", "words", "signers"),
    [
        ("phoenix2014.dev.csv", 540, 5540, 9),
        ("phoenix2014.test.csv", 629, 6504, 9),
        ("PHOENIX-2014-T.dev.corpus.csv", 519, 3748, 9),
        ("PHOENIX-2014-T.test.corpus.csv", 642, 4264, 9),
        ("PHOENIX-2014-T.train.corpus.csv", 7096, 55247, 9),
        ("isharah1000.SI.train.txt", 10000, None, 1),
        ("isharah1000.US.dev.txt", 550, 2596, 1),
        ("gsl_split_SI_dev.csv", None, None, 1),
    ],
)
def test_corpora_are_read_whole(shared_data, name, sentences, words, signers):
    path = shared_data / "annotations" / name
    found = read_transcripts(path)
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    header = not name.startswith("gsl")
    assert len(found) == len(lines) - header
    if sentences:
        assert len(found) == sentences
    if words:
        assert sum(len(t.glosses) for t in found.values()) == words
    assert len({t.signer for t in found.values()}) == signers


@pytest.mark.shared_data
def test_corpus_csv_and_stm_of_phoenix_2014_t_say_the_same(shared_data):
    folder = shared_data / "annotations"
    for split in ("dev", "test"):
        table = read_transcripts(folder / f"PHOENIX-2014-T.{split}.corpus.csv")
        stm = read_transcripts(folder / f"phoenix2014-T-groundtruth-{split}.stm")
        assert {n: (t.glosses, t.signer) for n, t in table.items()} == {
            n: (t.glosses, t.signer) for n, t in stm.items()
        }


def test_stm_labels_comments_and_byte_order_marks_are_no_glosses(tmp_path):
    path = tmp_path / "dev.stm"
    path.write_bytes(b"\xef\xbb\xbf;; comment\r\n\r\nc 1 s 0.0 2.5 <o,f0> A B\r\n")
    assert read_transcripts(path) == {"c": Transcript("c", ("A", "B"), "s", (), 0.0, 2.5)}


def test_ctm_glosses_are_put_in_order_of_time_and_confidences_ignored(tmp_path):
    # As `sort -k1,1 -k3,3` leaves them: 10.0 before 2.0.
    path = write(tmp_path / "h.ctm", "c 1 10.0 0.5 B 0.9\nc 1 2.0 0.5 A NA\n")
    found = read_transcripts(path)["c"]
    assert found.glosses == ("A", "B")
    assert found.times == ((2.0, 2.5), (10.0, 10.5))


def test_a_file_of_predictions_gives_each_role_its_column(tmp_path):
    value = {"id": "c", "reference": ["A"], "hypothesis": ["B"], "glosses": ["C"]}
    path = write(tmp_path / "dev.jsonl", json.dumps(value) + "\n")
    assert read_transcripts(path, role="reference")["c"].glosses == ("A",)
    assert read_transcripts(path, role="hypothesis")["c"].glosses == ("B",)
    table = write(tmp_path / "dev.csv", "id,ref,hyp\nc,A A,B\n")
    assert read_transcripts(table, role="reference")["c"].glosses == ("A", "A")
    assert read_transcripts(table, role="hypothesis")["c"].glosses == ("B",)


def test_an_id_ends_at_the_tab_if_there_is_one(tmp_path):
    path = write(tmp_path / "x.txt", "my clip\tA B\nd\t\n")
    assert {n: t.glosses for n, t in read_transcripts(path).items()} == {
        "my clip": ("A", "B"),
        "d": (),
    }
    with pytest.raises(UserError, match=":2: no id"):
        read_transcripts(write(path, "c\tA\n\tB\n"))


def test_jsonl_glosses_may_be_a_string_or_objects_with_times(tmp_path):
    rows = [
        {"id": 7, "glosses": "A B"},
        {"name": "c", "glosses": [{"gloss": "A", "start": 0.5, "end": 1}], "speaker": "s"},
        {"id": "d", "glosses": ["X"], "times": [[1, 2]]},
    ]
    path = write(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    found = read_transcripts(path)
    assert found["7"].glosses == ("A", "B")
    assert found["c"] == Transcript("c", ("A",), "s", ((0.5, 1.0),))
    assert found["d"].times == ((1.0, 2.0),)


def test_quotation_marks_in_bar_separated_translations_mean_nothing(tmp_path):
    path = write(tmp_path / "c.csv", 'name|orth|translation\na|A|"ja" sagt er\nb|B|x\n')
    assert {n: t.glosses for n, t in read_transcripts(path).items()} == {"a": ("A",), "b": ("B",)}


@pytest.mark.parametrize(
    ("lines", "format"),
    [
        (["c 1 s 0.0 1.0 A"], "stm"),
        (["c 1 01 0.0 1.0 A", "d 1 01 0 1"], "stm"),
        (["c 1 0.0 1.0 12", "c 1 1.0 1.0 A"], "ctm"),
        (['{"id": "c"}'], "jsonl"),
        (["c|A B"], "csv"),
        (["c\tA B", "d\tC"], "text-id"),
        (["A B (c)", "(d)"], "trn"),
        (["A B(1)"], "text"),
        (["A B", "A C"], "text"),
    ],
)
def test_formats_are_told_apart_by_content(lines, format):
    assert detect_format("dev.txt", lines) == format


def test_lines_that_seem_to_begin_with_ids_are_not_guessed_at(tmp_path):
    path = write(tmp_path / "dev.txt", "clip1 A B\nclip2 A\n")
    with pytest.raises(UserError, match="--format text-id or --format text"):
        read_transcripts(path)
    assert read_transcripts(path, "text-id")["clip1"].glosses == ("A", "B")
    assert read_transcripts(path, "text")["1"].glosses == ("clip1", "A", "B")


BAD = [
    ("x.stm", "c 1 s 0.0 1.0 A\nc 1 s\n", ":2: an STM line"),
    ("x.stm", "c 1 s zero 1.0 A\n", ":1: start and end"),
    ("x.stm", "c 1 s 2.0 1.0 A\n", ":1: start and end"),
    ("x.stm", "c 1 s nan 1.0 A\n", ":1: start and end"),
    ("x.stm", "c 1 s 0.0 1.0 A\n\nc 1 s 0.0 1.0 B\n", ":3: id 'c' stands already in line 1"),
    ("x.stm", "c 1 s 0 1 { A / B\n", ":1: a { without a }"),
    ("x.trn", "A (c)\nIGNORE_time_SEGMENT_IN_SCORING (d)\n", ":2: segments to ignore"),
    ("x.stm", ";; only a comment\n", "no sentence"),
    ("x.ctm", "c 1 0.0 0.1 A\nc 1 0.0\n", ":2: a CTM line"),
    ("x.ctm", "c 1 0.0 x A\n", ":1: start and duration"),
    ("x.ctm", "c 1 0.0 0.1 A B\n", ":1: one gloss"),
    ("x.ctm", "c 1 0 1 A\nd 1 0 1 A\nc 1 1 1 A\n", ":3: clip 'c' began in line 1"),
    ("x.ctm", "c 1 0 1 A\nc 2 0 1 A\n", ":2: clip 'c' began in line 1"),
    ("x.trn", "A B\n", ":1: a TRN line"),
    ("x.csv", "id|gloss\na|A\na|B\n", ":3: id 'a' stands already in line 2"),
    ("x.csv", "id|gloss\na|A|B\n", ":2: 3 fields"),
    ("x.csv", "id|gloss\n|A\n", ":2: no id"),
    ("x.csv", "one|two|three\n", ":1: columns .* name no id"),
    ("x.csv", "no separator\n", ":1: no column separator"),
    ("x.csv", 'id,gloss\na,"A\nb,B\n', ":3: not a table"),
    ("x.jsonl", '{"id": "a", "glosses": ["A"]}\n{"id": \n', ":2: not valid JSON"),
    ("x.jsonl", '{"id": "a"}\n', ":1: no glosses"),
    ("x.jsonl", '{"glosses": []}\n', ":1: no id"),
    ("x.jsonl", "[1]\n", ":1: a JSON object"),
    ("x.jsonl", '{"id": "a", "glosses": [1]}\n', ":1: 'glosses' is neither"),
    ("x.jsonl", '{"id": "a", "glosses": ["A"], "times": [[0]]}\n', ":1: times are pairs"),
    ("x.jsonl", '{"id": "a", "glosses": ["A"], "times": [[0, 1], [1, 2]]}\n', ":1: 1 glosses"),
    ("x.jsonl", "[" * 100_000 + "\n", ":1: not valid JSON"),
    ("x.txt", "", "no sentence"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD)
def test_a_malformed_file_is_refused_with_file_and_line(tmp_path, name, text, message):
    path = write(tmp_path / name, text)
    with pytest.raises(UserError, match=message) as refused:
        read_transcripts(path)
    assert str(refused.value).startswith(str(path))


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "x.stm"
    path.write_bytes(b"c 1 s 0 1 A\nd 1 s 0 1 \xdcBER\n")
    with pytest.raises(UserError, match=r"x\.stm:2: not UTF-8"):
        read_transcripts(path)
    path.write_bytes(b"c 1 s 0 1 A\n\0\0\n")
    with pytest.raises(UserError, match=r"x\.stm:2: a binary file"):
        read_transcripts(path)


def test_absent_files_and_unknown_formats_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_lines(tmp_path / "absent.stm")
    with pytest.raises(UserError, match="cannot be read"):
        read_lines(tmp_path)
    path = write(tmp_path / "x.stm", "c 1 s 0 1 A\n")
    with pytest.raises(UserError, match=f"known are {', '.join(FORMATS)}"):
        read_transcripts(path, "xml")
    with pytest.raises(UserError, match="no transcript format"):
        write_transcripts(tmp_path / "x.xml", sample())


@pytest.mark.parametrize(
    ("format", "transcript"),
    [
        ("stm", Transcript("a b", ("A",))),
        ("stm", Transcript("a", ("A B",))),
        ("ctm", Transcript("a", ("",))),
        ("csv", Transcript("a", ("A|B",))),
        ("trn", Transcript("a(1)", ("A",))),
        ("text", Transcript("a", ("A\nB",))),
    ],
)
def test_what_would_not_read_back_is_not_written_and_the_old_file_stays(
    tmp_path, format, transcript
):
    path = write(tmp_path / "x", "old")
    with pytest.raises(UserError):
        write_transcripts(path, {transcript.id: transcript}, format)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
