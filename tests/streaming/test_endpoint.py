"""Sentences end at rest: when both hands are low and slow."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.streaming.endpoint import Endpointer, RestConfig, RestDetector

WHOLE_BODY = contract("coco_wholebody_133", image_size=(210, 260))
ROWS = {name: row for row, name in enumerate(WHOLE_BODY.points)}


def frame(left=1.4, right=1.4, score=0.9):
    """A signer whose wrists are so many shoulder widths below the shoulders."""
    points = np.full((133, 3), np.nan, np.float32)
    source = {name: row for row, name in enumerate(WHOLE_BODY.source.points)}
    points[source["left_shoulder"]] = (130, 80, 0.9)
    points[source["right_shoulder"]] = (90, 80, 0.9)
    points[source["left_wrist"]] = (130, 80 + 40 * left, score)
    points[source["right_wrist"]] = (90, 80 + 40 * right, score)
    return WHOLE_BODY.prepare(points[None])[0]


def sentences(stream, **config):
    """Frames of each sentence, and those of the last, that has not ended."""
    endpointer = Endpointer(RestDetector(WHOLE_BODY, RestConfig(**config)))
    done, open_now = [], 0
    for one in stream:
        found, ended = endpointer(one)
        open_now += len(found)
        if ended:
            done.append(open_now)
            open_now = 0
    return done, open_now


def rest(count):
    return [frame()] * count


def signing(count):
    return [frame(left=0.2 * (number % 3)) for number in range(count)]


def test_a_stream_of_two_sentences_is_cut_at_rest():
    stream = [*rest(40), *signing(30), *rest(40), *signing(20), *rest(40)]
    done, left = sentences(stream, frames=10, lead=5, start=3)
    # The lead, the signing, and rest until most of the last ten frames were rest.
    assert len(done) == 2
    assert left == 0
    assert 35 <= done[0] <= 47
    assert 25 <= done[1] <= 37


def test_rest_alone_begins_nothing_and_a_jump_of_the_detector_neither():
    assert sentences([*rest(30), *signing(1), *rest(30)]) == ([], 0)


def test_a_hand_that_is_not_seen_rests_as_it_did():
    hidden = frame(score=0.0)
    done, _ = sentences([*rest(20), *signing(20), *[hidden] * 60], frames=10)
    assert done == []
    done, _ = sentences([*rest(20), *signing(20), frame(), frame(), *[hidden] * 60], frames=10)
    assert len(done) == 1


def test_without_rest_a_sentence_ends_at_the_longest():
    done, left = sentences(signing(250), longest=100)
    assert done == [100, 100]
    assert left == 50


def test_zero_frames_of_rest_end_no_sentence():
    assert sentences([*rest(30), *signing(20), *rest(60)], frames=0) == ([], 110)


def test_a_layout_without_wrists_is_one_sentence():
    unknown = contract("boston_3")
    detector = RestDetector(unknown)
    assert not detector.able
    assert Endpointer(detector)(np.zeros((3, 3)))[0]


@pytest.mark.parametrize("size", [(210, 260), (1920, 1080)])
def test_rest_does_not_depend_on_the_camera(size):
    scaled = contract("coco_wholebody_133", image_size=size)
    detector = RestDetector(scaled)
    factor = np.array([size[0] / 210, size[1] / 260, 1])
    unit = (130 - 90) * factor[0]
    points = np.full((133, 3), np.nan, np.float32)
    source = {name: row for row, name in enumerate(scaled.source.points)}
    for side, x in (("left", 130), ("right", 90)):
        points[source[f"{side}_shoulder"]] = (x * factor[0], 100.0, 0.9)
        points[source[f"{side}_wrist"]] = (x * factor[0], 100.0 + 1.0 * unit, 0.9)
    assert detector(scaled.prepare(points[None])[0])
    points[source["left_wrist"], 1] = 100.0 + 0.5 * unit
    assert not detector(scaled.prepare(points[None])[0])
