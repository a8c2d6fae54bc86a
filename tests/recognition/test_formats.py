"""Text, JSON, WebVTT and SubRip say the same, and each is valid whatever a gloss is called."""

import html
import json
import re

import pytest

from slr_keras.recognition import (
    Gloss,
    Prediction,
    to_json,
    to_subrip,
    to_text,
    to_webvtt,
)
from slr_keras.recognition.clip import Failure
from slr_keras.recognition.formats import score_line

ABOUT = {"run": "runs/demo", "model": "stark_tiny", "vocabulary": "3fa9", "contract": "77"}


def prediction(*glosses, reference=None, **fields):
    signs = tuple(Gloss(gloss, i, i + 0.5, 0.9) for i, gloss in enumerate(glosses))
    return Prediction("clip", "clip.npy", 100, 25.0, signs, reference, **fields)


def test_json_holds_everything_under_documented_names():
    found = json.loads(
        to_json(
            [prediction("A", reference=("A", "B"), notices=("clip.npy: hm",))],
            ABOUT,
            [Failure("b", "b.npy", "b.npy: has no frames")],
        )
    )
    assert found == {
        "format": "slr_keras.predictions",
        "version": 1,
        **ABOUT,
        "clips": [
            {
                "id": "clip",
                "source": "clip.npy",
                "frames": 100,
                "fps": 25.0,
                "duration": 4.0,
                "glosses": [{"gloss": "A", "start": 0.0, "end": 0.5, "confidence": 0.9}],
                "reference": ["A", "B"],
                "notices": ["clip.npy: hm"],
            }
        ],
        "errors": [{"id": "b", "source": "b.npy", "message": "b.npy: has no frames"}],
        "score": {
            "wer": 50.0,
            "substitutions": 0,
            "insertions": 0,
            "deletions": 1,
            "references": 2,
            "clips": 1,
        },
    }


def test_every_key_of_the_json_is_in_its_documentation():
    from slr_keras.recognition import formats as outputs

    found = json.loads(to_json([prediction("A", reference=("A",))], {**ABOUT, "head": "fuse"}))
    keys = [*found, *found["clips"][0], *found["clips"][0]["glosses"][0], *found["score"]]
    for key in keys:
        assert re.search(rf"\b{key}\b", outputs.__doc__), key


def test_json_without_references_has_no_score():
    found = json.loads(to_json([prediction("A")], ABOUT))
    assert found["score"] is None
    assert found["clips"][0]["reference"] is None


def test_json_never_holds_nan():
    nan = Prediction("a", "a", 10, 25.0, (Gloss("A", 0, 1, float("nan")),))
    with pytest.raises(ValueError, match="JSON"):
        to_json([nan], ABOUT)


def test_text_is_one_line_a_clip():
    assert to_text(prediction("A", "B")) == "clip: A B\n"
    assert to_text(prediction()) == "clip:\n"


def test_text_shows_the_reference_above_the_hypothesis_and_marks_errors():
    lines = to_text(prediction("A", "X", "D", reference=("A", "B", "C", "D"))).splitlines()
    assert lines[0] == "clip: A X D"
    reference, hypothesis, marks = (line[6:].lstrip(":").rstrip() for line in lines[1:])
    assert reference.split() == ["A", "B", "C", "D"]
    assert [w for w in hypothesis.split() if "*" not in w] == ["A", "X", "D"]
    assert sorted(marks.split()[-2:]) == ["D", "S"]
    # Words stand in the same columns.
    assert reference.index("D") == hypothesis.index("D")


def test_the_score_counts_only_clips_with_a_reference():
    line = score_line([prediction("A", reference=("A", "B")), prediction("Z")])
    assert line.startswith("WER 50.00 % of 2 glosses in 1 clip ")
    assert score_line([prediction("A")]) is None


