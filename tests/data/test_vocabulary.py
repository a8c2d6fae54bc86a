"""Vocabularies: ids, order, files, digest and refusals."""

import pytest

from slr_keras.data.sample import Sample
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError


def samples(*sentences):
    return [Sample(str(i), tuple(s.split()), frames=9) for i, s in enumerate(sentences)]


def test_blank_is_0_and_unknown_is_1_and_glosses_follow():
    vocabulary = Vocabulary(("RAIN", "NORTH"))
    assert vocabulary.tokens == ("<blank>", "<unk>", "RAIN", "NORTH")
    assert (len(vocabulary), vocabulary.BLANK_ID, vocabulary.UNKNOWN_ID) == (4, 0, 1)
    assert vocabulary.encode(["NORTH", "RAIN", "NORTH"]) == [3, 2, 3]


def test_frequent_glosses_come_first_and_ties_by_name():
    data = samples("B A", "C A", "C A", "D B C")
    assert Vocabulary.from_samples(data).glosses == ("A", "C", "B", "D")
    assert Vocabulary.from_samples(data[::-1]) == Vocabulary.from_samples(data)
    assert Vocabulary.from_samples(data, order="alphabet").glosses == ("A", "B", "C", "D")
    with pytest.raises(UserError, match="'random'; it must be frequency or alphabet"):
        Vocabulary.from_samples(data, order="random")


def test_case_is_kept():
    assert Vocabulary.from_samples(samples("regen REGEN")).glosses == ("REGEN", "regen")


def test_decoding_drops_blanks_and_keeps_repeats_and_the_unknown():
    vocabulary = Vocabulary(("RAIN", "NORTH"))
    assert vocabulary.decode([0, 2, 2, 0, 1, 3]) == ("RAIN", "RAIN", "<unk>", "NORTH")
    for wrong in (4, -1):
        with pytest.raises(UserError, match=f"id {wrong} is outside"):
            vocabulary.decode([wrong])


def test_an_unknown_gloss_is_an_error_or_the_unknown_token():
    vocabulary = Vocabulary(("RAIN",))
    with pytest.raises(UserError) as caught:
        vocabulary.encode(["RAIN", "SNOW"], where="dev.jsonl:3: sample 'a'")
    assert str(caught.value).startswith("dev.jsonl:3: sample 'a': unknown gloss 'SNOW'")
    assert vocabulary.encode(["RAIN", "SNOW"], unknown="unk") == [2, 1]


def test_a_special_token_is_never_a_target_by_its_name():
    for token in ("<blank>", "<unk>"):
        with pytest.raises(UserError, match="unknown gloss"):
            Vocabulary(("RAIN",)).encode([token])
        with pytest.raises(UserError, match="reserved"):
            Vocabulary.from_samples(samples(f"RAIN {token}"))


def test_a_vocabulary_survives_its_file(tmp_path):
    path = tmp_path / "vocabulary.txt"
    original = Vocabulary(("WÄHREND", "IX-1P", "雨"))
    original.write(path)
    assert path.read_text(encoding="utf-8").splitlines()[2] == "WÄHREND"
    read = Vocabulary.read(path)
    assert (read, read.digest) == (original, original.digest)


def test_the_digest_follows_content_and_order():
    digests = {Vocabulary(g).digest for g in [("A", "B"), ("B", "A"), ("A",), ("A", "B", "C")]}
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("lines", "place", "message"),
    [
        (["A", "B"], 1, "begins with the lines <blank> and <unk>"),
        ([], 1, "begins with"),
        (["<blank>", "<unk>", "A", "", "B"], 4, "'' is not one gloss"),
        (["<blank>", "<unk>", "A B"], 3, "'A B' is not one gloss"),
        (["<blank>", "<unk>", "A", "B", "A"], 5, "'A' is already on line 3"),
    ],
)
def test_a_faulty_vocabulary_file_is_refused_by_line(tmp_path, lines, place, message):
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError) as caught:
        Vocabulary.read(path)
    assert str(caught.value).startswith(f"{path}:{place}: ")
    assert message in str(caught.value)


def test_an_absent_vocabulary_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent.txt"):
        Vocabulary.read(tmp_path / "absent.txt")


@pytest.mark.parametrize("gloss", ["", "THANK YOU", " A", "A\n", 3])
def test_a_gloss_is_one_word(gloss):
    with pytest.raises(UserError, match="is not one word"):
        Vocabulary(("B", gloss))


def test_another_vocabulary_is_refused_naming_both():
    one, other = Vocabulary(("A", "B")), Vocabulary(("A", "C", "D"))
    one.require_same(Vocabulary(("A", "B")))
    with pytest.raises(UserError) as caught:
        one.require_same(other, "the run", "data/dev")
    message = str(caught.value)
    assert f"the run has 4 tokens ({one.digest})" in message
    assert f"data/dev has 5 ({other.digest})" in message
    assert "id 3 is 'B' in one and 'C' in the other" in message
    with pytest.raises(UserError, match="id 4 is 'nothing' in one and 'C'"):
        one.require_same(Vocabulary(("A", "B", "C")))
