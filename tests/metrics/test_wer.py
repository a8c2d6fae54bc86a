"""Word error rate: fixed values, sums, jiwer, confidence intervals."""

import json
import random

import pytest

from slr_keras.metrics import (
    LEVENSHTEIN,
    ErrorCounts,
    Score,
    SentenceScore,
    Transcript,
    bootstrap_interval,
    bootstrap_ratio,
    count_errors,
    jiwer_counts,
    read_transcripts,
    score_transcripts,
    sentence_counts,
    signer_table,
    word_error_rate,
)
from slr_keras.metrics.signer_table import table_row
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize(
    ("reference", "hypothesis", "wer"),
    [
        ("A B C D", "A C D", 25),
        ("A B", "A B C", 50),
        ("A B", "B A", 100),
        ("A B C D E", "C D E X Y", 80),
        ("A B", "", 100),
        ("A", "B C", 200),
    ],
)
def test_published_vectors(reference, hypothesis, wer):
    assert word_error_rate([reference], [hypothesis]).wer == wer


def test_the_rate_is_averaged_over_words_not_over_sentences():
    assert word_error_rate(["A B C D", "E"], ["A B C D", "F"]).wer == 20


def test_counts_add_up_to_the_references_and_refuse_to_lie():
    counts = word_error_rate(["A B C D", "A B"], ["A C D E", ""])
    assert counts == ErrorCounts(3, 0, 1, 3, 6)
    with pytest.raises(ValueError, match="reference words"):
        ErrorCounts(1, 0, 0, 0, 2)


def test_without_reference_words_only_silence_is_right():
    assert count_errors("", "").wer == 0
    assert count_errors("", "A").wer == float("inf")


def test_as_many_hypotheses_as_references_are_needed():
    with pytest.raises(ValueError, match="2 references but 1"):
        word_error_rate(["A", "B"], ["A"])


@pytest.mark.shared_data
def test_isharah_dev_scores_what_the_challenge_server_gave(shared_data):
    folder = shared_data / "wer_fixtures" / "isharah_us_dev"
    expected = json.loads((folder / "expected.json").read_text())["wer"]
    references = read_transcripts(folder / "ref.txt")
    hypotheses = read_transcripts(folder / "hyp.txt", role="hypothesis")
    score = score_transcripts(references, hypotheses)
    assert expected == 55.0847
    assert round(score.wer, 4) == expected
    assert round(score.levenshtein.wer, 4) == expected
    at_unit_costs = score_transcripts(references, hypotheses, costs=LEVENSHTEIN)
    assert round(at_unit_costs.wer, 4) == expected


@pytest.mark.shared_data
def test_bisindo_equals_every_row_of_sclites_table(shared_data):
    folder = shared_data / "wer_fixtures" / "bisindo_sclite"
    expected = json.loads((folder / "expected.json").read_text())
    score = score_transcripts(
        read_transcripts(folder / "ref.stm"),
        read_transcripts(folder / "hyp.ctm", role="hypothesis"),
    )
    found = {signer.lower(): table_row(one) for signer, one in score.by_signer().items()}
    found["sum"] = table_row(score)
    rows = {name: row for name, row in expected.items() if name not in ("tool", "columns")}
    assert found.keys() == rows.keys()
    assert len(rows) == 6
    for name, row in rows.items():
        assert [round(value, 1) for value in found[name]] == row, name


@pytest.mark.shared_data
def test_jiwer_agrees_on_real_hypotheses(shared_data):
    folder = shared_data / "wer_fixtures" / "isharah_us_dev"
    references = read_transcripts(folder / "ref.txt")
    hypotheses = read_transcripts(folder / "hyp.txt")
    pairs = [(references[name].glosses, hypotheses[name].glosses) for name in references]
    ours = word_error_rate(*zip(*pairs), costs=LEVENSHTEIN)
    theirs = jiwer_counts(*zip(*pairs))
    assert (theirs.errors, theirs.references) == (ours.errors, ours.references) == (1430, 2596)


def test_jiwer_counts_a_gloss_with_a_space_as_one_word():
    assert jiwer_counts([["A B", "C"]], [["A B"]]) == ErrorCounts(1, 0, 0, 1, 2)
    assert jiwer_counts([], []) == ErrorCounts()
    assert jiwer_counts([[], ["A"]], [["B"], []]) == ErrorCounts(0, 0, 1, 1, 1)


