"""Turn a published data set, or one's own recordings, into a data folder.

python -m slr_keras.prepare kinect_isl30 --from downloads/kinect --to data/kinect
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.data.datasets import Dataset, Option

RECORD = "prepared.json"
_SPLITS = ("train", "dev", "test")
_FILES = ("keypoints.json", "frames.json", "vocabulary.txt", "groups.json", "missing.json", RECORD)


def _parser() -> argparse.ArgumentParser:
    from slr_keras.data.datasets import dataset, list_datasets

    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.prepare",
        description="Turn a published data set, or your own recordings, into a data folder that "
        "fit, evaluate, validate and predict read. Nothing is downloaded: you obtain the files "
        "from their makers, under their terms. `NAME --help` says from where, which files it "
        "needs, and its options.",
        epilog="example: python -m slr_keras.prepare kinect_isl30 --from downloads/kinect "
        "--to data/kinect",
    )
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name in list_datasets():
        known = dataset(name)
        command = names.add_parser(
            name,
            help=known.title,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=_description(known),
            epilog=f"example: python -m slr_keras.prepare {name} --from PATH --to data/{name}",
        )
        command.add_argument(
            "--from", dest="source", required=True, metavar="PATH", help="folder of the files"
        )
        command.add_argument("--to", required=True, metavar="FOLDER", help="data folder to write")
        command.add_argument(
            "--force", action="store_true", help="replace a data folder that is there already"
        )
        for option in known.options:
            command.add_argument(f"--{option.name.replace('_', '-')}", **_argument(option))
    return parser


def _description(known: "Dataset") -> str:
    files = "\n".join(f"  {file}" for file in known.files)
    return (
        f"{known.title}\n\nobtained from: {known.obtain}\nlicence: {known.licence}\n"
        f"PATH must hold:\n{files}"
    )


def _argument(option: "Option") -> dict[str, Any]:
    """Keywords of `add_argument`: the default gives the type."""
    settings: dict[str, Any] = {"default": option.default, "dest": option.name}
    if isinstance(option.default, bool):
        return settings | {"action": "store_true", "help": option.help}
    shown = option.default
    if isinstance(option.default, tuple):
        shown = " ".join(map(str, option.default))
        settings |= {"nargs": "*", "type": type(option.default[0]) if option.default else str}
    else:
        settings["type"] = type(option.default)
    if option.choices:
        settings["choices"] = option.choices
    else:
        settings["metavar"] = settings["type"].__name__.upper().replace("STR", "TEXT")
    mentioned = "default" in option.help or shown in ("", ())
    settings["help"] = option.help if mentioned else f"{option.help} (default: {shown})"
    return settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = vars(_parser().parse_args(arguments))
    name, source, folder, force = (options.pop(key) for key in ("name", "source", "to", "force"))
    prepare(name, Path(source), Path(folder), force, **options)
    return 0


def prepare(name: str, source: Path, folder: Path, force: bool = False, **settings: Any) -> None:
    """Prepare a data set into a folder and print what came out.

    Everything is written beside the folder first: what was there is replaced when the new data
    is whole, and stays on any error.

    Args:
        name: see `slr_keras.data.datasets.list_datasets`.
        source: folder of the data set's files.
        folder: to write.
        force: whether to replace a data folder that is there.
        settings: the data set's options.

    Raises:
        UserError: the folder is occupied, or the data set's files are missing or malformed.
    """
    from slr_keras.data.datasets import dataset
    from slr_keras.utils.files import write_json

    known = dataset(name)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UserError(
            f"{folder}: the folder is not empty; choose another one, or --force to replace its data"
        )
    if not source.is_dir():
        raise known.missing(source, known.files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh = Path(temporary, "data")
        known.prepare(source, fresh, **settings)
        write_json(fresh / RECORD, {"dataset": name, "options": settings})
        _replace(folder, fresh)
    _report(folder, known)


def _replace(folder: Path, fresh: Path) -> None:
    """Put the new data where the old one was; other files in the folder stay."""
    folder.mkdir(exist_ok=True)
    for old in _FILES:
        (folder / old).unlink(missing_ok=True)
    for split in _SPLITS:
        for kind in ("jsonl", "npy"):
            (folder / f"{split}.{kind}").unlink(missing_ok=True)
    # Manifests last: one never names frames that are not there yet.
    for path in sorted(fresh.iterdir(), key=lambda path: path.suffix == ".jsonl"):
        os.replace(path, folder / path.name)


def _report(folder: Path, known: "Dataset") -> None:
    """Print what the data folder holds."""
    from slr_keras.data.manifest import read_folder

    splits = read_folder(folder)
    glosses = {name: [g for s in split for g in s.glosses] for name, split in splits.items()}
    trained = set(glosses.get("train", ()))
    print(f"{folder}: {known.title}")
    print(f"{'split':<6} {'clips':>7} {'signs':>7} {'glosses':>8} {'signers':>8} {'minutes':>8}")
    for name, split in splits.items():
        signers = {sample.signer for sample in split} - {""}
        minutes = sum(sample.frames / split.rate(sample) for sample in split) / 60
        print(
            f"{name:<6} {len(split):>7} {len(glosses[name]):>7} {len(set(glosses[name])):>8} "
            f"{len(signers) or '?':>8} {minutes:>8.1f}"
        )
        unknown = [gloss for gloss in glosses[name] if gloss not in trained]
        if unknown and name != "train":
            print(
                f"note: {len(unknown)} of the {len(glosses[name])} signs of {name} "
                f"({len(set(unknown))} glosses) are not in train and cannot be recognised",
                file=sys.stderr,
            )


if __name__ == "__main__":
    run(main)
