"""Copy what the app reads of a bundle: metadata, contract, labels, and one streaming form.

To a folder for the APK, or to a zip file that the app's user can choose instead of the bundle in
the APK:

    python3 android_demo/tools/bundle_files.py runs/demo/tflite runs/demo/phone.zip
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

NAMES = ("metadata.json", "keypoints.json", "labels.txt")
OPTIONAL = ("language_model.json",)


def fail(text: str) -> None:
    """End with the user's exit code."""
    print(f"bundle_files.py: {text}", file=sys.stderr)
    raise SystemExit(2)


def streaming_file(bundle: Path) -> str:
    """Name of the first precision's streaming file, which must be the one that was verified."""
    try:
        files = json.loads((bundle / "metadata.json").read_text(encoding="utf-8"))["streaming"][
            "files"
        ]
        entry = next(iter(files.values()))
        name, expected = entry["file"], entry["sha256"]
    except (OSError, ValueError) as problem:
        fail(f"{bundle / 'metadata.json'}: {problem}")
    except (KeyError, StopIteration, TypeError):
        fail(f"{bundle} has no streaming form; export the run again with --streaming ema")
    path = bundle / name
    if Path(name).name != name or not path.is_file():
        fail(f"{path} is missing; export the run again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        fail(f"{path} is not the file that was verified; export the run again")
    return name


def copy(bundle: Path, target: Path) -> None:
    """Copy to a folder, or into a zip file if ``target`` is called so."""
    names = [
        *NAMES,
        streaming_file(bundle),
        *(name for name in OPTIONAL if (bundle / name).is_file()),
    ]
    for name in names:
        if not (bundle / name).is_file():
            fail(f"{bundle / name} is missing; export the run again")
    if target.suffix == ".zip":
        with tempfile.TemporaryDirectory() as folder:
            copy(bundle, Path(folder, "bundle"))
            shutil.make_archive(str(target.with_suffix("")), "zip", folder, "bundle")
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(bundle / name, target / name)


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
