"""Output that the terminal's encoding lacks ended a command with a traceback, after its work.

`PYTHONIOENCODING=cp1252 python -m slr_keras.score zh.txt zhh.txt --alignments 1`
"""

import json
import os
import subprocess
import sys

import pytest

TEXT = "c1\t天气 明天 Ä\n"


def run(tmp_path, encoding, *arguments):
    (tmp_path / "zh.txt").write_text(TEXT, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "slr_keras", *arguments],
        capture_output=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "ascii:surrogateescape"])
def test_a_score_is_shown_with_escapes(tmp_path, encoding):
    (tmp_path / "zhh.txt").write_text("c1\t天气 今天 Ä\n", encoding="utf-8")
    done = run(tmp_path, encoding, "score", "zh.txt", "zhh.txt", "--alignments", "1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"WER             33.3333 %" in done.stdout
    assert b"\\u5929\\u6c14" in done.stdout


def test_json_with_escapes_is_still_json(tmp_path):
    (tmp_path / "zhh.txt").write_text("c1\t天气 \U0001f927 Ä\n", encoding="utf-8")
    arguments = ("score", "zh.txt", "zhh.txt", "--alignments", "1", "--json")
    done = run(tmp_path, "ascii", *arguments)
    value = json.loads(done.stdout)
    assert value["alignments"][0]["alignment"][1] == ["S", "明天", "\U0001f927"]


def test_a_mistake_is_one_line(tmp_path):
    done = run(tmp_path, "cp1252:strict", "score", "天气.txt", "zh.txt")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: \\u5929\\u6c14.txt: cannot be read")
    assert len(done.stderr.splitlines()) == 1
