"""Glosses as text, and word vectors from files."""

import numpy as np
import pytest

from slr_keras.models.gloss_lm import gloss_text, gloss_vectors, read_word_vectors
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize(
    ("gloss", "text"),
    [
        ("REGEN-PLUSPLUS", "Regen"),
        ("loc-SUEDRAUM", "Sued"),
        ("HABEN2", "Haben"),
        ("WIE-AUSSEHEN", "Wie Aussehen"),
        ("A+B+C", "A B C"),
        ("__ON__", "On"),
        ("__LEFTHAND__", ""),
        ("ÜBER", "Über"),
        ("你好", "你好"),
    ],
)
def test_glosses_become_words(gloss, text):
    assert gloss_text(gloss) == text
    assert gloss_text(gloss, cased=False) == text.lower()


def write(tmp_path, text):
    path = tmp_path / "words.vec"
    path.write_text(text, encoding="utf-8")
    return path


def test_both_kinds_of_files_are_read(tmp_path):
    body = "Regen 1 2\n. . 3 4\nNord 5 6\nRegen 9 9\n"
    for text in (body, "4 2\n" + body):
        found = read_word_vectors(write(tmp_path, text), {"Regen", ". .", "Wind"})
        assert {word: vector.tolist() for word, vector in found.items()} == {
            "Regen": [1, 2],
            ". .": [3, 4],
        }


def test_glosses_find_their_words_and_strangers_get_seeded_ones(tmp_path):
    path = write(tmp_path, "Regen 1 0\nWind 0 1\nNORD 4 4\nnord 9 9\nkalt 2 0\n")
    glosses = ["REGEN", "NORD", "REGEN-WIND", "KALT", "XYZ"]
    vectors, missing = gloss_vectors(path, glosses, seed=3)
    np.testing.assert_allclose(vectors[:4], [[1, 0], [4, 4], [0.5, 0.5], [2, 0]])
    assert missing == ("XYZ",)
    np.testing.assert_array_equal(vectors, gloss_vectors(path, glosses, seed=3)[0])
    assert np.abs(vectors[4] - gloss_vectors(path, glosses, seed=4)[0][4]).max() > 0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Regen 1 x\n", ":1"),
        ("Wind 1 2\nRegen nan 2\n", ":2"),
        ("alone\n", ":1"),
        ("3 2\nx 1 2\nRegen 1\n", "none of the"),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path, text, place):
    with pytest.raises(UserError, match=rf"words\.vec.*{place}|words\.vec{place}"):
        gloss_vectors(write(tmp_path, text), ["REGEN"])


def test_a_file_of_another_language_and_no_file_are_refused(tmp_path):
    with pytest.raises(UserError, match="none of the 1 glosses"):
        gloss_vectors(write(tmp_path, "rain 1 2\n"), ["REGEN"])
    with pytest.raises(UserError, match="cannot be read"):
        gloss_vectors(tmp_path / "absent.vec", ["REGEN"])
