"""`python -m slr_keras.stream` on a run of seconds: clips, pipes, reports, bundles, mistakes."""

import io
import json
import os
import signal
import sys

import numpy as np
import pytest

from slr_keras.stream import main
from slr_keras.streaming.interrupt import recognised
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """A run, and its data."""
    run = tiny.trained_run(tmp_path_factory)
    return run, run.parent / "data"


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_sample_and_the_same_frames_through_a_pipe_say_the_same(trained, capsys, monkeypatch):
    run, data = trained
    assert main([str(run), str(data), "--sample", "1", "--json"]) == 0
    expected = events(capsys.readouterr().out)
    assert expected[-1]["event"] == "sentence"
    manifest = [json.loads(line) for line in (data / "test.jsonl").read_text().splitlines()]
    start, frames = manifest[1]["start"], manifest[1]["frames"]
    clip = np.load(data / "test.npy")[start : start + frames]
    pipe = "".join(json.dumps(frame.tolist()) + "\n" for frame in clip.astype(float))
    monkeypatch.setattr(sys, "stdin", io.StringIO(pipe))
    assert main([str(run), "-", "--json"]) == 0
    assert events(capsys.readouterr().out) == expected


def test_plain_output_is_a_line_a_sentence(trained, capsys):
    run, data = trained
    main([str(run), str(data), "--json"])
    sentence = events(capsys.readouterr().out)[-1]
    main([str(run), str(data)])
    glosses = " ".join(gloss["gloss"] for gloss in sentence["glosses"])
    assert capsys.readouterr().out == (glosses + "\n" if glosses else "")


def test_a_report_has_a_row_for_each_policy(trained, capsys):
    run, data = trained
    arguments = [str(run), str(data), "--report", "--limit", "2", "--policy", "ema", "--json"]
    assert main(arguments) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["policy"], row["clips"]) == ("ema", 2)
    assert row["sentences"] == 2
    assert row["peak_memory"] > 1e8
    assert {"offline_wer", "streaming_wer", "delay_frames", "revisions_per_gloss"} <= set(row)


class Recorder:
    """A recogniser that counts."""

    def __init__(self, interrupted_at=None):
        self.frames, self.interrupted_at = 0, interrupted_at

    def push(self, frame):
        if frame == self.interrupted_at:
            os.kill(os.getpid(), signal.SIGINT)
        self.frames += 1
        return []

    def finish(self):
        return [f"sentence of {self.frames}"]


def test_ctrl_c_while_a_frame_is_waited_for_ends_the_source_and_the_rest_is_recognised():
    def source():
        yield from range(3)
        os.kill(os.getpid(), signal.SIGINT)
        yield from range(3)

    assert list(recognised(Recorder(), source()))[-1] == ["sentence of 3"]


def test_ctrl_c_while_a_frame_is_recognised_lets_it_be_recognised():
    assert list(recognised(Recorder(interrupted_at=2), range(9)))[-1] == ["sentence of 3"]
    # As before, afterwards.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "offline"], "go with --report"),
        (["--policy", "ema", "prefix"], "go with --report"),
        (["--limit", "3"], "--limit goes with --report"),
        (["--sample", "monday"], "has no sample 'monday'"),
        (["--camera"], "SOURCE is then its number"),
        (["--image-size", "big"], "--image-size"),
    ],
)
def test_mistakes_say_what_to_do(trained, arguments, said):
    run, data = trained
    with pytest.raises(UserError, match=said):
        main([str(run), str(data), *arguments])
