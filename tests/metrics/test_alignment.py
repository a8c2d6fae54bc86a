"""Alignment: sclite's costs, sclite's choices, and what the two imply."""

import random
from functools import cache

import pytest

from slr_keras.metrics import LEVENSHTEIN, SCLITE, align, count_errors, jiwer_counts
from slr_keras.metrics.alignment import operations


def edit_distance(reference, hypothesis):
    """Unit-cost distance, written a second time in the plainest way."""

    @cache
    def distance(i, j):
        if not i or not j:
            return i + j
        return min(
            distance(i - 1, j) + 1,
            distance(i, j - 1) + 1,
            distance(i - 1, j - 1) + (reference[i - 1] != hypothesis[j - 1]),
        )

    return distance(len(reference), len(hypothesis))


def cheapest(reference, hypothesis, substitution, insertion, deletion):
    """Least cost over all alignments, by recursion."""

    @cache
    def cost(i, j):
        if not i or not j:
            return i * deletion + j * insertion
        pair = 0 if reference[i - 1] == hypothesis[j - 1] else substitution
        return min(cost(i - 1, j) + deletion, cost(i, j - 1) + insertion, cost(i - 1, j - 1) + pair)

    return cost(len(reference), len(hypothesis))


def random_pairs(number, words, longest, seed=0):
    draw = random.Random(seed)
    for _ in range(number):
        yield tuple(
            [f"W{draw.randrange(words)}" for _ in range(draw.randint(0, longest))] for _ in range(2)
        )


def recognised(number, words, seed=0):
    """References and what a recogniser might make of them."""
    draw = random.Random(seed)
    for _ in range(number):
        reference = [f"W{draw.randrange(words)}" for _ in range(draw.randint(1, 14))]
        hypothesis = []
        for word in reference:
            chance = draw.random()
            if chance > 0.1:
                hypothesis.append(word if chance > 0.3 else f"W{draw.randrange(words)}")
            if draw.random() < 0.05:
                hypothesis.append(f"W{draw.randrange(words)}")
        yield reference, hypothesis


def test_an_alignment_spells_out_both_sentences_and_its_marks_are_true():
    for reference, hypothesis in random_pairs(500, 6, 9):
        pairs = align(reference, hypothesis).pairs
        assert [p.reference for p in pairs if p.operation != "I"] == reference
        assert [p.hypothesis for p in pairs if p.operation != "D"] == hypothesis
        for operation, above, below in pairs:
            assert (above is None) == (operation == "I")
            assert (below is None) == (operation == "D")
            if above is not None and below is not None:
                assert (above == below) == (operation == "=")


@pytest.mark.parametrize("costs", [SCLITE, LEVENSHTEIN, (2, 1, 3)])
def test_no_alignment_is_cheaper(costs):
    substitution, insertion, deletion = costs
    for reference, hypothesis in random_pairs(300, 4, 8):
        steps = operations(reference, hypothesis, *costs)
        cost = (
            substitution * steps.count("S")
            + insertion * steps.count("I")
            + deletion * steps.count("D")
        )
        assert cost == cheapest(reference, hypothesis, *costs)


def test_at_unit_costs_the_errors_are_the_edit_distance():
    for reference, hypothesis in random_pairs(1000, 5, 10):
        errors = count_errors(reference, hypothesis, LEVENSHTEIN).errors
        assert errors == edit_distance(reference, hypothesis)


def test_at_sclites_costs_the_errors_are_the_edit_distance_where_sentences_resemble_each_other():
    for reference, hypothesis in recognised(3000, 1000):
        errors = count_errors(reference, hypothesis).errors
        assert errors == edit_distance(reference, hypothesis)


def test_at_sclites_costs_the_errors_lie_between_the_edit_distance_and_four_thirds_of_it():
    more = 0
    for reference, hypothesis in random_pairs(2000, 20, 14):
        errors = count_errors(reference, hypothesis).errors
        fewest = edit_distance(reference, hypothesis)
        # Every error costs at least 3, and the fewest errors cost at most 4 each.
        assert fewest <= errors <= 4 * fewest / 3
        more += errors > fewest
    assert more > 0


def test_sclites_errors_exceed_the_edit_distance_when_a_phrase_moves_far():
    reference = ["X1", "X2", "X3", "X4", "A", "B", "C"]
    hypothesis = ["A", "B", "C", "Y1", "Y2", "Y3", "Y4"]
    # Four dropped, four inserted: 24. Seven substituted: 28.
    assert operations(reference, hypothesis) == "DDDD===IIII"
    assert edit_distance(reference, hypothesis) == 7
    assert count_errors(reference, hypothesis).errors == 8


@pytest.mark.parametrize(
    ("reference", "hypothesis", "steps"),
    [
        # As sclite prints them, substitutions last and insertions before them.
        ("THE is THE TEA", "TH IS is TH EN", "IS=SS"),
        ("I'VE UM as far as i'm CONCERNED", "THEY PRIDE ABOUT as far as i'm I", "ISS====S"),
        ("because I THINK women", "because THAT women", "=DS="),
        ("FUN SOME DAYS you", "FUN SOMETIMES you", "=DS="),
        ("A B", "B A", "D=I"),
        # Three substitutions and two deletions with two insertions both cost 12.
        ("A X Y", "P Q A", "SSS"),
        ("", "A B", "II"),
        ("A B", "", "DD"),
        ("", "", ""),
    ],
)
def test_among_equal_costs_sclites_choice_is_taken(reference, hypothesis, steps):
    assert operations(reference.split(), hypothesis.split()) == steps


def test_jiwer_finds_as_many_errors_at_unit_costs():
    pairs = list(random_pairs(300, 6, 9))
    for reference, hypothesis in pairs:
        ours, theirs = count_errors(reference, hypothesis, LEVENSHTEIN), None
        theirs = jiwer_counts([reference], [hypothesis])
        assert theirs.errors == ours.errors
        assert theirs.references == ours.references == len(reference)
        # What is inserted beyond what is deleted is the difference in length.
        assert theirs.insertions - theirs.deletions == ours.insertions - ours.deletions


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match="negative"):
        operations(["A"], ["B"], -1)


def test_wrapped_text_keeps_columns_under_each_other_for_wide_letters():
    text = align(["天气", "A", "B"], ["天气", "B", "C"]).text(width=8)
    assert text.split("\n") == [
        "REF:  天气 A",
        "HYP:  天气 *",
        "Eval:      D",
        "REF:  B *",
        "HYP:  B C",
        "Eval:   I",
    ]
