"""The package computes what docs/reference/enrolment-file.md says, for any implementation."""

import json
from pathlib import Path

import literal_enrolment
import numpy as np
import pytest

from slr_keras.enrolment.enrolment import EncoderIdentity, Enrolment, Example
from slr_keras.enrolment.matching import Matcher
from slr_keras.enrolment.rest import RestGate, low_share, movement
from slr_keras.enrolment.scores import Gallery
from slr_keras.enrolment.threshold import TEMPERATURE, impostors_of

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))
CLOSE = {"rtol": 0, "atol": 1e-9}


def arrays(signs):
    vectors, mirrored = (
        np.array([row for sign in signs for row in sign[side]]) for side in ("vectors", "mirrored")
    )
    owners = np.repeat(np.arange(len(signs)), [len(sign["vectors"]) for sign in signs])
    return vectors, mirrored, owners


def statistics(signs, background):
    vectors, mirrored, owners = arrays(signs)
    gallery = Gallery.of(vectors, mirrored, owners, GOLDEN["naming_components"])
    background = np.array(background) if background else None
    return impostors_of(gallery, vectors, owners, background)


def test_the_golden_file_is_what_the_literal_formulas_give():
    assert json.loads(json.dumps(literal_enrolment.golden())) == GOLDEN


@pytest.mark.parametrize(
    ("name", "signs", "has_background"),
    [("impostors", 3, True), ("without_background", 3, False), ("one_sign", 1, False)],
)
def test_impostor_scores_are_golden(name, signs, has_background):
    background = GOLDEN["background_vectors"] if has_background else []
    found, expected = statistics(GOLDEN["signs"][:signs], background), GOLDEN[name]
    np.testing.assert_allclose(found.mean, expected["mean"], **CLOSE)
    np.testing.assert_allclose(found.deviation, expected["deviation"], **CLOSE)
    np.testing.assert_allclose(found.background, expected["background"], **CLOSE)


def test_thresholds_are_golden():
    impostors = statistics(GOLDEN["signs"], GOLDEN["background_vectors"])
    found = [impostors.threshold(float(rate)) for rate in GOLDEN["thresholds"]]
    np.testing.assert_allclose(found, list(GOLDEN["thresholds"].values()), **CLOSE)


class Given:
    """An encoder that is asked for nothing."""

    dimension, naming_components, digest, contract = 16, GOLDEN["naming_components"], "0", None


class AnyContract:
    def require_same(self, *others):
        return None


def golden_matcher(accept: float) -> Matcher:
    vectors, mirrored, owners = arrays(GOLDEN["signs"])
    impostors = statistics(GOLDEN["signs"], GOLDEN["background_vectors"])
    names = tuple(sign["name"] for sign in GOLDEN["signs"])
    examples = tuple(Example("", 9, 1.0, 0.0) for _ in owners)
    identity = EncoderIdentity.of(Given, "given")
    rest = RestGate(((), ()), 0.0, None)
    enrolment = Enrolment(
        identity, AnyContract(), names, owners, examples, vectors, mirrored, impostors, rest
    )
    return Matcher(enrolment, Given, accept)


@pytest.mark.parametrize("accept", [0.01, 0.05, 0.2])
def test_answers_are_golden(accept):
    matcher = golden_matcher(accept)
    expected = GOLDEN["answers"]
    assert GOLDEN["temperature"] == TEMPERATURE
    answers = matcher.answers(np.array([one["vector"] for one in expected]))
    for answer, golden in zip(answers, expected, strict=True):
        assert answer.sign == golden["sign"]
        np.testing.assert_allclose(answer.score, golden["score"], **CLOSE)
        np.testing.assert_allclose(answer.unknown, golden["unknown"], **CLOSE)
        np.testing.assert_allclose(answer.confidences, golden["confidences"], **CLOSE)
        # The limit of the probability is the threshold of the score.
        assert answer.accepted == (golden["score"] >= GOLDEN["thresholds"][str(accept)])


def test_naming_and_rejection_scores_are_golden():
    vectors, mirrored, owners = arrays(GOLDEN["signs"])
    gallery = Gallery.of(vectors, mirrored, owners, GOLDEN["naming_components"])
    queries = np.array([one["vector"] for one in GOLDEN["answers"]])
    naming, rejection = gallery.scores(queries)
    np.testing.assert_allclose(naming, [one["naming"] for one in GOLDEN["answers"]], **CLOSE)
    np.testing.assert_allclose(rejection, [one["rejection"] for one in GOLDEN["answers"]], **CLOSE)


def test_measures_of_rest_are_golden():
    hands = GOLDEN["rest"]["hands"]
    for one in GOLDEN["rest"]["clips"]:
        clip = np.array(one["clip"])
        np.testing.assert_allclose(movement(clip, hands), one["movement"], **CLOSE)
        np.testing.assert_allclose(low_share(clip, hands), one["low"], **CLOSE)
