"""Write a data folder of simulated signing.

python -m slr_keras.simulate --lexicon demo --to data/demo
python -m slr_keras.simulate --lexicon demo --to data/demo64 --frames 64
python -m slr_keras.simulate --cues order --to data/order
"""

import argparse
import re
import time
from pathlib import Path

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

REQUEST = "simulation.json"
DEFAULT_SENTENCES = {"demo": (800, 100, 200), "large": (3000, 300, 500)}
DEFAULT_SIGNERS = {"demo": (12, 3, 4), "large": (20, 4, 4)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.simulate",
        description="Write a data folder of simulated signing: 133 keypoints a frame with the "
        "faults of a real detector, and RGB frames of the same scenes on request. Dev and test "
        "have other signers and other sentences than train. The same options give the same data, "
        "and the same folder at once if it is there.",
        epilog="examples: python -m slr_keras.simulate --lexicon demo --to data/demo; "
        "python -m slr_keras.simulate --lexicon demo --to data/demo64 --frames 64; "
        "python -m slr_keras.simulate --cues order --to data/order",
    )
    parser.add_argument(
        "--lexicon", choices=("demo", "large"), default="demo", help="demo: 20 signs; large: 125"
    )
    parser.add_argument(
        "--cues",
        choices=("left_right", "top_bottom", "order", "motion"),
        help="in place of sentences, small clips of moving blobs, one class each; the six classes "
        "differ in this alone, the three of motion in what one blob does (default: 240 60 120 "
        "clips of 64 pixels)",
    )
    parser.add_argument("--to", required=True, metavar="FOLDER", help="folder to write")
    for split in ("train", "dev", "test"):
        defaults = ", ".join(
            f"{name} {dict(zip(('train', 'dev', 'test'), counts))[split]}"
            for name, counts in DEFAULT_SENTENCES.items()
        )
        parser.add_argument(
            f"--{split}", type=int, metavar="N", help=f"sentences in {split} (default: {defaults})"
        )
    parser.add_argument(
        "--signers",
        type=int,
        nargs=3,
        metavar=("TRAIN", "DEV", "TEST"),
        help="people in each split (default: demo 12 3 4, large 20 4 4)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="everything follows from it (default 0)"
    )
    parser.add_argument(
        "--frames",
        metavar="SIZE",
        help="also render RGB frames of this size in pixels: 64 for squares, 96x64 for width and "
        "height; frames.json says what they are",
    )
    parser.add_argument(
        "--video",
        choices=("npy", "mp4"),
        help="how frames are stored. npy: <split>.frames.npy, uint8 (frames, height, width, 3), "
        "the default; mp4: videos/<split>/<id>.mp4, which needs the extra 'video'",
    )
    parser.add_argument("--force", action="store_true", help="replace the data set in the folder")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.cues:
        return _simulate_cues(options)
    from slr_keras.utils.files import write_json

    splits = ("train", "dev", "test")
    asked = (options.train, options.dev, options.test)
    sentences = {
        split: default if count is None else count
        for split, count, default in zip(splits, asked, DEFAULT_SENTENCES[options.lexicon])
    }
    signers = dict(zip(splits, options.signers or DEFAULT_SIGNERS[options.lexicon]))

    from slr_keras.data.simulator.generate import RENDERER_VERSION, SIMULATOR_VERSION

    request = {
        "simulator": SIMULATOR_VERSION,
        "lexicon": options.lexicon,
        "sentences": sentences,
        "signers": signers,
        "seed": options.seed,
    }
    folder = Path(options.to)
    size = _size(options.frames)
    if size:
        video = options.video or "npy"
        request["frames"] = {"size": list(size), "video": video, "renderer": RENDERER_VERSION}
    elif options.video:
        raise UserError(f"--video {options.video}: says how frames are stored; add --frames SIZE")
    if _is_done(folder, request, options.force):
        return 0

    from slr_keras.data.simulator import simulate_folder

    # Should this be cut short, the folder must not claim to hold what was asked for.
    (folder / REQUEST).unlink(missing_ok=True)
    began = time.perf_counter()
    simulate_folder(
        folder,
        options.lexicon,
        sentences,
        signers,
        options.seed,
        _progress,
        size,
        options.video or "npy",
    )
    seconds = time.perf_counter() - began
    _remove_leftovers(folder, request)
    write_json(folder / REQUEST, request)
    total = sum(sentences.values())
    print(f"{folder}: {total} clips of lexicon {options.lexicon!r}, seed {options.seed}")
    if size:
        frames = _count_frames(folder)
        print(
            f"{frames} frames of {size[0]}x{size[1]} pixels, {frames / seconds:.0f} frames/s "
            "(motion, keypoints, pictures and files)"
        )
    return 0


