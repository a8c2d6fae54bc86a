"""The state machine around an engine: whole clips, sentences, and whatever a detector may send."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.decoding import DecodingConfig, decode_batch
from slr_keras.decoding.hypothesis import log_softmax
from slr_keras.streaming.endpoint import RestConfig
from slr_keras.streaming.engine import Engine, KerasEngine
from slr_keras.streaming.recogniser import StreamConfig, StreamingRecogniser
from slr_keras.utils.errors import UserError

UNENDING = StreamConfig(look_ahead=12, rest=RestConfig(frames=0))
NAMES = ("<blank>", "<unk>", "A", "B", "C", "D")


class Mixer(Engine):
    """Scores that remember: a leaky mean of what came, seen through a fixed random matrix, a few
    calls late. As a network it has a state that NaN would stay in."""

    frames, delay = 4, 3

    def __init__(self, points, channels, classes=6):
        rng = np.random.default_rng(0)
        self.matrix = rng.normal(0, 0.3, (points * channels, classes)).astype(np.float32)
        self.largest = 0.0
        self.reset()

    def reset(self):
        self.mean = np.zeros(len(self.matrix), np.float32)
        self.late = [np.zeros(len(self.mean), np.float32)] * self.delay

    def step(self, frames):
        if frames is not None:
            assert frames.shape[0] == 4
            assert np.isfinite(frames).all()
            self.largest = max(self.largest, float(np.abs(frames).max()))
            self.mean = 0.8 * self.mean + 0.2 * frames.mean(0).ravel()
        self.late.append(self.mean)
        assert np.isfinite(self.mean).all()
        return log_softmax(self.late.pop(0) @ self.matrix)


def recogniser(engine, known, config=None, **decoding):
    names = lambda ids: tuple(NAMES[label] for label in ids)  # noqa: E731
    return StreamingRecogniser(engine, known, names, DecodingConfig(**decoding), config)


def sentences(events):
    return [event.glosses for event in events if event.kind == "sentence"]


@pytest.fixture(scope="module")
def five(stark):
    """A contract of five points, a model of them, and its engine."""
    source = {"name": "five", "points": list("abcde"), "streams": {"body": list("abcde")}}
    from slr_keras.data.layout import layout_from_json
    from slr_keras.streaming.model import StreamingStark

    known = contract(layout_from_json({**source, "mirror": {}}), max_gap=12)
    model = stark.little({"left": (0, 1, 2)}, spatial_policy="ema")
    return known, model, KerasEngine(StreamingStark(model, ("fuse",)))


@pytest.mark.parametrize("frames", [3, 4, 41, 60])
@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_a_stream_of_one_sentence_is_recognised_as_the_clip(stark, five, frames, method):
    known, model, engine = five
    clip = np.random.default_rng(frames).uniform(0.1, 0.9, (frames, 5, 3)).astype(np.float32)
    clip[1:3, 2] = np.nan
    stream = recogniser(engine, known, UNENDING, method=method)
    events = [event for frame in clip for event in stream.push(frame)] + stream.finish()
    prepared = known.prepare(clip)
    prepared = np.concatenate([prepared, prepared[-1:]])[: max(frames // 4 * 4, 4)]
    rows = stark.offline(model, prepared[None], "fuse")
    expected = decode_batch(rows[None], [len(rows)], DecodingConfig(method=method))[0]
    assert sentences(events) == [tuple(NAMES[label] for label in expected.ids)]
    spans = tuple((4 * start, 4 * end) for start, end in expected.spans)
    assert events[-1].spans == spans
    said = []
    for event in events[:-1]:
        if event.kind == "revise":
            del said[-event.count :]
        else:
            said += event.glosses
    assert tuple(said) == events[-1].glosses


def test_sentences_of_a_stream_do_not_know_each_other(five):
    known, _, engine = five
    rng = np.random.default_rng(1)
    clip = rng.uniform(0.1, 0.9, (40, 5, 3)).astype(np.float32)
    config = StreamConfig(look_ahead=0, rest=RestConfig(frames=0, longest=40))
    stream = recogniser(engine, known, config, method="greedy")
    events = [event for frame in np.tile(clip, (3, 1, 1)) for event in stream.push(frame)]
    found = [event for event in events if event.kind == "sentence"]
    assert [event.frame for event in found] == [40, 80, 120]
    assert found[0].glosses == found[1].glosses == found[2].glosses
    shifted = tuple((start + 80, end + 80) for start, end in found[0].spans)
    assert found[2].spans == shifted


def test_a_stream_of_no_frames_and_one_of_rest_alone_say_nothing(five):
    known, _, engine = five
    assert recogniser(engine, known).finish() == []
    whole_body = contract("coco_wholebody_133")
    stream = recogniser(Mixer(79, 3), whole_body)
    assert [e for _ in range(200) for e in stream.push(np.zeros((133, 3)))] == []
    assert stream.finish() == []


def test_frames_of_another_shape_are_refused(five):
    known, _, engine = five
    with pytest.raises(UserError, match="5 points"):
        recogniser(engine, known).push(np.zeros((6, 3)))


def test_events_become_json_with_seconds(five):
    known, _, engine = five
    clip = np.random.default_rng(2).uniform(0.1, 0.9, (60, 5, 3))
    stream = recogniser(engine, known, UNENDING)
    events = [event for frame in clip for event in stream.push(frame)] + stream.finish()
    values = [json.loads(json.dumps(event.to_json(25.0))) for event in events]
    assert values[-1]["event"] == "sentence"
    assert values[-1]["seconds"] == 2.4
    assert [value["gloss"] for value in values[-1]["glosses"]] == list(events[-1].glosses)


def random_stream(rng, known, longest):
    """Frames as no detector should send them, and some as it does."""
    points, channels = len(known.source.points), len(known.source.channels)
    place = rng.uniform(0, 1, (points, channels)) * rng.choice([1e-3, 1, 300])
    for _ in range(int(rng.integers(0, longest))):
        place = place + rng.normal(0, rng.choice([0, 0.01, 1]), place.shape)
        frame = place.copy()
        kind = rng.integers(0, 8)
        if kind == 0:
            frame[rng.random(points) < rng.random()] = rng.choice([np.nan, np.inf, -np.inf, 0])
        elif kind == 1:
            frame[:] = rng.choice([np.nan, np.inf, 0, 1e30, -1e30, 3e38])
        elif kind == 2:
            frame *= rng.choice([1e-30, 1e6, 1e12, 1e30])
        elif kind == 3:
            frame[rng.integers(0, points, points // 3)] = np.nan
        frame[..., -1] = rng.choice([-1, 0, 0.5, 1, np.nan, frame[0, -1]])
        yield frame.astype(rng.choice([np.float32, np.float64]))


def held(stream):
    """Numbers that the state machine keeps."""
    filler, decoder = stream._filler, stream._decoder
    waiting = sum(frame.size for frame, _ in filler._waiting)
    kept = len(stream._endpointer._lead) + len(stream._normalise._recent)
    beam = len(getattr(decoder._search, "prefixes", ())) if hasattr(decoder, "_search") else 0
    return waiting + kept + len(stream._pending) + len(decoder._steps) + beam


def survive(streams, longest, seed=0):
    """Random streams through the recogniser; frames, sentences and the most that was held."""
    layouts = [
        contract("coco_wholebody_133"),
        contract("mediapipe_75", normalisation="body", image_size=(640, 480)),
        contract("boston_3"),
    ]
    frames = found = most = 0
    for number in range(streams):
        rng = np.random.default_rng((seed, number))
        known = layouts[number % 3]
        engine = Mixer(len(known.points), len(known.channels))
        rest = RestConfig(frames=int(rng.choice([0, 6, 12])), longest=100)
        config = StreamConfig(int(rng.integers(0, 13)), int(rng.integers(0, 12)), rest)
        method = str(rng.choice(["greedy", "beam"]))
        stream = recogniser(engine, known, config, method=method)
        with np.errstate(all="ignore"):
            for frame in random_stream(rng, known, longest):
                events = stream.push(frame)
                frames += 1
                found += len(sentences(events))
                most = max(most, held(stream))
            found += len(sentences(stream.finish()))
        assert engine.largest <= 100
    return frames, found, most


def test_no_random_stream_breaks_the_recogniser():
    frames, found, most = survive(60, 120)
    assert frames > 1000
    assert found > 30
    assert most < 10_000


def test_an_endless_stream_keeps_a_bounded_state():
    known = contract("coco_wholebody_133", image_size=(1, 1))
    stream = recogniser(Mixer(79, 3), known, StreamConfig(rest=RestConfig(longest=200)), beam=3)
    rng, sizes = np.random.default_rng(0), []
    for _ in range(1200):
        stream.push(rng.uniform(0, 1, (133, 3)))
        sizes.append(held(stream))
    # Four frames of 79 points that wait, 50 steps of a sentence, 3 prefixes, the frames of a lead.
    assert max(sizes) <= 4 * 79 * 3 + 50 + 3 + 15 + 4


@pytest.mark.long
def test_ten_thousand_random_streams_do_not_break_the_recogniser(capsys):
    frames, found, most = survive(10_000, 120, seed=1)
    with capsys.disabled():
        print(f"\n10000 streams, {frames} frames, {found} sentences, at most {most} numbers held")
    assert most < 10_000


@pytest.mark.long
def test_random_streams_leave_no_nan_in_the_models_state(five):
    known, _, engine = five
    for number in range(300):
        rng = np.random.default_rng(number)
        stream = recogniser(engine, known, StreamConfig(rest=RestConfig(longest=60)))
        with np.errstate(all="ignore"):
            for frame in random_stream(rng, known, 120):
                stream.push(frame)
                state = [value.numpy() for value in engine._state.values()]
                assert all(np.isfinite(value).all() for value in state)
            stream.finish()
