"""Read and write the lines of a manifest: one JSON object per clip."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slr_keras.data.fingerprints import PUBLISHED
from slr_keras.data.sample import Sample
from slr_keras.data.times import Times
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import parse_json, read_text, refuse_waiting, write_text
from slr_keras.utils.unicode import readable, with_slashes

SPLITS = ("train", "dev", "test")
CONTRACT_FILE = "keypoints.json"
FRAMES_FILE = "frames.json"
_KEYS = (
    *("id", "glosses", "signer", "fps", "text", "frames"),
    *("keypoints", "start", "video", "video_start"),
)
# Keys for the first frame of a clip inside a file of many clips.
_STARTS = ("start", "video_start")
_OPTIONAL = ("fps", *_STARTS)
_TIMES = "frame_times"
_KNOWN = (*_KEYS, _TIMES, PUBLISHED)
_PLACES = {"keypoints": "a file", "video": "a file or a folder of pictures"}


def manifest_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield the non-blank lines of a manifest with their numbers."""
    refuse_waiting(path)
    # Only "\n" ends a line: str.splitlines would also cut at U+2028 inside a text.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


def parse_sample(line: str, where: str, split: str = "") -> Sample:
    """Parse a line of a manifest.

    Args:
        line: a JSON object with at least `id`, `frames` and `keypoints` or `video`.
        where: file and line, for messages.
        split: name of the split.

    >>> from slr_keras.data.lines import parse_sample
    >>> line = '{"id": "a", "glosses": ["RAIN"], "frames": 9, "keypoints": "a.npy", "camera": 2}'
    >>> sample = parse_sample(line, "train.jsonl:1", "train")
    >>> sample.frames, sample.extra["camera"]
    (9, 2)

    Names, glosses and texts are in Unicode's composed form.

    Raises:
        UserError: the line is not JSON, a key is missing or has the wrong type, or a path leaves
            the folder.
    """
    try:
        value = parse_json(line)
        # A lone surrogate is valid JSON, but no text; those of names that are no UTF-8 may stand
        # in paths.
        json.dumps(value, ensure_ascii=False).encode(errors="surrogateescape")
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not valid JSON ({error.msg}, column {error.colno})") from None
    except Exception as error:
        raise UserError(f"{where}: not a manifest line ({error or type(error).__name__})") from None
    if not isinstance(value, dict):
        raise UserError(f"{where}: not a JSON object such as {{'id': ..., 'frames': ...}}")
    name = value.get("id")
    if not isinstance(name, str) or not name:
        raise UserError(f"{where}: 'id' must be text and not empty, not {name!r}")
    name = readable(name)
    where = f"{where}: sample {name!r}"
    glosses = value.get("glosses", [])
    if not isinstance(glosses, list):
        raise UserError(f"{where}: 'glosses' must be a list of glosses, not {glosses!r}")
    for gloss in glosses:
        if not isinstance(gloss, str) or gloss.split() != [gloss]:
            raise UserError(
                f"{where}: gloss {gloss!r} is not one word; write the words of a gloss with '-'"
            )
    for key in ("signer", "text"):
        if not isinstance(value.get(key, ""), str):
            raise UserError(f"{where}: {key!r} must be text, not {value[key]!r}")
    fps = value.get("fps")
    numeric = isinstance(fps, int | float) and not isinstance(fps, bool)
    if "fps" in value and not (numeric and 0 < fps < 1e6):
        raise UserError(f"{where}: 'fps' must be frames per second, above 0, not {fps!r}")
    places = {key: _place(value[key], key, where) for key in _PLACES if key in value}
    if not places:
        raise UserError(f"{where}: has neither 'keypoints' nor 'video'; add the file of one")
    starts = {key: value[key] for key in _STARTS if value.get(key) is not None}
    frames, times = _count(value.get("frames"), "frames", where), value.get(_TIMES)
    return Sample(
        id=name,
        glosses=tuple(map(readable, glosses)),
        frames=frames,
        signer=readable(value.get("signer", "")),
        fps=None if fps is None else float(fps),
        text=readable(value.get("text", "")),
        split=split,
        keypoints=places.get("keypoints", ""),
        video=places.get("video", ""),
        **{key: _count(start, key, where) for key, start in starts.items()},
        times=None if times is None else Times.from_json(times, frames, where),
        extra={key: item for key, item in value.items() if key not in _KNOWN},
    )


def _count(value: Any, key: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise UserError(f"{where}: {key!r} must be a whole number of 0 or more, not {value!r}")
    return value


def _place(path: Any, key: str, where: str) -> str:
    if not isinstance(path, str) or not path or "\0" in path:
        raise UserError(f"{where}: {key!r} must be the name of {_PLACES[key]}, not {path!r}")
    outside = os.path.normpath(with_slashes(path)).split(os.sep)[0] == os.pardir
    if outside and not os.path.isabs(path):
        raise UserError(
            f"{where}: {key} {path!r} would leave the manifest's folder through '..'; move the "
            "file into the folder, or give its absolute path"
        )
    return path


def sample_line(sample: Sample) -> str:
    """Format a sample as a line of a manifest, without the line break.

    >>> from slr_keras.data.lines import sample_line
    >>> from slr_keras.data.sample import Sample
    >>> sample_line(Sample("a", ("RAIN",), frames=9, keypoints="a.npy"))[:33]
    '{"id": "a", "glosses": ["RAIN"], '
    """
    value: dict[str, Any] = {key: getattr(sample, key) for key in _KEYS}
    value["glosses"] = list(sample.glosses)
    absent = [key for key in _OPTIONAL if value[key] is None]
    for key in absent + [key for key in _PLACES if not value[key]]:
        del value[key]
    if sample.times is not None:
        value[_TIMES] = sample.times.to_json()
    return json.dumps(value | dict(sample.extra), ensure_ascii=False, allow_nan=False)


def write_manifest(
    path: str | Path, samples: Iterable[Sample], published: Mapping[str, str] | None = None
) -> None:
    """Write a manifest, atomically.

    Args:
        path: the file.
        samples: its lines.
        published: fingerprints of the arrays that belong to it, see
            `slr_keras.data.fingerprints`; written into the first line.

    Raises:
        UserError: two samples have the same id, or a sample could not be read back.
    """
    lines, seen = [], set()
    for sample in samples:
        line = sample_line(sample)
        parse_sample(line, str(path))
        if sample.id in seen:
            raise UserError(f"{path}: two samples have the id {sample.id!r}; ids must be unique")
        seen.add(sample.id)
        if published and not lines:
            line = json.dumps(json.loads(line) | {PUBLISHED: published}, ensure_ascii=False)
        lines.append(line + "\n")
    write_text(path, "".join(lines))