def _simulate_cues(options: argparse.Namespace) -> int:
    """Write clips that differ in one cue."""
    from slr_keras.data.simulator.cues import CLIPS, CUES_VERSION, simulate_cues
    from slr_keras.utils.files import write_json

    if options.signers or options.video == "mp4":
        raise UserError("--cues has no signers, and keeps its pictures as npy; leave these out")
    asked = {split: getattr(options, split) for split in CLIPS}
    clips = {split: CLIPS[split] if n is None else n for split, n in asked.items()}
    size = _size(options.frames) or (64, 64)
    request = {
        "simulator": CUES_VERSION,
        "cues": options.cues,
        "sentences": clips,
        "seed": options.seed,
        "frames": {"size": list(size), "video": "npy"},
    }
    folder = Path(options.to)
    if _is_done(folder, request, options.force):
        return 0
    (folder / REQUEST).unlink(missing_ok=True)
    simulate_cues(folder, options.cues, clips, options.seed, size, _progress)
    _remove_leftovers(folder, request)
    write_json(folder / REQUEST, request)
    print(f"{folder}: {sum(clips.values())} clips of the cue {options.cues!r}, seed {options.seed}")
    return 0


def _is_done(folder: Path, request: dict, force: bool) -> bool:
    """Whether a folder holds what is asked for.

    Raises:
        UserError: it holds something else, which is not to be replaced.
    """
    if not _is_occupied(folder) or force:
        return False
    if not _holds(folder, request):
        raise UserError(
            f"{folder}: the folder is not empty; choose another one, or --force to overwrite"
        )
    print(f"{folder}: already simulated with these options")
    return True


def _progress(clips):
    from tqdm import tqdm

    # None: only where standard error is a terminal.
    return tqdm(clips, desc="simulating", unit="clip", mininterval=0.5, disable=None)


def _size(text: str | None) -> tuple[int, int] | None:
    """Width and height of "64" or "96x64"."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not match:
        raise UserError(f"--frames {text}: give pixels, such as 64, or width x height, 96x64")
    width, height = match.groups()
    return int(width), int(height or width)


def _count_frames(folder: Path) -> int:
    from slr_keras.data.manifest import read_folder

    return sum(int(manifest.lengths.sum()) for manifest in read_folder(folder).values())


def _holds(folder: Path, request: dict) -> bool:
    """Whether the folder's record is this request and its files are all there."""
    from slr_keras.utils.files import read_json

    record = folder / REQUEST
    splits = [split for split, count in request["sentences"].items() if count]
    kinds, others = ("jsonl", "npy"), ("keypoints.json",)
    if "cues" in request:
        kinds, others = ("jsonl",), ("vocabulary.txt",)
    files = [folder / f"{split}.{kind}" for split in splits for kind in kinds]
    files += [record, *(folder / name for name in others), *_frame_files(folder, request)]
    return all(path.is_file() for path in files) and read_json(record) == request


def _frame_files(folder: Path, request: dict) -> list[Path]:
    """The files that a request's frames take."""
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
    return folder.is_dir() and any(folder.iterdir())


def _remove_leftovers(folder: Path, request: dict) -> None:
    """Remove what an earlier data set left and this one does not have."""
    cues = "cues" in request
    (folder / ("keypoints.json" if cues else "vocabulary.txt")).unlink(missing_ok=True)
    for split, count in request["sentences"].items():
        if count == 0:
            (folder / f"{split}.jsonl").unlink(missing_ok=True)
        if count == 0 or cues:
            (folder / f"{split}.npy").unlink(missing_ok=True)
    kept = set(_frame_files(folder, request))
    splits = list(request["sentences"])
    found = [folder / name for name in ("frames.json", *(f"{s}.frames.npy" for s in splits))]
    for split in splits:
        found += (folder / "videos" / split).glob(f"{split}-*.mp4")
    for path in set(found) - kept:
        path.unlink(missing_ok=True)
    for place in (*(folder / "videos" / split for split in splits), folder / "videos"):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


if __name__ == "__main__":
    run(main)
