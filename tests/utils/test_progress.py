"""Bars on a terminal: shown, and never mixed with the lines that are printed beside them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

SCRIPT = """
import time
from slr_keras.utils.progress import beside_bars, clip_bar, noted
with clip_bar(3, "recognising") as advance:
    for name in "abc":
        for _ in noted(range(5), f"{name}.mp4: frame", 5):
            time.sleep(0.06)
        with beside_bars():
            print(f"{name}: RAIN NORTH")
        advance(1)
print("WER 0.00 %")
"""


def on_a_terminal(script, **streams):
    """What a process writes to a terminal, as bytes, and its output if that is no terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=theirs, **{"stdout": theirs, **streams}
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    output = process.stdout.read().decode() if process.stdout else ""
    assert process.wait(60) == 0
    os.close(ours)
    return seen.decode(), output


def screen(text):
    """The lines that a terminal shows at the end."""
    lines, column = [""], 0
    for character in text:
        if character == "\r":
            column = 0
        elif character == "\n":
            lines.append("")
            column = 0
        else:
            lines[-1] = lines[-1][:column].ljust(column) + character + lines[-1][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def test_printed_lines_stay_whole_beside_a_bar_on_the_same_terminal():
    seen, _ = on_a_terminal(SCRIPT)
    assert "recognising" in seen
    assert re.search(r"b\.mp4: frame \d of 5", seen)
    assert screen(seen) == ["a: RAIN NORTH", "b: RAIN NORTH", "c: RAIN NORTH", "WER 0.00 %", ""]


def test_a_bar_on_standard_error_leaves_a_redirected_output_alone():
    seen, output = on_a_terminal(SCRIPT, stdout=subprocess.PIPE)
    assert "recognising" in seen
    assert output == "a: RAIN NORTH\nb: RAIN NORTH\nc: RAIN NORTH\nWER 0.00 %\n"
    assert screen(seen) == [""]


def test_without_a_terminal_there_is_no_bar():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "a: RAIN NORTH"
