#!/usr/bin/env python3
"""Put MediaPipe's keypoint models where the Android builders and the desktop runner look for them.

The models are Google's, licensed under Apache-2.0 as MediaPipe is, and are not part of this
repository. They are taken out of the package `mediapipe` 0.10.21, the last that carries them:
out of the one that is installed, where there is one, and otherwise out of its wheel, which pip
gets. Every file is checked against its SHA-256, wherever it came from.
"""

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

PACKAGE = "mediapipe==0.10.21"
# Path inside the package's `modules`, and SHA-256.
MODELS = {
    "pose_detection/pose_detection.tflite": (
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c"
    ),
    "pose_landmark/pose_landmark_full.tflite": (
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"
    ),
    "holistic_landmark/hand_recrop.tflite": (
        "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d"
    ),
    "hand_landmark/hand_landmark_full.tflite": (
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3"
    ),
    "palm_detection/palm_detection_full.tflite": (
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54"
    ),
    "face_detection/face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    ),
    "face_landmark/face_landmark.tflite": (
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
    ),
}
LICENCE_NOTE = f"""The .tflite files here are Google's, out of {PACKAGE}:
Copyright The MediaPipe Authors, licensed under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0). They are unchanged.
"""
DEFAULT_FOLDER = Path(__file__).resolve().parents[1] / "build" / "keypoint_models"


class FetchError(Exception):
    """The models cannot be had; the message says why, and what to do."""


def fetch(folder: Path, package: Path | None = None, download: bool = True) -> list[Path]:
    """Make sure that all models are in a folder.

    Args:
        folder: made if it is not there. Files in it that are right are left alone.
        package: folder of the installed `mediapipe`; None to look for it.
        download: whether pip may get the wheel.

    Returns:
        The files' paths.

    Raises:
        FetchError: a file cannot be had, or is not what it should be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in MODELS if not _is_right(folder / Path(name).name, MODELS[name])]
    if missing:
        installed = package or _installed()
        if installed is not None and all(
            (installed / "modules" / name).is_file() for name in missing
        ):
            _store(
                missing,
                folder,
                lambda name: (installed / "modules" / name).read_bytes(),
                str(installed),
            )
        elif download:
            _store_from_wheel(missing, folder)
        else:
            raise FetchError(
                f"{PACKAGE} is not installed, and may not be downloaded: pip install '{PACKAGE}'"
            )
    _write(folder / "NOTICE.txt", LICENCE_NOTE.encode())
    return [folder / Path(name).name for name in MODELS]


def _installed() -> Path | None:
    spec = importlib.util.find_spec("mediapipe")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _store_from_wheel(names: list[str], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        # The models are the same in every wheel of the release; any machine may take this one.
        command = (
            *(sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:"),
            *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
            *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
            *("--dest", scratch, "--quiet"),
        )
        ended = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(scratch).glob("mediapipe-*.whl"))
        if ended.returncode or not wheels:
            words = (ended.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise FetchError(f"{PACKAGE} could not be downloaded: {words}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            _store(
                names, folder, lambda name: wheel.read(f"mediapipe/modules/{name}"), wheels[0].name
            )


def _store(names: list[str], folder: Path, read: Callable[[str], bytes], where: str) -> None:
    for name in names:
        content = read(name)
        digest = hashlib.sha256(content).hexdigest()
        if digest != MODELS[name]:
            raise FetchError(
                f"{where}: {name} has SHA-256 {digest}, not {MODELS[name]}; take it from {PACKAGE}"
            )
        _write(folder / Path(name).name, content)


def _is_right(path: Path, checksum: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == checksum


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    if path.is_file() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Fetch the models; 2 if they cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--package", type=Path, metavar="FOLDER", help="the folder of mediapipe's package"
    )
    parser.add_argument("--offline", action="store_true", help="download nothing")
    options = parser.parse_args(arguments)
    try:
        for path in fetch(options.output, options.package, not options.offline):
            print(path)
    except (FetchError, OSError) as error:
        print(f"fetch_keypoint_models: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
