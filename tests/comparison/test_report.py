"""Comparisons in text: columns, verdicts, sentences."""

from slr_keras.comparison import ComparedSentence, Comparison
from slr_keras.comparison.report import _sentence, _tests, side_by_side
from slr_keras.metrics import align, count_errors


def sentence(name, reference, one, other, signer=""):
    reference, one, other = (tuple(text.split()) for text in (reference, one, other))
    counts = count_errors(reference, one), count_errors(reference, other)
    return ComparedSentence(name, signer, reference, (one, other), counts)


def test_words_inserted_by_either_stand_between_the_same_reference_words():
    reference = ["A", "B"]
    columns = side_by_side(
        align(reference, ["A", "X", "Y", "B", "Z"]), align(reference, ["A", "V", "B"])
    )
    assert columns == [
        ("A", "A", "", "A", ""),
        ("*", "X", "I", "V", "I"),
        ("*", "Y", "I", "*", ""),
        ("B", "B", "", "B", ""),
        ("*", "Z", "I", "*", ""),
    ]


def test_columns_hold_every_word_once_in_order():
    reference, one, other = ["A", "B", "C", "D"], ["B", "X", "D", "Y"], []
    columns = side_by_side(align(reference, one), align(reference, other))
    rows = [[word for word in row if not set(word) <= {"*"}] for row in zip(*columns)]
    assert rows[0] == reference
    assert rows[1] == one
    assert rows[3] == other
    assert "".join(rows[4]) == "DDDD"


def test_sentences_are_listed_with_reference_above_both():
    text = _sentence(sentence("a", "RAIN NORTH", "RAIN SOUTH", "NORTH", "anna"))
    assert text.splitlines() == [
        "a, signer anna: errors A 1, B 1",
        "REF: RAIN NORTH",
        "A:   RAIN SOUTH",
        "          S",
        "B:   **** NORTH",
        "     D",
    ]


def test_the_sentences_that_differ_most_come_first_and_equal_ones_never():
    compared = Comparison(
        (
            sentence("same", "A B", "X Y", "X Y"),
            sentence("as many errors, other words", "A B", "X B", "A Y"),
            sentence("two", "A B", "A B", "X Y"),
            sentence("three", "A B C", "X Y Z", "A B C"),
        )
    )
    names = [one.id for one in compared.most_different()]
    assert names == ["three", "two", "as many errors, other words"]
    assert compared.outcomes == (1, 2, 1)


def test_the_verdict_names_the_better_run_only_where_the_test_does():
    better = sentence("a", "A B C", "A B C", "A X C")
    clear = "\n".join(_tests(Comparison((better,) * 20)))
    assert "A makes fewer errors" in clear
    assert "no p-value" in clear
    turned = sentence("a", "A B C", "A X C", "A B C")
    assert "B makes fewer errors" in "\n".join(_tests(Comparison((turned,) * 20)))
    assert "no significant difference" in "\n".join(_tests(Comparison((better, turned) * 10)))
