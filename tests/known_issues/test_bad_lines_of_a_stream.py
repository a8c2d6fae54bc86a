"""One bad line ended `stream -` without `finish`, and the sentence under way was lost.

So did a frame in which nobody is in view (`null`, `[]` or points that are null), a time 1 ms before
the last one's, a pause of a minute and a byte order mark. A frame rate of 401 digits was a
traceback, a line of 400 MB was read as a whole, and an infinite image size was taken.
"""

import io
import json
import random
import resource
import subprocess
import sys

import json_mutation
import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import read_folder
from slr_keras.stream import main
from slr_keras.streaming.interrupt import recognised
from slr_keras.streaming.pipe import LONGEST_LINE
from slr_keras.streaming.recogniser import Event
from slr_keras.streaming.sources import LineSource
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import SOME_FAILED, Failures

THREE = contract("boston_3", fps=25.0)
FRAME = [[9.0, 9.0], None, [8.0, 7.0]]


class Recorder:
    """A recogniser that keeps its frames and ends its sentence in `finish`."""

    def __init__(self):
        self.frame, self.frames = 0, []

    def push(self, frame):
        self.frames.append(frame)
        self.frame += 1
        return []

    def finish(self):
        return [Event("sentence", self.frame, ("RAIN",))]


def streamed(pipe, known=THREE):
    """Frames, events, failures and notices of a pipe."""
    failures, recorder = Failures("line"), Recorder()
    source = LineSource(pipe, known, failures=failures)
    events = [event for some in recognised(recorder, source, failures) for event in some]
    return recorder.frames, events, failures, source.notices


def pipe_of(*values, joined="\n"):
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return io.BytesIO(joined.join(lines).encode())


