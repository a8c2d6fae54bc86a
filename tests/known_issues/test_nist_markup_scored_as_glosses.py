"""NIST mark-up was scored as glosses, or refused in one format and not in the others.

`score alt.trn alth.trn` counted braces and slashes as nine deleted glosses (69 % instead of 0).
"""

import json

import pytest

from slr_keras import score
from slr_keras.data.datasets.corpus import read_corpus
from slr_keras.utils.errors import UserError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


REFERENCES = {
    "trn": "{ HAUS / GEBAEUDE } GROSS* (c1)\nMORGEN { UH / { M N / @ } } REGEN @ (c2)\n",
    "stm": "c1 1 s 0 9 { HAUS / GEBAEUDE } GROSS*\n"
    "c2 1 s 0 9 MORGEN { UH / { M N / @ } } REGEN @\n",
    "ctm": "c1 1 * * <ALT_BEGIN>\nc1 1 0 1 HAUS\nc1 1 * * <ALT>\nc1 1 0 1 GEBAEUDE\n"
    "c1 1 * * <ALT_END>\nc1 1 1 1 GROSS*\nc2 1 0 1 MORGEN\nc2 1 * * <alt_begin>\nc2 1 1 1 UH\n"
    "c2 1 * * <alt>\nc2 1 * * <alt_end>\nc2 1 2 1 REGEN\nc2 1 3 1 @\n",
}


@pytest.mark.parametrize("format", REFERENCES)
def test_the_right_alternative_is_correct_in_every_format(tmp_path, capsys, format):
    reference = write(tmp_path / f"r.{format}", REFERENCES[format])
    hypothesis = write(tmp_path / "h.trn", "HAUS GROSS (c1)\nMORGEN REGEN (c2)\n")
    assert score.main([reference, hypothesis, "--json", "--alignments", "2"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["correct"], counts["references"], counts["wer"]) == (4, 4, 0)
    assert counts["levenshtein"]["wer"] == 0


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_a_segment_to_ignore_is_left_out_with_its_hypothesis(tmp_path, capsys, change):
    mark = change("ignore_time_segment_in_scoring")
    reference = write(tmp_path / "r.stm", f"c1 1 s 0 9 A\nc2 1 s 0 9 <O> {mark}\n")
    hypothesis = write(tmp_path / "h.ctm", "c1 1 0 1 A\nc2 1 0 1 B\n")
    assert score.main([reference, hypothesis, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["sentences"], counts["references"], counts["ignored"]) == (1, 1, ["c2"])


REFUSED = {
    "r.trn": ("A (c1)\nignore_time_segment_in_scoring (c2)\n", ":2: segments to ignore"),
    "s.trn": ("A (c1)\n{ A / B (c2)\n", ":2: a { without a }"),
    "t.trn": ("A (c1)\nA / B } (c2)\n", ":2: a } without a {"),
    "u.trn": ("A (c1)\nA{B/C} (c2)\n", ":2: .* has a brace inside"),
    "v.trn": ("A (c1)\n{ / } (c2)\n", ":2: an alternation without a word"),
    "w.trn": ("A (c1)\n;tag B (c2)\n", ":2: ';tag' has no word"),
    "x.trn": ("{ " * 9999 + "A" + " }" * 9999 + " (c1)\n", ":1: more than 50"),
    "r.ctm": ("c1 1 0 1 A\nc1 1 1 1 {\n", ":2: .*<ALT_BEGIN>"),
    "s.ctm": ("c1 1 * * <ALT_BEGIN>\nc1 1 0 1 A\n", ":1: no <ALT_END>"),
    "t.ctm": ("c1 1 0 1 A\nc1 1 * * <ALT>\n", ":2: alternatives begin with"),
    "u.ctm": ("c1 1 0 1 Ignore_time_segment_in_scoring\n", ":1: segments to ignore"),
    "r.csv": ("id,gloss\nc1,{ A / B } C\n", ":2: alternatives in braces"),
    "r.jsonl": ('{"id": "c1", "glosses": ["{", "A", "/", "B", "}"]}\n', ":1: alternatives in"),
    "r.txt": ("A B\n{A/B} C\n", ":2: alternatives in braces"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_markup_that_cannot_be_honoured_is_refused_by_line(tmp_path, name):
    text, message = REFUSED[name]
    path = write(tmp_path / name, text)
    with pytest.raises(UserError, match=name.replace(".", r"\.") + message):
        score.main([path, path])


def test_a_corpus_with_alternatives_is_refused_and_ignored_segments_are_left_out(tmp_path):
    path = tmp_path / "train.stm"
    write(path, "c1 1 s 0 9 A B*\nc2 1 s 0 9 IGNORE_TIME_SEGMENT_IN_SCORING\n")
    assert [sentence.glosses for sentence in read_corpus(path)] == [("A", "B*")]
    write(path, "c1 1 s 0 9 A\nc2 1 s 0 9 { A / B }\n")
    with pytest.raises(UserError, match=r"train\.stm:2: sentence 'c2' has alternatives"):
        read_corpus(path)


def test_clean_up_of_alternatives_is_refused_by_line(tmp_path):
    path = write(tmp_path / "r.trn", "A (c1)\n{ A / B } (c2)\n")
    with pytest.raises(UserError, match=r"line 2: sentence 'c2' has alternatives"):
        score.main([path, path, "--clean", "phoenix2014"])
