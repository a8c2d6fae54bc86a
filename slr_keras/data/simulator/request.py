"""Write a data folder once for a request: the same request finds the folder complete.

A request is a dictionary of JSON values, kept in the folder as `simulation.json`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator.cues import CLIPS, CUES_VERSION, simulate_cues
from slr_keras.data.simulator.generate import (
    RENDERER_VERSION,
    SIMULATOR_VERSION,
    simulate_folder,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json
from slr_keras.utils.published_folder import published_folder, remove_unpublished

REQUEST = "simulation.json"
DEFAULT_SENTENCES = {"demo": (800, 100, 200), "large": (3000, 300, 500)}
DEFAULT_SIGNERS = {"demo": (12, 3, 4), "large": (20, 4, 4)}
SPLITS = ("train", "dev", "test")
_RECORDS = ("keypoints.json", "frames.json", "vocabulary.txt")

Request = dict[str, Any]
Progress = Callable[[Iterable[str]], Iterable[str]]


def sentences_request(
    lexicon: str,
    sentences: Mapping[str, int | None],
    signers: Iterable[int] | None,
    seed: int,
    size: tuple[int, int] | None,
    video: str | None,
    fps: float | None = None,
) -> Request:
    """A request for simulated sentences.

    Args:
        lexicon: name.
        sentences: clips per split; None for the lexicon's default.
        signers: people per split; None for the lexicon's default.
        seed: of all data.
        size: width and height of frames in pixels; None renders none.
        video: how frames are stored, "npy" or "mp4".
        fps: frames per second of the keypoint contract; None for those of the clips.

    Raises:
        UserError: a kind of video without frames, or a frame rate with frames.
    """
    defaults = dict(zip(SPLITS, DEFAULT_SENTENCES[lexicon], strict=True))
    request: Request = {
        "simulator": SIMULATOR_VERSION,
        "lexicon": lexicon,
        "sentences": {
            split: defaults[split] if sentences[split] is None else sentences[split]
            for split in SPLITS
        },
        "signers": dict(zip(SPLITS, signers or DEFAULT_SIGNERS[lexicon], strict=True)),
        "seed": seed,
    }
    if fps:
        request["fps"] = fps
    if fps and size:
        raise UserError(f"--fps {fps:g}: is for keypoints alone; omit --frames")
    if size:
        video = video or "npy"
        request["frames"] = {"size": list(size), "video": video, "renderer": RENDERER_VERSION}
    elif video:
        raise UserError(f"--video {video}: says how frames are stored; add --frames SIZE")
    return request


def cues_request(
    cue: str, clips: Mapping[str, int | None], seed: int, size: tuple[int, int] | None
) -> Request:
    """A request for clips that differ in one cue; arguments as of `sentences_request`."""
    return {
        "simulator": CUES_VERSION,
        "cues": cue,
        "sentences": {
            split: default if clips[split] is None else clips[split]
            for split, default in CLIPS.items()
        },
        "seed": seed,
        "frames": {"size": list(size or (64, 64)), "video": "npy"},
    }


def fulfil(
    folder: Path, request: Request, progress: Progress, replace: bool = False
) -> float | None:
    """Simulate what is requested, unless the folder holds these data.

    Args:
        folder: data folder to write.
        request: of `sentences_request` or `cues_request`.
        progress: wraps the sequence of sample ids, `tqdm` for example.
        replace: replaces other data in the folder.

    Returns:
        Seconds that the simulation took; None where the folder held the data already.

    Raises:
        UserError: the folder holds other data, or the request cannot be simulated.
    """
    if _is_occupied(folder) and not replace:
        if holds(folder, request):
            return None
        raise UserError(
            f"{folder}: the folder is not empty; choose another one, or --force to overwrite"
        )
    frames = request.get("frames", {})
    size = tuple(frames["size"]) if frames else None
    clips, seed = request["sentences"], request["seed"]
    began = time.perf_counter()
    with published_folder(folder, _stays) as fresh:
        if "cues" in request:
            simulate_cues(fresh, request["cues"], clips, seed, size, progress)
        else:
            lexicon, video = request["lexicon"], frames.get("video", "npy")
            fps, signers = request.get("fps"), request["signers"]
            simulate_folder(fresh, lexicon, clips, signers, seed, progress, size, video, fps)
        seconds = time.perf_counter() - began
        write_json(fresh / REQUEST, request)
    return seconds


def describe(folder: Path, request: Request, seconds: float | None) -> str:
    """What a folder holds after `fulfil`, for a person to read."""
    if seconds is None:
        return f"{folder}: already simulated with these options"
    total, seed = sum(request["sentences"].values()), request["seed"]
    if "cues" in request:
        return f"{folder}: {total} clips of the cue {request['cues']!r}, seed {seed}"
    text = f"{folder}: {total} clips of lexicon {request['lexicon']!r}, seed {seed}"
    if "frames" not in request:
        return text
    frames = count_frames(folder)
    width, height = request["frames"]["size"]
    return (
        f"{text}\n{frames} frames of {width}x{height} pixels, {frames / seconds:.0f} frames/s "
        "(motion, keypoints, images and files)"
    )


def count_frames(folder: Path) -> int:
    """Frames of all clips of a data folder."""
    return sum(int(manifest.lengths.sum()) for manifest in read_folder(folder).values())


def holds(folder: Path, request: Request) -> bool:
    """Whether the folder's record is this request and all its files exist."""
    record = folder / REQUEST
    splits = [split for split, count in request["sentences"].items() if count]
    kinds, others = ("jsonl", "npy"), ("keypoints.json",)
    if "cues" in request:
        kinds, others = ("jsonl",), ("vocabulary.txt",)
    files = [folder / f"{split}.{kind}" for split in splits for kind in kinds]
    files += [record, *(folder / name for name in others), *_frame_files(folder, request)]
    return all(path.is_file() for path in files) and read_json(record) == request


def _frame_files(folder: Path, request: Request) -> list[Path]:
    """The files that hold a request's frames."""
    if "frames" not in request:
        return []
    names = ["frames.json"]
    for split, count in request["sentences"].items():
        if request["frames"]["video"] == "mp4":
            names += [f"videos/{split}/{split}-{i:05d}.mp4" for i in range(count)]
        elif count:
            names.append(f"{split}.frames.npy")
    return [folder / name for name in names]


def _is_occupied(folder: Path) -> bool:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; give a folder")
    remove_unpublished(folder)
    return folder.is_dir() and any(folder.iterdir())


def _stays(name: str) -> bool:
    """Whether a file is none of a simulation, so that it stays in the folder."""
    kinds = ("jsonl", "npy", "frames.npy")
    data = [f"{split}.{kind}" for split in SPLITS for kind in kinds]
    film = any(fnmatch(name, f"videos/{split}/{split}-*.mp4") for split in SPLITS)
    return not film and name not in (*data, *_RECORDS, REQUEST)