BAD_LINES = {
    "no JSON": "[[9, 9",
    "a word": "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
    "deep": "[" * 100_000,
    "digits": "1" * 5000,
    "too few points": "[[9, 9]]",
    "too many channels": "[[9, 9, 9], null, [8, 7]]",
    "text for a number": '[["9", 9], null, [8, 7]]',
    "true for a number": "[[true, 9], null, [8, 7]]",
    "a number of 401 digits": f"[[{10**400}, 9], null, [8, 7]]",
    "an object for points": '{"points": {"a": 1}}',
    "no points": '{"time": 3}',
    "a time that is text": '{"time": "now", "points": null}',
    "a time of 401 digits": f'{{"time": {10**400}, "points": null}}',
    "a time that is no number": '{"time": NaN, "points": null}',
    "a negative time": '{"time": -1, "points": null}',
    "a second description": '{"fps": 30}',
    "NUL": "[[9, 9], null, [8, 7\0]]",
    "too long": "[" + " " * LONGEST_LINE + "]",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_reported_and_passed_over_and_the_sentence_is_kept(line):
    frames, events, failures, _ = streamed(pipe_of(FRAME, line, FRAME))
    assert len(frames) == 2
    assert [event.kind for event in events] == ["error", "sentence"]
    (failed,) = failures
    assert failed.name == "line 2"
    assert failed.reason.startswith("line 2: ")
    assert len(failed.reason) < 500
    assert events[0].to_json(25.0)["error"] == failed.reason


def test_a_bad_first_line_is_passed_over_and_the_next_may_describe_the_frames():
    frames, _, failures, _ = streamed(pipe_of("loading the detector", {"fps": 50}, *[FRAME] * 8))
    assert len(frames) == 4
    assert [failed.name for failed in failures] == ["line 1"]


@pytest.mark.parametrize("nobody", [None, [], {"points": None}, {"points": []}])
def test_a_frame_without_points_shows_nobody(nobody):
    for values in ([FRAME, nobody, FRAME], [nobody, FRAME, FRAME], [FRAME, FRAME, nobody]):
        frames, events, failures, _ = streamed(pipe_of(*values))
        assert len(frames) == 3
        assert [np.isnan(frame).all() for frame in frames] == [v is nobody for v in values]
        assert [event.kind for event in events] == ["sentence"]
        assert not len(failures)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be-mark"])
@pytest.mark.parametrize("break_", ["\n", "\r\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(encoding, break_):
    text = break_.join([json.dumps({"fps": 50}), *[json.dumps(FRAME)] * 8])
    if encoding.endswith("mark"):
        content = b"\xfe\xff" + text.encode("utf-16-be")
    else:
        content = text.encode(encoding)
    frames, _, failures, _ = streamed(io.BufferedReader(io.BytesIO(content)))
    assert len(frames) == 4
    assert not len(failures)


def timed(*times):
    return pipe_of(*({"time": time, "points": FRAME} for time in times))


def test_a_time_that_is_a_little_late_does_not_end_the_stream():
    frames, _, failures, notices = streamed(timed(0.0, 0.04, 0.039, 0.08, 0.12))
    assert len(frames) == 4
    assert not len(failures)
    assert notices == []


def test_a_clock_that_begins_anew_is_told_and_the_stream_goes_on():
    frames, _, failures, notices = streamed(timed(100.0, 105.0, 0.0, 0.04, 0.08))
    assert len(frames) == 5 * 25 + 4
    assert not len(failures)
    assert notices == [
        "line 3: its time is 105 s before that of the last frame; the clock has begun anew"
    ]


@pytest.mark.parametrize("pause", [60.0, 61.0, 3600.0, 9e8])
def test_a_pause_does_not_end_the_stream(pause):
    frames, events, failures, notices = streamed(timed(0.0, 0.04, 0.04 + pause, 0.08 + pause))
    assert len(frames) == pytest.approx(59 * 25 + 3, abs=2)
    assert "the pause counts as 59 s" in notices[0]
    assert events[-1].kind == "sentence"
    assert not len(failures)


def test_a_frame_without_a_time_follows_the_one_before():
    values = [{"time": 1.0, "points": FRAME}, FRAME, {"time": 1.08, "points": FRAME}]
    frames, _, failures, _ = streamed(pipe_of(*values))
    assert len(frames) == 3
    assert not len(failures)


@pytest.mark.parametrize(
    "header",
    [
        {"image_size": [float("inf"), 1]},
        {"image_size": [float("nan"), 1]},
        {"image_size": [10**400, 1]},
        {"image_size": [1e7, 1e7]},
        {"image_size": {"0": 1, "1": 1}},
        {"image_size": [1280, 720, 3]},
        {"image_size": "11"},
        {"image_size": [True, True]},
        {"fps": 10**400},
        {"fps": float("inf")},
        {"fps": True},
        {"fps": "30"},
        {"fps": 1001},
    ],
)
def test_every_number_of_the_description_has_its_range(header):
    with pytest.raises(UserError, match=r"line 1: write .*fps.*image_size"):
        streamed(pipe_of(header, FRAME))


def test_an_error_of_the_source_ends_the_sentence_before_the_command():
    def broken():
        yield np.ones((3, 2))
        raise OSError(5, "the camera was unplugged")

    events = recognised(Recorder(), broken())
    assert next(events) == []
    assert [event.kind for event in next(events)] == ["sentence"]
    with pytest.raises(OSError, match="unplugged"):
        next(events)


def test_a_line_of_any_length_is_never_held_as_a_whole():
    program = """if True:
        import resource, sys
        from slr_keras.streaming.pipe import read_lines
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        numbers = [(n, text is None) for n, text in read_lines(sys.stdin.buffer)]
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(numbers, grown < 20_000)
    """
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        child.stdin.write("[]\n")
        for _ in range(100):
            child.stdin.write("[" * 2**20)
        child.stdin.write("\n[]\n")
        said, _ = child.communicate(timeout=60)
    assert said.strip() == "[(1, False), (2, True), (3, False)] True"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def test_the_command_ends_the_sentence_and_its_exit_code_says_that_lines_failed(
    root, capsys, monkeypatch
):
    clip = read_folder(root / "slr_keras/hub/examples/asl_words")["test"].load(0).astype(float)
    frames = [[None if not point.any() else point.tolist() for point in frame] for frame in clip]
    outputs = []
    for values in (frames, [*frames[:9], "broken", *frames[9:]]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe_of(*values)))
        code = main(["asl-words-live", "-", "--json"])
        outputs.append((code, capsys.readouterr()))
    (whole, good), (code, with_errors) = outputs
    assert (whole, code) == (0, SOME_FAILED)
    events = [json.loads(line) for line in with_errors.out.splitlines()]
    (error,) = [event for event in events if event["event"] == "error"]
    assert error["error"].startswith("line 10: is no JSON value")
    assert [json.loads(line) for line in good.out.splitlines()] == [
        event for event in events if event["event"] != "error"
    ]
    assert events[-1]["event"] == "sentence"
    assert "line 10" in with_errors.err
    assert "error: 1 line failed" in with_errors.err


def test_random_lines_never_end_the_stream():
    rng = random.Random(0)
    good = {"time": 1.0, "points": FRAME}
    for _ in range(30):
        lines = [json.dumps(FRAME)]
        for _ in range(40):
            line = json.dumps(json_mutation.mutated(rng.choice((good, FRAME)), rng))
            if rng.random() < 0.3:
                place = rng.randrange(len(line) + 1)
                line = line[:place] + rng.choice('[]{}\0"\\,:e9é\ufeff') + line[place:]
            lines.append(line.replace("\n", " "))
        frames, events, failures, _ = streamed(pipe_of(*lines))
        assert events[-1].kind == "sentence"
        assert len(frames) == len(lines) - len(failures)


def test_the_report_at_the_end_is_bounded_and_the_exit_code_says_so(capsys):
    _, _, failures, _ = streamed(pipe_of(FRAME, *["broken"] * 12_000, FRAME))
    assert failures.report() == SOME_FAILED
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 22
    assert said[0].startswith("error: line 2: is no JSON value")
    assert said[-2:] == ["... and 11980 more", "error: 12000 lines failed"]
    assert len(failures.failed) == 10_000
