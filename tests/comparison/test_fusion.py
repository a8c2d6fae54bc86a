"""The sum of two runs' logits, and what is refused (docs/papers/stepnet.md §8, eq. 6)."""

import numpy as np
import pytest

from slr_keras.comparison.fusion import FusedSplit, best_alpha, fuse
from slr_keras.data.manifest import FolderWriter, read_manifest
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.outputs import SignDecoder
from slr_keras.metrics import label_ranks
from slr_keras.utils.errors import UserError

GLOSSES = ("A", "B", "C")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    from slr_keras.data.contract import contract

    folder = tmp_path_factory.mktemp("fusion") / "data"
    with FolderWriter(folder, contract("kinect_20")) as writer:
        for number, gloss in enumerate("ABCA"):
            writer.add("dev", id=f"c{number}", glosses=[gloss], keypoints=np.ones((4, 20, 4)))
    return read_manifest(folder / "dev.jsonl")


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0, 3.0])
def test_log_probabilities_rank_the_signs_as_raw_logits_do(alpha):
    first, second = np.random.default_rng(0).normal(0, 4, (2, 50, 9))
    raw = fuse(first, second, alpha)
    normalised = fuse(log_softmax(first), log_softmax(second), alpha)
    # They differ by one number for each clip.
    spread = np.ptp(raw - normalised, axis=1)
    assert spread.max() < 1e-9
    labels = np.arange(50) % 9
    np.testing.assert_array_equal(label_ranks(raw, labels), label_ranks(normalised, labels))


def test_it_is_logits_that_are_added_and_not_probabilities():
    # A leans to B, and the second is sure of C: its logits decide at 0.4, its probabilities do not.
    first, second = np.array([[0.0, 2.0, 0.0]]), np.array([[0.0, 0.0, 9.0]])
    assert fuse(first, second, 0.4).argmax() == 2
    probabilities = [np.exp(log_softmax(x)) for x in (first, second)]
    assert (probabilities[0] + 0.4 * probabilities[1]).argmax() == 1


def test_at_nought_the_first_alone_counts_even_beside_an_impossible_sign():
    first, second = np.array([[0.0, 2.0]]), np.array([[-np.inf, 0.0]])
    np.testing.assert_array_equal(fuse(first, second, 0.0), first)


def test_scores_of_the_fused_and_of_each_alone(manifest):
    first = np.array([[1.0, 0, 0], [1, 0.9, 0], [0, 1, 0.9], [1, 0, 0]])
    second = np.array([[0.0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
    split = FusedSplit(manifest, (first, second), GLOSSES)
    assert [score.hits.tolist() for score in split.alone] == [
        [True, False, False, True],
        [False, True, True, False],
    ]
    assert split.score(0.0).hits.tolist() == [True, False, False, True]
    assert split.score(0.4).hits.all()
    alpha, hits = best_alpha(split, (0.0, 0.05, 0.4, 0.5, 2.0))
    # The smallest of those that are right everywhere; 1 + 0 against 0 + 2 loses two clips.
    assert (alpha, hits) == (0.4, [50.0, 50.0, 100.0, 100.0, 50.0])


def test_scores_of_the_readout_are_log_probabilities_from_the_third_token_on():
    logits = np.array([[0.0, 2.0, 1.0]], "float32")
    scores = SignDecoder(("st",)).scores({"st": logits, "top": -logits})
    assert set(scores) == {"ensemble", "st", "top"}
    found = scores["ensemble"].numpy()
    assert found.shape == (1, 1, 5)
    assert np.isneginf(found[0, 0, :2]).all()
    np.testing.assert_allclose(found[0, :, 2:], log_softmax(logits), atol=1e-6)


def test_the_readout_names_the_best_sign_over_the_whole_clip_the_first_among_equals():
    decoder = SignDecoder(("st",))
    scores = decoder.scores({"st": np.log([[0.25, 0.5, 0.25], [0.4, 0.2, 0.4]])}).pop("ensemble")
    found = decoder.decode(scores.numpy(), [1, 1], DecodingConfig())
    assert [(one.ids, one.spans) for one in found] == [((3,), ((0, 1),)), ((2,), ((0, 1),))]
    assert [one.confidences[0] for one in found] == pytest.approx([0.5, 0.4])
    emitted = decoder.emission(scores.numpy()[0], (3, 2), DecodingConfig())
    np.testing.assert_allclose(emitted, [[0.5, 0.25]], rtol=1e-6)
    assert decoder.steps(np.array([400, 4]), 4).tolist() == [1, 1]


@pytest.mark.parametrize(
    "options",
    [{"language_model_order": 2}, {"insertion_bonus": 1.0}, {"collapse_repeats": True}],
)
def test_what_only_sequences_have_is_refused_by_name(options):
    with pytest.raises(UserError, match=rf"decoding\.{next(iter(options))}.*one sign of a clip"):
        SignDecoder(("st",), DecodingConfig(**options))
