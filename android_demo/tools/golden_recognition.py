"""Golden vectors of whole recognisers: around a made-up engine, and around the bundle's model."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
from golden_model import golden_contract, signing
from golden_moments import until_next
from golden_streams import Mixer, Noise, random_stream
from golden_values import packed, trained, written

from export.lite.streaming import describe_recogniser
from slr_keras.bundle.bundle import FORMAT, SENTENCES, VERSION, Bundle
from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.rates import at_rate
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig
from slr_keras.streaming.endpoint import RestConfig
from slr_keras.streaming.engine import Engine, TfliteEngine
from slr_keras.streaming.recogniser import StreamConfig, StreamingRecogniser

GLOSSES = ("RAIN", "WIND", "SNOW", "SUN", "NORTH")

# === Streams ===

STREAMS = (
    {"layout": "golden", "frames": 0},
    {"layout": "golden", "frames": 0, "timed": True, "method": "greedy"},
    {"layout": "golden", "frames": 240, "rest": {"frames": 6, "longest": 100}},
    {"layout": "coco_wholebody_133", "frames": 150, "rest": {"longest": 60}, "look_ahead": 12},
    {"layout": "mediapipe_75", "frames": 150, "rest": {"longest": 90}, "stable": 0, "beam": 3},
    {"layout": "boston_3", "frames": 90, "method": "greedy", "look_ahead": 0, "timed": True},
    {
        "layout": "openpose_50",
        "frames": 120,
        "rest": {"longest": 50},
        "language_model_order": 2,
        "collapse_repeats": True,
    },
    {"layout": "boston_3", "frames": 3},
)


def _stream_contract(name: str) -> KeypointContract:
    if name == "golden":
        return golden_contract()
    fields = {"mediapipe_75": {"image_size": (640, 480), "normalisation": "body"}}
    return contract(name, **fields.get(name, {}))


def stream(number: int, layout: str, frames: int, timed: bool = False, rest=(), **fields) -> dict:
    """A whole recogniser around the `Mixer`: all events, and now and then what goes on."""
    known = _stream_contract(layout)
    options = {key: fields.pop(key) for key in ("look_ahead", "stable") if key in fields}
    config = StreamConfig(rest=RestConfig(**dict(rest)), **options)
    decoding = DecodingConfig(**fields)
    vocabulary = Vocabulary(GLOSSES)
    engine = Mixer(len(known.points) * len(known.channels), len(vocabulary))
    language_model = trained(decoding.language_model_order, vocabulary.digest)
    recogniser = StreamingRecogniser(
        engine, known, vocabulary.decode, decoding, config, language_model
    )
    seed, times = 100 + number, None
    raw = [*random_stream(seed, known, frames)] if frames else [*signing(number, 3)[0]]
    shown = raw
    if timed:
        noise = Noise(seed)
        times = [10**12]
        while len(times) < len(raw):
            times.append(times[-1] + (0, 20, 33, 40, 41, 130)[noise.below(6)])
        moments = zip(raw, (Fraction(time, 1000) for time in times), strict=True)
        shown = at_rate(until_next(moments, known.fps), known.fps)
    with np.errstate(all="ignore"):
        events, running = _recognised(recogniser, shown)
    return {
        "metadata": _metadata(known, vocabulary, decoding, config, engine),
        "contract": known.to_json(),
        "labels": vocabulary.tokens,
        "language_model": written(language_model),
        "seed": seed,
        "frames": frames,
        "raw": None if frames else packed(raw),
        "times": times,
        "events": events,
        "running": running,
    }


def _metadata(known, vocabulary, decoding, config, engine: Mixer) -> dict:
    inputs, outputs = engine.shapes(known)
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": {"name": "mixer"},
        "task": SENTENCES,
        "contract": {"digest": known.digest},
        "vocabulary": {"digest": vocabulary.digest, "labels": len(vocabulary)},
        "decoding": dataclasses.asdict(decoding),
        "streaming": {
            "policy": "mixed",
            "frames": engine.frames,
            "delay": engine.delay,
            "signature": "serving_default",
            "tensors": {
                "keypoints": "keypoints",
                "valid": "valid",
                "scores": "log_probabilities",
                "state": "state_",
            },
            "recogniser": describe_recogniser(config),
            "inputs": inputs,
            "outputs": outputs,
        },
    }


def _recognised(recogniser: StreamingRecogniser, frames) -> tuple[list, list]:
    """Events as lists, and after every tenth frame what goes on: glosses, confidences, said."""
    events, running = [], []
    for frame in frames:
        events += map(_event, recogniser.push(frame))
        if recogniser.frame % 10 == 0:
            said = recogniser.said_now
            glosses = (*said, *recogniser.tentative)
            running.append([glosses, recogniser.confidences, len(said)])
    return events + [_event(event) for event in recogniser.finish()], running


def _event(event) -> list:
    kept = [event.kind, event.frame, event.glosses, event.count, event.spans, event.confidences]
    return [list(part) if isinstance(part, tuple) else part for part in kept]


# === The model ===


class _Recorder(Engine):
    """Keeps what goes into an engine and comes out of it."""

    def __init__(self, engine: TfliteEngine, states: list[str]):
        self.frames, self.delay = engine.frames, engine.delay
        self.calls: list[dict] = []
        self._engine, self._states, self._fresh = engine, states, True

    def reset(self) -> None:
        self._engine.reset()
        self._fresh = True

    def step(self, frames):
        row = self._engine.step(frames)
        state = [self._engine._state[name] for name in self._states]
        call = {"fresh": self._fresh, "frames": None if frames is None else packed([frames])}
        self.calls.append({**call, "scores": packed([row]), "state": packed(state)})
        self._fresh = False
        return row


def model_stream(path: Path) -> dict:
    """Simulated sentences through the bundle's model: every call of it, and the events."""
    bundle = Bundle.load(path)
    about = bundle.metadata["streaming"]
    states = sorted(name for name in about["inputs"] if name.startswith("state_"))
    clip = signing(9, 2)[0][:110]
    clip[10:14, 5:7] = np.nan
    with TfliteEngine(bundle.stream_file(), about) as engine:
        recorder = _Recorder(engine, states)
        recogniser = StreamingRecogniser(
            recorder, bundle.contract, bundle.vocabulary.decode, bundle.decoding
        )
        events, running = _recognised(recogniser, clip)
    return {
        "states": states,
        "raw": packed(clip),
        "calls": recorder.calls,
        "events": events,
        "running": running,
    }
