"""Silence for what libraries write to standard error, and for nothing else."""

import contextlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# A program of its own, so that the last words of a process that aborts still come through. It drops
# notes and warnings of C++ (`W0000 00:00:1796082233.488526 12431 file.cc:392] ...`), the line
# before the first of them, and what TFLite says of a quantisation.
_FILTER = r"""
import re, sys
note = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ [^ ]+:\d+\] "
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|fully_quantize: \d"
)
for line in sys.stdin.buffer:
    if not note.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def hush_libraries() -> None:
    """Silence what TensorFlow says of this machine at its import; call it before.

    >>> import warnings
    >>> from slr_keras.utils.quiet import hush_libraries
    >>> with warnings.catch_warnings():
    ...     hush_libraries()
    ...     warnings.filters[0][2].__name__
    'FutureWarning'
    """
    # The features of the processor and the absence of a GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not any(isinstance(finder, _QuietTensorFlow) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietTensorFlow())
    # The end of this Python version, which google.api_core announces: TensorFlow imports it.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core\b")


class _QuietTensorFlow(MetaPathFinder):
    """Imports TensorFlow without the notes of its native libraries.

    Releases from 2.21 write them before they read TF_CPP_MIN_LOG_LEVEL.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of TensorFlow with a loader that is quiet; None for other modules."""
        if fullname != "tensorflow":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def quietly(module: ModuleType) -> None:
                with without_native_notes():
                    execute(module)

            # The loader belongs to this specification alone.
            spec.loader.exec_module = quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def without_native_notes() -> Iterator[None]:
    """Drop the notes and warnings that C++ code writes to standard error, past Python.

    Errors, and all that has another form, are written as ever.

    >>> from slr_keras.utils.quiet import without_native_notes
    >>> with without_native_notes():
    ...     pass
    """
    sys.stderr.flush()
    before = os.dup(2)
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _FILTER],
        stdin=subprocess.PIPE,
        stderr=before,
        # Ctrl-C is for the command alone; the filter ends with its input.
        start_new_session=True,
    ) as sieve:
        assert sieve.stdin is not None
        os.dup2(sieve.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
