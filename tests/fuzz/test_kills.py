"""Writers and trainings that are killed leave the old or the new, and the next start completes it.

The long forms take the numbers of kills from SLR_KERAS_KILLS (500) and SLR_KERAS_RUN_KILLS (100),
and the seed from SLR_KERAS_SEED.
"""

import json
import os
import subprocess
import sys

import pytest

SEED = int(os.environ.get("SLR_KERAS_SEED", "0"))
WRITERS = int(os.environ.get("SLR_KERAS_KILLS", "500"))
RUNS = int(os.environ.get("SLR_KERAS_RUN_KILLS", "100"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills processes of Linux")


def kill(tiny, root, script, folder, count, seed):
    """Kill in a process of its own, which imports no more than it needs."""
    where = os.pathsep.join((str(root), str(root / "tests" / "helpers")))
    words = (root / "tests" / "helpers" / script, folder, "--kills", count, "--seed", seed)
    process = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, words)],
        env=tiny.environment(PYTHONPATH=where),
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout.splitlines()[-1])
    print(report)
    assert report["wrong"] == []
    assert report["kills"] >= count
    return report


def test_killed_writers_leave_the_old_or_the_new(tiny, root, tmp_path):
    report = kill(tiny, root, "killed_writers.py", tmp_path, 18, SEED)
    assert min(report["by_writer"].values()) >= 1


@pytest.mark.long
@pytest.mark.timeout(0)
def test_many_killed_writers_leave_the_old_or_the_new(tiny, root, tmp_path):
    kill(tiny, root, "killed_writers.py", tmp_path, WRITERS, SEED + 1)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_runs_that_are_killed_many_times_end_as_unbroken_ones(tiny, root, tmp_path):
    kill(tiny, root, "killed_runs.py", tmp_path, RUNS, SEED + 1)


# tests/training/test_resume.py has one kill of a run in every suite.
@pytest.mark.long
def test_a_run_that_is_killed_twice_ends_as_an_unbroken_one(tiny, root, tmp_path):
    kill(tiny, root, "killed_runs.py", tmp_path, 2, SEED)
