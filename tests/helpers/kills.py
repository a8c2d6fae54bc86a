"""Kill processes that write, at a chosen step or a random moment, and look at what they leave.

A step is a call that changes the file system or writes to the disk: a file opened in the sandbox, a
rename, a link, a new or removed file or folder, an fsync, an exchange of folders. Python's audit
hooks count them, so the code under test is the real one.
"""

import ctypes
import hashlib
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from slr_keras.utils import published_folder
from slr_keras.utils.working_folder import is_working_folder

STEPS = {
    *("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.symlink"),
    *("os.truncate", "os.utime", "os.scandir", "os.chown", "fcntl.flock"),
}

_END_WITH_PARENT = 1

Snapshot = dict[str, str]


def snapshot(folder: Path, working: bool = False) -> Snapshot:
    """The digest of every file below a folder, by path.

    Args:
        folder: need not exist.
        working: also what lies in working folders, and the working folders themselves.
    """
    files: Snapshot = {}
    for path, folders, names in os.walk(folder):
        if not working:
            folders[:] = [name for name in folders if not is_working_folder(name)]
        place = Path(path).relative_to(folder)
        files |= {f"{place / name}/": "" for name in folders}
        for name in names:
            content = Path(path, name).read_bytes()
            files[str(place / name)] = hashlib.sha256(content).hexdigest()
    return files


def count_steps(sandbox: Path, kill_at: int | None = None) -> Callable[[], int]:
    """Count the steps of this process from now on, and kill it just before one of them.

    Args:
        sandbox: folder; files that are opened elsewhere do not count.
        kill_at: number of the step, from 1.

    Returns:
        A function that tells the number of steps.
    """
    inside, steps = str(sandbox), 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple) -> None:
        if event == "open":
            path = arguments[0]
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(inside):
                step()
        elif event in STEPS:
            step()

    def counted(function: Callable) -> Callable:
        def call(*arguments):
            step()
            return function(*arguments)

        return call

    sys.addaudithook(hear)
    os.fsync = counted(os.fsync)
    published_folder.exchanged = counted(published_folder.exchanged)
    return lambda: steps


def start(work: Callable[[], object], log: Path, prepare: Callable[[], object] = int) -> int:
    """Run `work` in a forked process, with its output in a file; gives the process number."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        # A test that is stopped leaves no process behind.
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        prepare()
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def finish(process: int, after: float | None = None) -> bool:
    """Wait for a process, which is killed after some seconds; gives whether it was killed.

    Raises:
        RuntimeError: the process failed.
    """
    if after is not None:
        limit = time.monotonic() + after
        while time.monotonic() < limit:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                break
            time.sleep(0.0005)
        else:
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
    else:
        _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status:
        raise RuntimeError(f"a writer ended with status {status}")
    return False


def steps_of(work: Callable[[], object], sandbox: Path, log: Path) -> tuple[int, float]:
    """Run `work` to its end in a process of its own: its number of steps, and its seconds."""
    reader, writer = os.pipe()

    def counted() -> None:
        total = count_steps(sandbox)
        work()
        os.write(writer, str(total()).encode())

    began = time.monotonic()
    finish(start(counted, log))
    seconds = time.monotonic() - began
    steps = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    return steps, seconds


def kill_once(
    work: Callable[[], object],
    sandbox: Path,
    log: Path,
    extent: tuple[int, float],
    rng: random.Random,
) -> str:
    """Run `work` in a process that is killed somewhere; says where, or "" if it had ended before.

    Args:
        work: what the process does.
        sandbox, log: see `count_steps` and `start`.
        extent: number of steps and seconds of an unbroken process.
        rng: chooses a step, or in one of four cases a moment.
    """
    steps, seconds = extent
    if rng.random() < 0.25:
        moment = rng.uniform(0, seconds)
        return f"after {moment:.4f} s" if finish(start(work, log), moment) else ""
    number = rng.randint(1, steps)
    killed = finish(start(work, log, lambda: count_steps(sandbox, number)))
    return f"before step {number} of {steps}" if killed else ""
