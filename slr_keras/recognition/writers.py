"""Write predictions to standard output, a file, or files of single clips."""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slr_keras.recognition.clip import Clip, Failure, Prediction
from slr_keras.recognition.elan import to_elan
from slr_keras.recognition.formats import (
    Clean,
    score_line,
    to_json,
    to_text,
)
from slr_keras.recognition.subtitles import to_subrip, to_webvtt
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures
from slr_keras.utils.files import write_text
from slr_keras.utils.progress import beside_bars

#: Failures that are printed.
LISTED = 10
Results = Iterable[Prediction | Failure]
Sorted = tuple[list[Prediction], list[Failure]]
Writer = Callable[[Results, Mapping[str, Any], Clean], Sorted]
Formatter = Callable[[Prediction, Mapping[str, Any], Path | None, Path], str]

#: Formats of a file per clip, by their suffix.
FORMATTERS: dict[str, Formatter] = {
    "vtt": lambda prediction, about, video, folder: to_webvtt(prediction, about),
    "srt": lambda prediction, about, video, folder: to_subrip(prediction),
    "eaf": to_elan,
}


def writer(
    kind: str,
    to: str | Path | None,
    clips: Sequence[Clip],
    times: bool = False,
    top: int = 1,
) -> Writer:
    """Create a function that writes results and returns them as predictions and failures.

    Args:
        kind: "text" or "json", or one of a file per clip: "vtt", "srt" or "eaf".
        to: file, or the folder for files of several clips; None: standard output.
        clips: all clips to recognise, so that a wrong `to` is refused before recognition starts.
        times, top: for "text", see `to_text`.

    Raises:
        UserError: `to` is a folder and a file is needed, or the reverse; or two clips have the same
            file.
    """
    path = None if to is None else Path(to)
    if kind in FORMATTERS:
        videos = {(clip.id, clip.source): clip.video for clip in clips}
        return _ClipWriter(clip_paths(to, clips, f".{kind}"), FORMATTERS[kind], videos)
    if path is not None and path.is_dir():
        raise UserError(f"{path}: is a folder; name the file to write with --to")
    return _JsonWriter(path) if kind == "json" else _TextWriter(path, times, top)


class _TextWriter:
    """Writes a line per clip (to standard output: immediately), then the word error rate.

    A file ends with a line `error: REASON` for each clip that failed.
    """

    def __init__(self, path: Path | None, times: bool, top: int):
        self.path = path
        self.times = times
        self.top = top

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        text = []

        def keep(prediction: Prediction) -> None:
            text.append(to_text(prediction, self.times, clean, self.top))
            if self.path is None:
                with beside_bars():
                    print(text[-1], end="", flush=True)

        predictions, failures = _sorted(results, keep)
        line = score_line(predictions, clean)
        end = f"\n{line}\n" if line else ""
        if self.path is None:
            with beside_bars():
                print(end, end="")
        else:
            errors = "".join(f"{line}\n" for line in _collected(failures).lines())
            write_text(self.path, "".join(text) + end + errors)
        return predictions, failures


class _JsonWriter:
    """Writes one JSON object after all clips are recognised."""

    def __init__(self, path: Path | None):
        self.path = path

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        predictions, failures = _sorted(results)
        text = to_json(predictions, about, failures, clean)
        if self.path is None:
            with beside_bars():
                sys.stdout.write(text)
        else:
            write_text(self.path, text)
        return predictions, failures


class _ClipWriter:
    """Writes a file per clip as soon as the clip is recognised.

    Args:
        paths: file of each clip, by its id and source; None: standard output.
        formatted: makes the text of a file, of prediction, `about`, the clip's video and the
            folder of the file.
        videos: video of each clip, by its id and source.
    """

    def __init__(
        self,
        paths: Mapping[tuple[str, str], Path] | None,
        formatted: Formatter,
        videos: Mapping[tuple[str, str], Path | None],
    ):
        self.paths = paths
        self.formatted = formatted
        self.videos = videos

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        def keep(prediction: Prediction) -> None:
            key = prediction.id, prediction.source
            path = None if self.paths is None else self.paths[key]
            folder = Path() if path is None else path.parent
            text = self.formatted(prediction, about, self.videos[key], folder)
            if path is None:
                with beside_bars():
                    sys.stdout.write(text)
            else:
                write_text(path, text)

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


def reported(failures: Sequence[Failure]) -> int:
    """Print the first clips that failed to standard error; returns the exit code of the command."""
    return _collected(failures).report(conclusion="", listed=LISTED)


def _collected(failures: Iterable[Failure]) -> Failures:
    collected = Failures()
    for failure in failures:
        collected.add(failure.id, failure.message)
    return collected


def clip_paths(
    to: str | Path | None, clips: Sequence[Clip], suffix: str, option: str = "--to"
) -> dict[tuple[str, str], Path] | None:
    """File of each clip, by its id and source; None for standard output.

    Args:
        to: the file of a single clip, or a folder.
        clips: all clips.
        suffix: of the files in a folder.
        option: that gave `to`, for messages.

    Raises:
        UserError: several clips have no folder, or two clips have the same file.

    >>> from slr_keras.recognition import Clip
    >>> from slr_keras.recognition.writers import clip_paths
    >>> clips = [Clip(f"monday/{name}", f"{name}.npy", None) for name in "ab"]
    >>> [path.as_posix() for path in clip_paths("out", clips, ".srt").values()]
    ['out/monday/a.srt', 'out/monday/b.srt']
    """
    into_folder = str(to).endswith("/")
    to = None if to is None else Path(to)
    into_folder |= to is not None and to.is_dir()
    if len(clips) == 1 and not into_folder:
        return None if to is None else {(clips[0].id, clips[0].source): to}
    if to is None or (to.exists() and not to.is_dir()):
        raise UserError(
            f"{len(clips)} clips make {len(clips)} {suffix} files: name a folder for them with "
            f"{option}"
        )
    paths: dict[tuple[str, str], Path] = {}
    first: dict[Path, str] = {}
    for clip in clips:
        # An id may be any text; clips in subfolders keep their folders.
        parts = [re.sub(r"[^\w.-]+", "_", part).lstrip(".") or "_" for part in clip.id.split("/")]
        path = to.joinpath(*parts).with_name(f"{parts[-1]}{suffix}")
        if first.setdefault(path, clip.source) != clip.source:
            raise UserError(
                f"{clip.source}: its {suffix} file would overwrite that of {first[path]} ({path}); "
                "recognise the two clips separately"
            )
        paths[clip.id, clip.source] = path
    return paths
