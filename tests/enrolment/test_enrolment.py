"""Enrolling, answering and editing, on simulated signs and a small real encoder."""

import sys
import types

import numpy as np
import pytest
from plain_encoder import PlainEncoder

from slr_keras.enrolment.editing import joined, require_sign, without
from slr_keras.enrolment.encoding import background_of, open_encoder
from slr_keras.enrolment.matching import Matcher
from slr_keras.enrolment.names import UNKNOWN, sign_name
from slr_keras.enrolment.quality import alike_signs, outliers
from slr_keras.enrolment.recording import Take, enrol, require_signing
from slr_keras.enrolment.threshold import Impostors
from slr_keras.utils.errors import UserError


def test_new_clips_of_enrolled_signs_get_their_names(enrolment, encoder, prepared):
    clips = [prepared(sign, number) for sign in enrolment.signs for number in range(20, 24)]
    answers = Matcher(enrolment, encoder, 0.3)(clips)
    named = [enrolment.signs[answer.sign] for answer in answers]
    assert named == [sign for sign in enrolment.signs for _ in range(4)]
    assert all(answer.accepted for answer in answers)


def test_confidences_and_the_unknown_sum_to_one(enrolment, encoder, prepared):
    for answer in Matcher(enrolment, encoder)([prepared("RAIN", 9), prepared("SHRINK", 9)]):
        np.testing.assert_allclose(answer.confidences.sum() + answer.unknown, 1)


def test_an_answer_does_not_depend_on_other_clips(enrolment, encoder, prepared):
    matcher = Matcher(enrolment, encoder)
    clips = [prepared("RAIN", 5), prepared("WORK", 5), np.zeros_like(prepared("RAIN", 6))]
    together, alone = matcher(clips), [matcher([clip])[0] for clip in clips]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.confidences, other.confidences, atol=1e-12)
        assert one.rest == other.rest


def test_a_clip_without_movement_is_rest_and_no_unknown_sign(enrolment, encoder, prepared):
    still = np.repeat(prepared("RAIN", 3)[:1], 30, axis=0)
    (answer,) = Matcher(enrolment, encoder)([still])
    assert answer.rest
    assert not answer.accepted
    assert answer.unknown == 0


def test_every_enrolled_recording_passes_the_gate_for_rest(enrolment, takes):
    assert not any(enrolment.rest(take.clip) for take in takes)


def test_a_lower_accept_rate_never_accepts_more(enrolment, encoder, prepared):
    clips = [prepared(sign, number) for sign in ("RAIN", "SHRINK", "WORK") for number in range(9)]
    counts = [
        sum(answer.accepted for answer in Matcher(enrolment, encoder, accept)(clips))
        for accept in (0.001, 0.05, 0.5)
    ]
    assert counts == sorted(counts)


def test_one_recording_of_one_sign_can_be_enrolled(takes, encoder):
    alone = enrol(takes[:1], encoder, "plain")
    assert alone.spread(0) is None
    answer = Matcher(alone, encoder)([takes[0].clip])[0]
    assert answer.accepted
    assert answer.confidences[0] > 0.9


@pytest.mark.parametrize("accept", [0.0, 1.0, float("nan")])
def test_an_accept_rate_that_is_no_rate_is_refused(enrolment, encoder, accept):
    with pytest.raises(UserError, match="between 0 and 1"):
        Matcher(enrolment, encoder, accept)


def test_background_signs_raise_the_threshold():
    thresholds = [
        Impostors(3, 0.2, 0.1, background).threshold(0.05)
        for background in (np.zeros(0), np.full(9, 0.9))
    ]
    assert thresholds[0] < thresholds[1] == pytest.approx(0.9)


def test_clips_of_an_enrolled_sign_in_the_background_do_not_raise_the_threshold(
    takes, encoder, prepared
):
    same = encoder.encode([prepared("RAIN", number) for number in range(40, 50)])
    with_background = PlainEncoder(encoder.contract, same)
    thresholds = [
        enrol(takes, one, "plain").impostors.threshold(0.05) for one in (encoder, with_background)
    ]
    assert thresholds[1] <= thresholds[0] + 0.01


def test_the_threshold_of_more_signs_is_higher():
    thresholds = [Impostors(signs, 0.2, 0.1, np.zeros(0)).threshold(0.05) for signs in (1, 5, 50)]
    assert thresholds == sorted(set(thresholds))


def test_the_threshold_accepts_the_asked_fraction_of_the_modelled_scores():
    impostors = Impostors(7, 0.2, 0.1, np.zeros(0))
    draws = np.random.default_rng(0).logistic(0.2, impostors.scale, (200_000, 7)).max(axis=1)
    for accept in (0.01, 0.05, 0.2):
        assert np.mean(draws > impostors.threshold(accept)) == pytest.approx(accept, rel=0.05)


