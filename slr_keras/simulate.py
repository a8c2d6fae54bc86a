"""Write a data folder of simulated signing.

python -m slr_keras.simulate --lexicon demo --to data/demo
"""

import argparse
import sys
from pathlib import Path

from slr_keras.command import run
from slr_keras.errors import UserError

REQUEST = "simulation.json"
DEFAULT_SENTENCES = {"demo": (800, 100, 200), "large": (3000, 300, 500)}
DEFAULT_SIGNERS = {"demo": (12, 3, 4), "large": (20, 4, 4)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.simulate",
        description="Write a data folder of simulated signing: 133 keypoints a frame with the "
        "faults of a real detector. Dev and test have other signers and other sentences than "
        "train. The same options give the same data, and the same folder at once if it is there.",
        epilog="example: python -m slr_keras.simulate --lexicon demo --to data/demo",
    )
    parser.add_argument(
        "--lexicon", choices=("demo", "large"), default="demo", help="demo: 20 signs; large: 125"
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
    parser.add_argument("--force", action="store_true", help="replace the data set in the folder")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    from slr_keras.files import write_json

    splits = ("train", "dev", "test")
    asked = (options.train, options.dev, options.test)
    sentences = {
        split: default if count is None else count
        for split, count, default in zip(splits, asked, DEFAULT_SENTENCES[options.lexicon])
    }
    signers = dict(zip(splits, options.signers or DEFAULT_SIGNERS[options.lexicon]))

    from slr_keras.data.simulator.generate import SIMULATOR_VERSION

    request = {
        "simulator": SIMULATOR_VERSION,
        "lexicon": options.lexicon,
        "sentences": sentences,
        "signers": signers,
        "seed": options.seed,
    }
    folder = Path(options.to)
    if _is_occupied(folder):
        if not options.force and _holds(folder, request):
            print(f"{folder}: already simulated with these options")
            return 0
        if not options.force:
            raise UserError(
                f"{folder}: the folder is not empty; choose another one, or --force to overwrite"
            )

    from tqdm import tqdm

    from slr_keras.data.simulator import simulate_folder

    def progress(ids):
        return tqdm(ids, desc="simulating", unit="clip", file=sys.stderr, mininterval=0.5)

    # Should this be cut short, the folder must not claim to hold what was asked for.
    (folder / REQUEST).unlink(missing_ok=True)
    simulate_folder(folder, options.lexicon, sentences, signers, options.seed, progress)
    _remove_leftovers(folder, sentences)
    write_json(folder / REQUEST, request)
    total = sum(sentences.values())
    print(f"{folder}: {total} clips of lexicon {options.lexicon!r}, seed {options.seed}")
    return 0


def _holds(folder: Path, request: dict) -> bool:
    """Whether the folder's record is this request and its files are all there."""
    from slr_keras.files import read_json

    record = folder / REQUEST
    splits = [split for split, count in request["sentences"].items() if count]
    files = [folder / f"{split}.{kind}" for split in splits for kind in ("jsonl", "npy")]
    complete = all(path.is_file() for path in [record, folder / "keypoints.json", *files])
    return complete and read_json(record) == request


def _is_occupied(folder: Path) -> bool:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; give a folder")
    return folder.is_dir() and any(folder.iterdir())


def _remove_leftovers(folder: Path, sentences: dict[str, int]) -> None:
    """Remove what an earlier data set left and this one does not have."""
    (folder / "vocabulary.txt").unlink(missing_ok=True)
    for split, count in sentences.items():
        if count == 0:
            for kind in ("jsonl", "npy"):
                (folder / f"{split}.{kind}").unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
