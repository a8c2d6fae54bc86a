"""Commands write to standard error what the user needs to know, and nothing of their libraries."""

import os
import subprocess
import sys
import warnings

import pytest

from slr_keras.utils.quiet import hush_libraries, without_native_notes

NOTES = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1796082230.744413   12431 devices.cc:67] Number of eligible GPUs: 0
W0000 00:00:1796082233.488526   12431 tf_tfl_flatbuffer_helpers.cc:392] Ignored output_format.
fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32
"""
KEPT = b"""\
E0000 00:00:1796082233.488526   12431 file.cc:3] an error
W is the first letter of this line
"""


def test_notes_of_native_code_are_dropped_and_everything_else_is_kept(capfd):
    with without_native_notes():
        os.write(2, NOTES + KEPT)
    os.write(2, b"afterwards\n" + NOTES)
    assert capfd.readouterr().err.encode() == KEPT + b"afterwards\n" + NOTES


def test_an_error_passes_and_standard_error_is_as_before(capfd):
    with pytest.raises(ValueError, match="inside"), without_native_notes():
        raise ValueError("inside")
    os.write(2, NOTES)
    assert capfd.readouterr().err.encode() == NOTES


def test_the_last_words_of_a_process_that_aborts_come_through():
    program = """if True:
        import os
        from slr_keras.utils.quiet import without_native_notes
        with without_native_notes():
            os.write(2, b"F0000 00:00:1.5 12 file.cc:3] check failed\\n")
            os.abort()
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert done.returncode < 0
    assert done.stderr == b"F0000 00:00:1.5 12 file.cc:3] check failed\n"


def test_only_the_warning_of_the_python_version_is_silenced():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hush_libraries()
        for module in ("google.api_core._python_version_support", "google.api_core_other", "mine"):
            warnings.warn_explicit("ends", FutureWarning, f"{module}.py", 1, module=module)
        support = "google.api_core"
        warnings.warn_explicit("ends", UserWarning, f"{support}.py", 1, module=support)
    assert [(warning.filename, warning.category) for warning in caught] == [
        ("google.api_core_other.py", FutureWarning),
        ("mine.py", FutureWarning),
        ("google.api_core.py", UserWarning),
    ]


def test_a_command_that_loads_tensorflow_says_nothing_of_it():
    arguments = ["-m", "slr_keras", "summary", "stark_tiny"]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