def test_background_signs_are_found_in_the_folder_of_the_encoder(
    encoder, prepared, monkeypatch, tmp_path
):
    opened = types.SimpleNamespace(from_preset=lambda name: encoder)
    module = types.SimpleNamespace(SignEncoder=opened)
    monkeypatch.setitem(sys.modules, "slr_keras.enrolment.encoder", module)
    assert background_of(open_encoder(tmp_path)) is None
    vectors = encoder.encode([prepared("SHRINK", 0)])
    np.save(tmp_path / "background.npy", vectors)
    with_background = open_encoder(tmp_path)
    np.testing.assert_array_equal(background_of(with_background), vectors)
    assert with_background.digest == encoder.digest
    np.save(tmp_path / "background.npy", vectors[:, 1:])
    with pytest.raises(UserError, match="background of the encoder"):
        background_of(open_encoder(tmp_path))


# === Warnings ===


def test_one_sign_under_two_names_is_reported_as_too_alike(takes, encoder, prepared):
    twice = [*takes, *(Take("PLUIE", prepared("RAIN", n), f"s/{n}") for n in (30, 31, 32))]
    pairs = {(pair.one, pair.other) for pair in alike_signs(enrol(twice, encoder, "plain"))}
    assert ("RAIN", "PLUIE") in pairs


def test_a_recording_under_a_wrong_name_is_an_outlier(takes, encoder, prepared):
    wrong = Take("WORK", prepared("RAIN", 33), "WORK/wrong.npy")
    found = outliers(enrol([*takes, wrong], encoder, "plain"))
    assert "WORK/wrong.npy" in [outlier.source for outlier in found]
    (mistaken,) = (outlier for outlier in found if outlier.source == "WORK/wrong.npy")
    assert mistaken.looks_like == "RAIN"
    assert "looks more like RAIN" in str(mistaken)


# === Editing ===


def test_adding_the_same_recordings_again_changes_nothing(enrolment, encoder):
    again = joined([enrolment, enrolment], encoder)
    assert again.signs == enrolment.signs
    np.testing.assert_array_equal(again.vectors, enrolment.vectors)


def test_an_enrolment_in_two_parts_equals_one_in_one(takes, encoder, enrolment):
    parts = [enrol(takes[:4], encoder, "plain"), enrol(takes[4:], encoder, "plain")]
    whole = joined(parts, encoder)
    assert whole.signs == enrolment.signs
    np.testing.assert_array_equal(whole.vectors, enrolment.vectors)
    assert whole.impostors.threshold(0.05) == enrolment.impostors.threshold(0.05)


def test_removing_a_sign_equals_never_having_enrolled_it(takes, encoder, enrolment):
    fewer = without(enrolment, ["WORK"], encoder)
    never = enrol([take for take in takes if take.sign != "WORK"], encoder, "plain")
    assert fewer.signs == never.signs == ("RAIN", "MOTHER")
    assert fewer.impostors.threshold(0.05) == never.impostors.threshold(0.05)


def test_removing_all_signs_is_refused(enrolment, encoder):
    with pytest.raises(UserError, match="no sign would be left"):
        without(enrolment, enrolment.signs, encoder)


def test_renaming_keeps_the_answers(enrolment):
    renamed = enrolment.renamed("WORK", "work")
    assert renamed.signs == ("RAIN", "work", "MOTHER")
    with pytest.raises(UserError, match="enrolled already"):
        enrolment.renamed("WORK", "RAIN")


def test_an_unknown_sign_is_refused_with_the_nearest(enrolment):
    with pytest.raises(UserError, match="did you mean 'WORK'"):
        require_sign(enrolment, "WORKS")


def test_vectors_of_another_encoder_are_refused(enrolment, encoder):
    other = PlainEncoder(encoder.contract, salt="other")
    with pytest.raises(UserError, match="name that encoder with --encoder"):
        joined([enrolment], other)


# === Names and recordings ===


def test_names_are_composed_and_joined():
    assert sign_name("gro\u0308\u00dfe") == "gr\u00f6\u00dfe"
    assert sign_name("good  job") == "good-job"


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "a\x07b", UNKNOWN, "<blank>"])
def test_names_that_are_no_names_are_refused(name):
    with pytest.raises(UserError):
        sign_name(name)


def test_recordings_that_cannot_show_a_sign_are_refused(prepared, encoder):
    clip = prepared("RAIN", 0)
    with pytest.raises(UserError, match="has 3 frames"):
        require_signing(clip[:3], encoder, "a.npy")
    nobody = np.zeros_like(clip)
    with pytest.raises(UserError, match="no hand is seen"):
        require_signing(nobody, encoder, "a.npy")
