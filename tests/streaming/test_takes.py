"""Takes of a sign: count-down, question, trimming, and what is shown."""

import numpy as np
import pytest
from plain_encoder import PlainEncoder

from slr_keras.data.contract import contract
from slr_keras.data.simulator import Simulator
from slr_keras.streaming.preview import Preview, drawn
from slr_keras.streaming.takes import (
    AGAIN,
    KEEP,
    STOP,
    TakeConfig,
    TakeRecorder,
    keep_takes,
    trimmed,
)

CONFIG = TakeConfig(takes=3, countdown=0.4, seconds=1.0)


@pytest.fixture(scope="module")
def encoder() -> PlainEncoder:
    return PlainEncoder(contract("coco_wholebody_133", normalisation="body"))


@pytest.fixture(scope="module")
def signing() -> np.ndarray:
    """Raw points of a simulated sign, `(frames, 133, 3)`."""
    simulator = Simulator("demo")
    signer = simulator.signer("train", 0)
    return simulator.sample("train-00001", "train", ("RAIN",), signer).keypoints


def recorded(encoder, film, ask=lambda number: KEEP, live=False, config=CONFIG):
    """The takes, what was said, and how often the source was opened."""
    said, opened = [], []

    def source():
        opened.append(1)
        return iter(film)

    recorder = TakeRecorder("RAIN", encoder, config, said.append, ask)
    return recorder.record(source, live), said, len(opened)


def test_a_take_begins_after_the_count_down_and_has_its_length(encoder, signing):
    film = np.concatenate([signing] * 9)
    takes, said, _ = recorded(encoder, film)
    assert [len(raw) for _, raw in takes] == [25, 25, 25]
    np.testing.assert_array_equal(takes[0][1], film[10:35])
    np.testing.assert_array_equal(takes[1][1], film[45:70])
    assert said[:2] == ["RAIN, take 1 of 3: in 0 ...", "sign now"]


def test_a_take_that_the_signer_rejects_is_recorded_again(encoder, signing):
    answers = iter([AGAIN, KEEP, STOP])
    takes, _, _ = recorded(encoder, np.concatenate([signing] * 9), lambda number: next(answers))
    assert len(takes) == 1
    assert next(answers, None) is None


def test_a_camera_is_opened_for_each_take_and_a_file_once(encoder, signing):
    film = np.concatenate([signing] * 9)
    assert recorded(encoder, film, live=True)[2] == 3
    assert recorded(encoder, film, live=False)[2] == 1


def test_a_camera_that_shows_nobody_is_given_up(encoder, signing):
    takes, said, opened = recorded(encoder, np.zeros((99, 133, 3)), live=True)
    assert takes == []
    assert opened < 10
    assert "no hand is seen" in said[-1]


def test_rest_before_and_after_the_sign_is_cut_off(encoder, signing):
    detected = trimmed(signing, encoder.contract)
    still = np.repeat(signing[:1], 40, axis=0)
    film = np.concatenate([still, signing, still])
    assert len(detected) <= len(trimmed(film, encoder.contract)) <= len(detected) + 8


def test_a_recording_of_rest_alone_stays_as_it_is(encoder, signing):
    still = np.repeat(signing[:1], 40, axis=0)
    assert len(trimmed(still, encoder.contract)) == 40


def test_kept_takes_never_replace_each_other(encoder, signing, tmp_path):
    takes, _, _ = recorded(encoder, np.concatenate([signing] * 9))
    keep_takes(takes, tmp_path, encoder.contract)
    keep_takes(takes, tmp_path, encoder.contract)
    files = sorted((tmp_path / "RAIN").iterdir())
    assert len(files) == 6
    with np.load(files[0]) as file:
        np.testing.assert_array_equal(file["keypoints"], takes[0][1])
        assert str(file["layout"]) == "coco_wholebody_133"
        assert float(file["fps"]) == 25


def test_the_preview_shows_the_signer_as_in_a_mirror(encoder, signing):
    cv2 = pytest.importorskip("cv2")
    points = encoder.contract.select(signing[:1])[0]
    picture = drawn(encoder.contract, points, cv2)
    assert picture.shape == (480, 480, 3)
    rows = {name: row for row, name in enumerate(encoder.contract.points)}
    # The right arm is on the left in the picture of a camera, and on the right in a mirror.
    assert points[rows["right_shoulder"], 0] < points[rows["left_shoulder"], 0]
    kept = [rows[name] for name in ("right_shoulder", "left_shoulder", "right_elbow")]
    points[~np.isin(np.arange(len(points)), kept), -1] = 0
    both = drawn(encoder.contract, points, cv2).any(-1)
    points[rows["right_elbow"], -1] = 0
    elbow = both & ~drawn(encoder.contract, points, cv2).any(-1)
    assert np.nonzero(elbow)[1].mean() > 240


def test_there_is_no_preview_without_a_display(encoder, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert Preview.opened(encoder.contract) is None
