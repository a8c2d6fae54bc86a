"""Write predictions to standard output, a file, or a folder of subtitle files."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slr_keras.recognition.clip import Clip, Failure, Prediction
from slr_keras.recognition.formats import (
    Clean,
    score_line,
    to_json,
    to_text,
    to_webvtt,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text

Results = Iterable[Prediction | Failure]
Sorted = tuple[list[Prediction], list[Failure]]
Writer = Callable[[Results, Mapping[str, Any], Clean], Sorted]


def writer(kind: str, to: str | Path | None, clips: Sequence[Clip], times: bool = False) -> Writer:
    """Create a function that writes results and returns them as predictions and failures.

    Args:
        kind: "text", "json" or "vtt".
        to: file, or the folder for several clips of "vtt"; None: standard output.
        clips: all clips to recognise, so that a wrong `to` is refused before recognition starts.
        times: for "text", see `to_text`.

    Raises:
        UserError: `to` is a folder and a file is needed, or the reverse; or two clips have the same
            subtitle file.
    """
    path = None if to is None else Path(to)
    if kind == "vtt":
        return _WebvttWriter(_webvtt_paths(path, str(to).endswith("/"), clips))
    if path is not None and path.is_dir():
        raise UserError(f"{path}: is a folder; name the file to write with --to")
    return _JsonWriter(path) if kind == "json" else _TextWriter(path, times)


class _TextWriter:
    """Writes a line per clip (to standard output: immediately), then the word error rate."""

    def __init__(self, path: Path | None, times: bool):
        self.path = path
        self.times = times

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        text = []

        def keep(prediction: Prediction) -> None:
            text.append(to_text(prediction, self.times, clean))
            if self.path is None:
                print(text[-1], end="", flush=True)

        predictions, failures = _sorted(results, keep)
        line = score_line(predictions, clean)
        end = f"\n{line}\n" if line else ""
        if self.path is None:
            print(end, end="")
        elif predictions:
            write_text(self.path, "".join(text) + end)
        return predictions, failures


class _JsonWriter:
    """Writes one JSON object after all clips are recognised."""

    def __init__(self, path: Path | None):
        self.path = path

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        predictions, failures = _sorted(results)
        text = to_json(predictions, about, failures, clean)
        if self.path is None:
            sys.stdout.write(text)
        else:
            write_text(self.path, text)
        return predictions, failures


class _WebvttWriter:
    """Writes a file per clip as soon as the clip is recognised."""

    def __init__(self, paths: Mapping[tuple[str, str], Path] | None):
        self.paths = paths

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        def keep(prediction: Prediction) -> None:
            text = to_webvtt(prediction, about)
            if self.paths is None:
                sys.stdout.write(text)
            else:
                write_text(self.paths[prediction.id, prediction.source], text)

        return _sorted(results, keep)


def _sorted(
    results: Results, keep: Callable[[Prediction], None] = lambda prediction: None
) -> Sorted:
    predictions, failures = [], []
    for result in results:
        if isinstance(result, Failure):
            failures.append(result)
        else:
            keep(result)
            predictions.append(result)
    return predictions, failures


def _webvtt_paths(
    to: Path | None, into_folder: bool, clips: Sequence[Clip]
) -> dict[tuple[str, str], Path] | None:
    """File of each clip, by its id and source; None for standard output."""
    into_folder |= to is not None and to.is_dir()
    if len(clips) == 1 and not into_folder:
        return None if to is None else {(clips[0].id, clips[0].source): to}
    if to is None or (to.exists() and not to.is_dir()):
        raise UserError(
            f"{len(clips)} clips make {len(clips)} subtitle files: name a folder for them with --to"
        )
    paths: dict[tuple[str, str], Path] = {}
    first: dict[Path, str] = {}
    for clip in clips:
        # An id may be any text; clips in subfolders keep their folders.
        parts = [re.sub(r"[^\w.-]+", "_", part).lstrip(".") or "_" for part in clip.id.split("/")]
        path = to.joinpath(*parts).with_name(f"{parts[-1]}.vtt")
        if first.setdefault(path, clip.source) != clip.source:
            raise UserError(
                f"{clip.source}: its subtitles would overwrite those of {first[path]} ({path}); "
                "recognise the two clips separately"
            )
        paths[clip.id, clip.source] = path
    return paths