def parse_webvtt(text):
    """Cues of a WebVTT file by the rules of its grammar: blocks, timings, escapes."""
    assert text.startswith("WEBVTT\n\n")
    cues, notes = [], []
    for block in text.split("\n\n")[1:]:
        lines = block.strip("\n").split("\n")
        if lines[0].startswith("NOTE"):
            assert "-->" not in block
            notes.append(block)
            continue
        identifier, timing, *payload = lines
        assert "-->" not in identifier
        times = re.fullmatch(
            r"(\d\d+):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d\d+):([0-5]\d):([0-5]\d)\.(\d{3})", timing
        )
        assert times, timing
        h, m, s, f, *end = map(int, times.groups())
        start, end = ((h * 60 + m) * 60 + s) * 1000 + f, _milliseconds(*end)
        assert start < end
        assert len(payload) == 1
        assert "-->" not in payload[0]
        assert "<" not in payload[0]
        assert re.sub(r"&(amp|lt|gt);", "", payload[0]).count("&") == 0
        cues.append((start, end, html.unescape(payload[0])))
    assert [cue[0] for cue in cues] == sorted(cue[0] for cue in cues)
    return cues, notes


def _milliseconds(hours, minutes, seconds, fraction):
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction


@pytest.mark.parametrize("gloss", ["RAIN", "R&B", "<b>", "A-->B", "two words", "&amp;", "TÜR\nX"])
def test_webvtt_is_valid_whatever_the_gloss(gloss):
    cues, notes = parse_webvtt(to_webvtt(prediction(gloss, "NORTH"), ABOUT))
    assert cues == [(0, 500, " ".join(gloss.split())), (1000, 1500, "NORTH")]
    assert "run: runs/demo" in notes[0]
    assert "vocabulary: 3fa9" in notes[0]


def test_webvtt_of_no_signs_is_valid():
    assert parse_webvtt(to_webvtt(prediction(), ABOUT))[0] == []


def test_webvtt_notes_hold_any_name():
    odd = Prediction("a --> b\n\nc", "a.npy", 10, 25.0, ())
    assert "clip: a -> b c" in parse_webvtt(to_webvtt(odd, ABOUT))[1][0]


def test_webvtt_times_pass_hours_and_round_to_milliseconds():
    sign = Gloss("A", 3723.4567, 3723.4568, 0.5)
    assert "01:02:03.457 --> 01:02:03.458" in to_webvtt(
        Prediction("a", "a.npy", 10**6, 25.0, (sign,)), ABOUT
    )
    assert "00:01:00.000 -->" in to_webvtt(
        Prediction("a", "a.npy", 10**6, 25.0, (Gloss("A", 59.9999, 61, 0.5),)), ABOUT
    )


def parse_subrip(text):
    """Cues of a SubRip file: blocks of number, times and one line of text."""
    cues = []
    for number, block in enumerate(text.split("\n\n") if text else [], start=1):
        first, timing, payload = block.rstrip("\n").split("\n")
        assert int(first) == number
        clock = r"(\d\d+):([0-5]\d):([0-5]\d),(\d{3})"
        times = list(map(int, re.fullmatch(f"{clock} --> {clock}", timing).groups()))
        start, end = _milliseconds(*times[:4]), _milliseconds(*times[4:])
        assert start < end
        cues.append((start, end, payload))
    return cues


@pytest.mark.parametrize("gloss", ["RAIN", "R&B", "<b>", "two words", "TÜR\nX", "你好"])
def test_subrip_holds_every_gloss_as_it_is_with_exact_times(gloss):
    signs = (Gloss(gloss, 0.16, 0.48, 0.9), Gloss("NORTH", 3723.04, 3723.04, 0.9))
    found = parse_subrip(to_subrip(Prediction("clip", "clip.npy", 10**6, 25.0, signs)))
    assert found == [(160, 480, " ".join(gloss.split())), (3723040, 3723041, "NORTH")]


def test_subrip_of_no_signs_is_empty():
    assert to_subrip(prediction()) == ""
