"""Scores of sets of sentences: pairing, folding, clean-up, worst sentences."""

import pytest

from slr_keras.metrics import LEVENSHTEIN, Transcript, score_transcripts
from slr_keras.utils.errors import UserError


def transcripts(**glosses):
    return {name: Transcript(name, tuple(words.split())) for name, words in glosses.items()}


def test_missing_hypotheses_are_deletions_and_are_named():
    score = score_transcripts(transcripts(a="A B", b="C"), transcripts(a="A B"))
    assert score.missing == ("b",)
    assert (score.total.deletions, score.total.errors) == (1, 1)
    assert score.sentence_errors == 1


def test_an_empty_hypothesis_is_deletions_but_is_not_missing():
    score = score_transcripts(transcripts(a="A B"), transcripts(a=""))
    assert (score.missing, score.total.deletions) == ((), 2)


def test_ids_unknown_to_the_references_are_an_error_that_names_them():
    with pytest.raises(UserError, match=r"1 of 2 hypotheses have an id .* 'x'"):
        score_transcripts(transcripts(a="A"), transcripts(a="A", x="A"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("CLIP", "only upper and lower case differ"),
        ("dev/clip", "only folders before the id differ"),
        ("clip/1", "only what follows the first / differs"),
        ("clip.mp4", "only the extension differs"),
        ("other", "hypotheses have 'other', references have 'clip'"),
    ],
)
def test_no_id_in_common_is_refused_with_the_likely_reason(name, why):
    with pytest.raises(UserError, match="no id of the hypotheses is in the references") as error:
        score_transcripts(transcripts(clip="A"), {name: Transcript(name, ("A",))})
    assert why in str(error.value)


def test_references_without_any_gloss_have_no_rate():
    with pytest.raises(UserError, match="no gloss at all"):
        score_transcripts(transcripts(a="", b=""), transcripts(a="X"))


def test_case_and_letter_coding_are_folded_as_asked():
    references = {"a": Transcript("a", ("\u00dcBER", "neg-Haben"))}
    hypotheses = {"a": Transcript("a", ("U\u0308BER", "NEG-HABEN"))}
    assert score_transcripts(references, hypotheses).total.errors == 0
    assert score_transcripts(references, hypotheses, case_sensitive=True).total.errors == 1
    assert score_transcripts(references, hypotheses).levenshtein.errors == 0


def test_each_clean_up_cleans_the_sides_it_is_published_for():
    references = transcripts(a="loc-NORD REGEN REGEN poss-MEIN")
    hypotheses = transcripts(a="NORD REGEN poss-MEIN")
    assert score_transcripts(references, hypotheses, "phoenix2014t").total.errors == 0
    assert score_transcripts(references, hypotheses, "phoenix2014").total.errors == 0
    # The pipeline leaves references alone: loc- and the repeat stay, poss- is stripped.
    assert score_transcripts(references, hypotheses, "phoenix").total.errors == 3
    with pytest.raises(UserError, match="unknown"):
        score_transcripts(references, hypotheses, "phoenix2015")


def test_the_pipeline_scores_an_absent_hypothesis_as_the_published_script_does():
    score = score_transcripts(transcripts(a="A B", b="C"), transcripts(b="C"), "phoenix")
    assert (score.total.substitutions, score.total.deletions) == (1, 1)


def test_worst_sentences_come_first_and_show_words_as_written():
    score = score_transcripts(
        transcripts(a="A", b="Nord X Y", c="C"), transcripts(a="A", b="NORD Z", c="D")
    )
    worst = score.worst(5)
    assert [sentence.id for sentence in worst] == ["b", "c"]
    pairs = score.alignment(worst[0]).pairs
    assert pairs[0] == ("=", "Nord", "NORD")
    assert score.worst(1) == worst[:1]


def test_other_costs_give_other_counts():
    references = transcripts(a="X1 X2 X3 X4 A B C")
    hypotheses = transcripts(a="A B C Y1 Y2 Y3 Y4")
    assert score_transcripts(references, hypotheses).total.errors == 8
    assert score_transcripts(references, hypotheses).levenshtein.errors == 7
    assert score_transcripts(references, hypotheses, costs=LEVENSHTEIN).total.errors == 7
