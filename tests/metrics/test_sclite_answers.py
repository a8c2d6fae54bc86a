"""NIST mark-up is scored as sclite 2.4 scores it: 1,500 random sentences and its own counts.

`tests/helpers/sclite_answers.py` made the fixture.
"""

import gzip
import json

import pytest
from sclite_answers import ANSWERS, CASES, lines_of

from slr_keras.metrics import read_transcripts, score_transcripts
from slr_keras.metrics.network import align_words
from slr_keras.text.nist_words import parse_words

ALL = json.loads(gzip.decompress(ANSWERS.read_bytes()))


def read(tmp_path, formats, cases):
    transcripts = []
    for side, form in enumerate(formats.split("-")):
        path = tmp_path / f"{side}.{form}"
        lines = [
            line
            for number, case in enumerate(cases)
            for line in lines_of(form, f"c{number:04d}", case[side])
        ]
        path.write_text("\n".join(lines) + "\n")
        transcripts.append(read_transcripts(path))
    return transcripts


@pytest.mark.parametrize("formats", CASES)
def test_every_sentence_with_markup_has_the_counts_of_sclite(tmp_path, formats):
    cases = ALL[formats]
    assert len(cases) == CASES[formats]
    references, hypotheses = read(tmp_path, formats, cases)
    score = score_transcripts(references, hypotheses)
    ours = {
        sentence.id.removesuffix("-0"): [
            sentence.counts.correct,
            sentence.counts.substitutions,
            sentence.counts.deletions,
            sentence.counts.insertions,
        ]
        for sentence in score.sentences
    }
    theirs = {f"c{number:04d}": case[2] for number, case in enumerate(cases) if case[2]}
    different = {
        name: (cases[int(name[1:])], counts)
        for name, counts in ours.items()
        if theirs.get(name) != counts
    }
    assert not different
    assert ours.keys() == theirs.keys()


def test_the_answers_hold_every_kind_of_markup():
    texts = [" ".join(case[0]) for case in ALL["ctm-ctm"]] + [case[0] for case in ALL["trn-trn"]]
    texts += [case[0] for case in ALL["stm-ctm"]]
    for mark in ("{", "@", "* ", ";t1", "<ALT>", "/", "ignore_time_segment", "IGNORE_TIME_SEGMENT"):
        assert sum(mark in text for text in texts) >= 5, mark
    assert sum(case[2] is None for case in ALL["stm-ctm"]) >= 10


def test_alternatives_are_aligned_by_the_path_with_the_least_cost():
    reference = parse_words("{ A B / C { D / @ } } E", "x:1")
    for hypothesis, steps in [("A B E", "==="), ("C D E", "==="), ("C E", "=="), ("A E", "=D=")]:
        assert align_words(reference, tuple(hypothesis.split())).operations == steps
