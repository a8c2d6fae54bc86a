"""Draw a sample as an animated GIF or a PNG contact sheet.

python -m slr_keras.view data/demo --split test --sample 3 --to clip.gif
"""

import argparse
from functools import partial
from pathlib import Path

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.view",
        description="Draw the keypoints of a sample (the signer's left blue, right red, points "
        "that the detector did not find hollow, doubtful ones faint) or its video; below, the "
        "frame number, the glosses and their times where known.",
        epilog="example: python -m slr_keras.view data/demo --split test --sample 3 --to clip.gif",
    )
    parser.add_argument(
        "data",
        help="a data folder, a manifest (.jsonl), or a clip: .npy, .npz or .pose of keypoints, a "
        "video file, or a folder of pictures",
    )
    parser.add_argument(
        "--split", choices=("train", "dev", "test"), help="default: test, or what there is"
    )
    parser.add_argument("--sample", default="0", metavar="ID|N", help="id or number (default 0)")
    parser.add_argument("--to", metavar="FILE", help=".gif or .png (default: SAMPLE.gif here)")
    parser.add_argument(
        "--video", action="store_true", help="the pictures of a data folder that has keypoints too"
    )
    parser.add_argument(
        "--prepared",
        action="store_true",
        help="what the model sees: points selected, filled, normalised; pictures resized and cut",
    )
    parser.add_argument(
        "--layout", help="keypoint layout of a single clip (default: by its points)"
    )
    parser.add_argument(
        "--height", type=int, default=390, help="of a frame in pixels (default 390)"
    )
    parser.add_argument("--frames", type=int, default=24, help="of a contact sheet (default 24)")
    parser.add_argument("--columns", type=int, default=6, help="of a contact sheet (default 6)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    for name, least in (("height", 40), ("frames", 1), ("columns", 1)):
        if getattr(options, name) < least:
            raise UserError(f"--{name} {getattr(options, name)}: give at least {least}")
    from slr_keras.data.viewer import write_gif, write_sheet

    sample, draw = _open(options)
    target = Path(options.to or f"{Path(sample.id).name}.gif")
    if target.suffix.lower() not in (".gif", ".png"):
        raise UserError(f"{target}: cannot write this kind of picture; name a .gif or .png file")
    clip = draw(
        height=options.height,
        title=sample.id,
        glosses=sample.glosses,
        spans=_spans(sample),
    )
    if target.suffix.lower() == ".gif":
        count = write_gif(clip, target)
    else:
        count = write_sheet(clip, target, options.frames, options.columns)
    print(f"{target}: {count} frames of {sample.id} {' '.join(sample.glosses)}")
    return 0


def _spans(sample) -> list[list[int]]:
    """The times of the signs, if the manifest has them in a usable form."""
    spans = sample.extra.get("spans", [])
    if not isinstance(spans, list):
        return []
    return [
        span
        for span in spans
        if isinstance(span, list) and len(span) == 2 and all(isinstance(t, int) for t in span)
    ]


def _open(options):
    """The chosen sample, and the function that lays it out for drawing."""
    from slr_keras.data.manifest import read_folder, read_manifest
    from slr_keras.data.video.recordings import VIDEOS, is_recording

    path = Path(options.data)
    if path.suffix == ".npy" and path.with_suffix(".jsonl").exists():
        path = path.with_suffix(".jsonl")
    data = any((path / f"{split}.jsonl").exists() for split in ("train", "dev", "test"))
    if path.suffix.lower() in VIDEOS or (path.is_dir() and not data and is_recording(path)):
        return _open_recording(path, options.prepared)
    if path.is_dir():
        manifests = read_folder(path)
        split = options.split or ("test" if "test" in manifests else next(iter(manifests)))
        if split not in manifests:
            raise UserError(f"{path}: no split {split!r}; it has {', '.join(manifests)}")
        manifest = manifests[split]
    elif path.suffix == ".jsonl":
        manifest = read_manifest(path)
    else:
        return _open_clip(path, options)
    sample = manifest[manifest.find(options.sample)]
    if options.video or not _has_keypoints(manifest):
        pictures = manifest.video_frames(sample)
        fps = sample.fps or manifest.frame_contract.fps
        return sample, _pictures(pictures, manifest.frame_contract, fps, options.prepared)
    raw, rules = manifest.load(sample), manifest.contract
    return sample, _keypoints(raw, rules, sample.fps or rules.fps, options.prepared)


def _has_keypoints(manifest) -> bool:
    from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE

    folder = manifest.folder
    return (folder / CONTRACT_FILE).exists() or not (folder / FRAMES_FILE).exists()


def _keypoints(raw, contract, fps: float, prepared: bool):
    from slr_keras.data.viewer import figure

    return partial(figure, raw, contract, prepared, fps=fps)


def _pictures(pictures, contract, fps: float, prepared: bool):
    from slr_keras.data.preparation import VideoPreparation
    from slr_keras.data.video.viewer import picture_figure

    if prepared:
        pictures, fps = VideoPreparation(contract).prepared(pictures, fps), contract.fps
    return partial(picture_figure, pictures, fps=fps)


def _open_recording(path: Path, prepared: bool):
    """A video of its own, with the frame contract beside it if what a model sees is asked for."""
    from slr_keras.data.manifest import FRAMES_FILE
    from slr_keras.data.rates import at_rate
    from slr_keras.data.sample import Sample
    from slr_keras.data.video.contract import FrameContract
    from slr_keras.data.video.recordings import shown_in

    beside = path.parent / FRAMES_FILE
    if prepared and not beside.exists():
        raise UserError(
            f"{path}: --prepared needs {FRAMES_FILE} beside it, which says what the model sees; "
            "copy it from a run"
        )
    contract = FrameContract.read(beside) if prepared else None
    fps = contract.fps if prepared else 25.0
    pictures = at_rate(shown_in(path, fps), fps)
    sample = Sample(path.stem, (), frames=0, fps=fps)
    return sample, _pictures(pictures, contract, fps, prepared)


def _open_clip(path: Path, options):
    """A clip in a file of its own."""
    import numpy as np

    from slr_keras.data.arrays import KEY, read_npy, read_npz
    from slr_keras.data.contract import KeypointContract, contract
    from slr_keras.data.layout import layout, list_layouts
    from slr_keras.data.sample import Sample

    if not path.exists():
        raise UserError(f"{path}: no such folder or file")
    fps, layout_name = None, options.layout
    if path.suffix == ".pose":
        from slr_keras.data.datasets.pose_files import read_pose

        array, found_layout, fps = read_pose(path)
        layout_name = layout_name or found_layout
    elif path.suffix in (".npy", ".npz"):
        array = read_npz(path)[KEY] if path.suffix == ".npz" else read_npy(path)
    else:
        raise UserError(
            f"{path}: give a data folder, a .jsonl manifest, a .npy, .npz or .pose clip, a video, "
            "or a folder of pictures"
        )
    if array.ndim != 3 or array.dtype.kind not in "fiu":
        raise UserError(f"{path}: has shape {array.shape}; a clip is (frames, points, channels)")
    beside = path.parent / "keypoints.json"
    if layout_name is None and beside.exists():
        rules = KeypointContract.read(beside)
    else:
        shapes = {name: layout(name) for name in list_layouts()}
        if layout_name is None:
            fitting = [
                name
                for name, shape in shapes.items()
                if (len(shape.points), len(shape.channels)) == array.shape[1:]
            ]
            if len(fitting) != 1:
                raise UserError(
                    f"{path}: {array.shape[1]} points of {array.shape[2]} channels; say what they "
                    f"are with --layout, one of {', '.join(shapes)}"
                )
            layout_name = fitting[0]
        rules = contract(layout_name)
    sample = Sample(path.stem, (), frames=len(array), fps=fps or rules.fps)
    raw = np.asarray(array, np.float32)
    return sample, _keypoints(raw, rules, sample.fps, options.prepared)


if __name__ == "__main__":
    run(main)
