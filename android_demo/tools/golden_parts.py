"""Golden vectors of the parts of recognition, each by itself."""

import dataclasses
from fractions import Fraction

import numpy as np
from golden_model import golden_contract, signing
from golden_moments import until_next
from golden_streams import Noise, random_stream
from golden_values import CLASSES, packed, trained, written

from export.lite.streaming import describe_recogniser
from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.rates import at_rate
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.hypothesis import log_softmax
from slr_keras.streaming.ctc import StablePrefix, step_decoder
from slr_keras.streaming.endpoint import Endpointer, RestConfig, RestDetector
from slr_keras.streaming.landmarks import GapFiller, Normaliser
from slr_keras.streaming.recogniser import StreamConfig

# === Landmarks ===


def _tiny(channels=("x", "y", "score"), **fields) -> KeypointContract:
    points = ["left_hand", "right_hand", "nose"]
    source = {
        "name": "three",
        "points": ["other", *points],
        "channels": list(channels),
        "mirror": {"left_hand": "right_hand"},
        "streams": {"body": points},
    }
    fields = {"root": ("left_hand", "right_hand"), **fields}
    return contract(layout_from_json(source), **fields)


DEPTH = ("x", "y", "z", "score")
LANDMARKS = (
    (_tiny(max_gap=3, image_size=(64, 48)), 3, 60, 11),
    (_tiny(max_gap=3, image_size=(64, 48), y_axis="up", zero_is_missing=False), 1, 60, 12),
    (_tiny(DEPTH, max_gap=5, image_size=(64, 48), score_threshold=0.3), 0, 40, 13),
    (_tiny(("x", "y"), max_gap=2, image_size=(64, 48), normalisation="body"), 2, 60, 14),
    (_tiny(DEPTH, max_gap=0, normalisation="body", root=("nose",), y_axis="up"), 4, 60, 15),
    (_tiny(max_gap=12, normalisation="body", scale=("nose", "left_hand")), 12, 300, 16),
)


def landmarks(known: KeypointContract, look_ahead: int, frames: int, seed: int) -> dict:
    """A random stream: of every frame those that are ready, filled and normalised."""
    filler, normaliser = GapFiller(known, look_ahead), Normaliser(known)
    ready = []
    for frame in random_stream(seed, known, frames):
        ready.append(filler.push(known.select(frame[None])[0]))
    ready.append(filler.finish())
    with np.errstate(all="ignore"):
        normalised = [normaliser(frame) for frames in ready for frame in frames]
    return {
        "contract": known.to_json(),
        "digest": known.digest,
        "look_ahead": look_ahead,
        "seed": seed,
        "frames": frames,
        "reference_frames": describe_recogniser()["reference_frames"],
        "ready": [len(frames) for frames in ready],
        "filled": packed(frame for frames in ready for frame in frames),
        "normalised": packed(normalised),
    }


# === Rates ===


def rates(seed: int) -> dict:
    """Moments in milliseconds, and which frame is given how often, one after the other."""
    noise = Noise(seed)
    fps = (25.0, 29.97, 12.5, 50.0, 25.0, 1.0)[seed]
    times, now = [], noise.below(10**9)
    for _ in range(1 if seed == 4 else 40):
        times.append(now)
        now += (0, 17, 33, 40, 41, 400)[noise.below(6)]
    moments = ((number, Fraction(time, 1000)) for number, time in enumerate(times))
    return {"fps": fps, "times": times, "given": list(at_rate(until_next(moments, fps), fps))}


# === Endpoints ===

ENDPOINTS = (
    RestConfig(),
    RestConfig(low=0.5, slow=0.3, frames=6, share=0.5, start=2, lead=4),
    RestConfig(frames=0, longest=70),
    RestConfig(low=-1.0, slow=0.02, frames=4, share=1.0, start=1, lead=0, longest=40),
)


def endpoints(config: RestConfig) -> dict:
    """Simulated sentences in the model's coordinates: rest, and where they are cut."""
    known = golden_contract()
    clip, _ = signing(3, 3)
    frames = known.prepare(clip)
    detector = RestDetector(known, config)
    rests = [detector(frame) for frame in frames]
    endpointer = Endpointer(RestDetector(known, config))
    cuts = [endpointer(frame) for frame in frames]
    return {
        "contract": known.to_json(),
        "recogniser": describe_recogniser(StreamConfig(rest=config)),
        "frames": packed(frames),
        "rests": "".join("01"[rest] for rest in rests),
        "counts": [len(frames) for frames, _ in cuts],
        "ends": [number for number, (_, ended) in enumerate(cuts) if ended],
    }


# === Decoding ===

DECODING = (
    {"method": "greedy"},
    {"method": "greedy", "collapse_repeats": True},
    {"beam": 6},
    {"beam": 4, "collapse_repeats": True, "insertion_bonus": 0.3},
    {"beam": 4, "candidates_per_step": 2},
    {"beam": 4, "language_model_order": 2, "language_model_weight": 0.5},
    {"beam": 3, "language_model_order": 3, "language_model_weight": 0.8, "insertion_bonus": -0.5},
    {"beam": 1},
)


def decoding(number: int, **fields) -> dict:
    """Random scores: the best after every step, what is said of it, and the sentence."""
    config = DecodingConfig(**fields)
    language_model = trained(config.language_model_order, "golden")
    decoder, stable = step_decoder(config, language_model), StablePrefix(number % 3)
    noise, rows, steps = Noise(40 + number), [], []
    for _ in range(30):
        logits = np.array([3 * noise.uniform() ** 2 * (1 + (c == 0)) for c in range(CLASSES)]) * 2
        rows.append(log_softmax(logits).astype(np.float32))
        decoder.advance(rows[-1])
        taken, more = stable.advance(decoder.best)
        steps.append([decoder.best, taken, more, decoder.so_far().confidences])
    hypothesis = decoder.finish()
    taken, more = stable.finish(hypothesis.ids)
    result = {
        "decoding": dataclasses.asdict(config),
        "language_model": written(language_model),
        "stable": number % 3,
        "rows": packed(rows),
        "steps": [list(step) for step in steps],
        "sentence": [hypothesis.ids, hypothesis.spans, hypothesis.confidences, taken, more],
    }
    if language_model is not None:
        contexts = ((), (2,), (2, 3), (6, 6), (4, 5, 2))
        rows = [language_model.log_probabilities(context) for context in contexts]
        result["contexts"] = [[*pair] for pair in zip(contexts, rows, strict=True)]
        result["sentences"] = [language_model.sentence_log_probability(c) for c in contexts]
    return result
