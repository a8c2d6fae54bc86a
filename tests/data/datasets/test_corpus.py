"""Annotation files of the published corpora, each in its own format."""

import pytest

from slr_keras.data.datasets.corpus import Sentence, read_corpus
from slr_keras.data.datasets.csl_daily import read_annotations
from slr_keras.utils.errors import UserError

PHOENIX_T = (
    "name|video|start|end|speaker|orth|translation\n"
    'a-1|a-1/1/*.png|-1|-1|Signer08|DRUCK  TIEF KOMMEN|"tief" kommt\n'
)
PHOENIX = "id|folder|signer|annotation\na-1|a-1/1/*.png|Signer04|ICH OSTERN\n"
TWOSTREAM = "id|signer|num_frames|gloss\na-1|Signer04|215|ICH OSTERN\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "dev.corpus.csv",
            PHOENIX_T,
            Sentence("a-1", ("DRUCK", "TIEF", "KOMMEN"), "Signer08", '"tief" kommt'),
        ),
        ("dev.corpus.csv", PHOENIX, Sentence("a-1", ("ICH", "OSTERN"), "Signer04")),
        ("dev.csv", TWOSTREAM, Sentence("a-1", ("ICH", "OSTERN"), "Signer04", "", 215)),
        ("x.txt", "\ufeffid|gloss|text\r\n00|A B|c\r\n", Sentence("00", ("A", "B"), "", "c")),
        ("x.csv", "police/s0|ΓΕΙΑ ΕΓΩ(1)\n", Sentence("police/s0", ("ΓΕΙΑ", "ΕΓΩ(1)"))),
        ("x.stm", "a 1 s05 0.0 1.79769e+308 A B\n", Sentence("a", ("A", "B"), "s05")),
        (
            "video_map.txt",
            "index|name|length|gloss|char|word|postag\n0|S1_P0003_T0|55|他 谁|他 是 谁|x|r v\n",
            Sentence("S1_P0003_T0", ("他", "谁"), "", "他是谁", 55),
        ),
    ],
)
def test_every_published_format_is_read(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert read_corpus(path) == [expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id|gloss\na|A\na|B\n", r"x\.csv:3: the id 'a'"),
        ("id|gloss\n|A\n", r"x\.csv:2: the id ''"),
        ("id|gloss\na|A|B\n", r"x\.csv:2: 3 fields"),
        ("id|num_frames|gloss\na|many|B\n", r"x\.csv:2: the length 'many'"),
    ],
)
def test_malformed_lines_are_named(tmp_path, text, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_corpus(path)


def test_csl_daily_s_own_files_give_splits_signers_and_the_unassigned_clip(tmp_path):
    (tmp_path / "video_map.txt").write_text(
        "index|name|length|gloss|char|word|postag\n"
        "0|S000007_P0003_T00|55|他 谁|他|他|r\n1|S000008_P0001_T00|60|他|他|他|r\n"
    )
    (tmp_path / "split_1.txt").write_text("name|split\nS000008_P0001_T00|dev\n")
    splits = read_annotations(tmp_path)
    assert [(s.id, s.signer) for s in splits["train"]] == [("S000007_P0003_T00", "P0003")]
    assert [s.glosses for s in splits["dev"]] == [("他",)]
    assert splits["test"] == []


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "sentences", "glosses"),
    [
        ("PHOENIX-2014-T.train.corpus.csv", 7096, 1085),
        ("PHOENIX-2014-T.dev.corpus.csv", 519, 393),
        ("PHOENIX-2014-T.test.corpus.csv", 642, 411),
        ("phoenix2014.train.csv", 5672, 1231),
        ("phoenix2014-groundtruth-dev.stm", 540, 460),
        ("gsl_split_SI_train.csv", 8821, 306),
        ("isharah1000.US.dev.txt", 550, 140),
    ],
)
def test_the_published_annotations_have_their_published_sizes(
    shared_data, name, sentences, glosses
):
    corpus = read_corpus(shared_data / "annotations" / name)
    assert len(corpus) == sentences
    assert len({gloss for sentence in corpus for gloss in sentence.glosses}) == glosses