def noisy_counts(sentences, seed=0):
    draw = random.Random(seed)
    references = [["A"] * draw.randint(1, 12) for _ in range(sentences)]
    hypotheses = [[w if draw.random() > 0.3 else "B" for w in words] for words in references]
    return sentence_counts(references, hypotheses)


def test_the_interval_holds_the_rate_and_narrows_with_more_sentences():
    widths = []
    for sentences in (30, 300, 3000):
        counts = noisy_counts(sentences)
        low, high = bootstrap_interval(counts)
        assert low < sum(counts).wer < high
        widths.append(high - low)
    # A hundred times the sentences, about a tenth of the width.
    assert widths[0] > widths[1] > widths[2]
    assert 5 < widths[0] / widths[2] < 20


def test_the_interval_covers_the_true_rate_about_as_often_as_it_says():
    hits = 0
    for seed in range(100):
        low, high = bootstrap_interval(noisy_counts(60, seed), resamples=200)
        hits += low < 30 < high
    assert 85 <= hits <= 100


def test_a_higher_level_gives_a_wider_interval_and_a_seed_repeats_it():
    counts = noisy_counts(100)
    narrow, wide = bootstrap_interval(counts, 0.5), bootstrap_interval(counts, 0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert bootstrap_interval(counts, seed=3) == bootstrap_interval(counts, seed=3)
    assert bootstrap_interval(counts, seed=3) != bootstrap_interval(counts, seed=4)


def test_drawing_in_blocks_changes_nothing(monkeypatch):
    counts = noisy_counts(50)
    whole = bootstrap_interval(counts, resamples=100)
    monkeypatch.setattr("slr_keras.metrics.bootstrap._CELLS_AT_ONCE", 350)
    assert bootstrap_interval(counts, resamples=100) == whole


def test_an_interval_needs_reference_words_and_sane_settings():
    with pytest.raises(UserError, match="no reference word"):
        bootstrap_ratio([], [])
    with pytest.raises(UserError, match="no reference word"):
        bootstrap_ratio([1.0], [0.0])
    for level, resamples in ((0, 10), (1, 10), (0.95, 0)):
        with pytest.raises(ValueError, match=r"confidence level|resample"):
            bootstrap_ratio([1], [1], level, resamples)


def test_resamples_of_empty_references_alone_do_not_spoil_the_interval():
    low, high = bootstrap_ratio([0, 1, 0], [0, 2, 0])
    assert (low, high) == (0.5, 0.5)


def test_mean_deviation_and_median_over_signers_are_sclites():
    # Counts and summary that sclite prints for its own regression test 5 (raw and percent).
    signers = {
        "2347-a": ErrorCounts(183, 57, 68, 13, 253),
        "2347-b": ErrorCounts(412, 173, 59, 57, 642),
        "3129-a": ErrorCounts(62, 53, 39, 73, 188),
        "3129-b": ErrorCounts(356, 245, 59, 104, 705),
    }
    score = Score(
        tuple(SentenceScore(name, name, (), (), counts) for name, counts in signers.items())
    )
    rows = {}
    for line in signer_table(score).split("\n"):
        cells = line.strip("|").split("|")
        if len(cells) == 3:
            rows[cells[0].strip()] = cells[2].split()[:5]
    assert rows["3129-a"] == ["33.0", "28.2", "38.8", "20.7", "87.8"]
    assert rows["Sum/Avg"] == ["56.7", "29.5", "13.8", "12.6", "55.9"]
    assert rows["Mean"] == ["55.0", "28.1", "16.9", "16.3", "61.3"]
    assert rows["S.D."] == ["17.2", "5.1", "15.1", "9.0", "18.5"]
    assert rows["Median"] == ["57.3", "27.6", "11.8", "15.0", "56.2"]


def test_the_table_needs_signers_and_stays_aligned_for_big_counts():
    unsigned = {"c": Transcript("c", ("A",))}
    with pytest.raises(UserError, match="no signer"):
        signer_table(score_transcripts(unsigned, unsigned))
    signed = {
        f"c{i}": Transcript(f"c{i}", ("A",) * 5000, "a signer with a long name" * (i % 2) or "s")
        for i in range(30)
    }
    lines = signer_table(score_transcripts(signed, signed)).split("\n")
    assert len({len(line) for line in lines}) == 1
    assert "150000" in lines[5]
