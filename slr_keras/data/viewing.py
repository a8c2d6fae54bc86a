"""Open a sample by name and lay it out for drawing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import KEY, read_npy, read_npz
from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.layout import layout, list_layouts
from slr_keras.data.manifest import (
    CONTRACT_FILE,
    FRAMES_FILE,
    Manifest,
    read_folder,
    read_manifest,
)
from slr_keras.data.preparation import VideoPreparation
from slr_keras.data.rates import at_rate
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.recordings import VIDEOS, is_recording, shown_in
from slr_keras.data.video.viewer import picture_figure
from slr_keras.data.viewer import Drawable, figure
from slr_keras.utils.errors import UserError

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class View:
    """How a sample is drawn.

    Attributes:
        prepared: draw the model's input: points selected, filled and normalised, or frames resized
            and cropped.
        video: draw the video of a data folder that has both keypoints and video.
        layout: name of the keypoint layout of a single clip; None: inferred from the number of
            points.
    """

    prepared: bool = False
    video: bool = False
    layout: str | None = None


@dataclass(frozen=True)
class OpenSample:
    """A sample and the function that lays it out.

    Attributes:
        sample: the sample.
        draw: function of `height`, `title`, `glosses` and `spans`.
    """

    sample: Sample
    draw: Callable[..., Drawable]

    def drawing(self, height: int) -> Drawable:
        """Lay out the sample with a height of `height` pixels, plus the caption."""
        sample = self.sample
        spans = _usable_spans(sample)
        return self.draw(height=height, title=sample.id, glosses=sample.glosses, spans=spans)


def open_sample(
    data: str | Path, split: str | None = None, name: str = "0", view: View | None = None
) -> OpenSample:
    """Open a sample.

    Args:
        data: data folder, manifest (.jsonl), keypoint file, video file, or folder of pictures.
        split: split of a data folder; None: test or, if there is no test split, the first split.
        name: id or number of the sample in the split or manifest.
        view: how the sample is drawn.

    Raises:
        UserError: the sample does not exist, or the file cannot be read.
    """
    path, view = Path(data), view or View()
    if path.suffix == ".npy" and path.with_suffix(".jsonl").exists():
        path = path.with_suffix(".jsonl")
    has_splits = any((path / f"{split}.jsonl").exists() for split in SPLITS)
    is_images = path.is_dir() and not has_splits and is_recording(path)
    if path.suffix.lower() in VIDEOS or is_images:
        return _open_recording(path, view)
    if path.is_dir():
        manifests = read_folder(path)
        split = split or ("test" if "test" in manifests else next(iter(manifests)))
        if split not in manifests:
            raise UserError(f"{path}: no split {split!r}; it has {', '.join(manifests)}")
        return _from_manifest(manifests[split], name, view)
    if path.suffix == ".jsonl":
        return _from_manifest(read_manifest(path), name, view)
    return _open_clip(path, view)


def _from_manifest(manifest: Manifest, name: str, view: View) -> OpenSample:
    sample = manifest[manifest.find(name)]
    if view.video or not _has_keypoints(manifest):
        frames, fps = manifest.video_frames(sample), manifest.rate(sample)
        if sample.times is not None:
            # As a single video file is drawn, at the rate of the contract.
            fps = manifest.frame_contract.fps
            frames = at_rate(sample.times.shown(frames), fps)
        return OpenSample(sample, _pictures(frames, manifest.frame_contract, fps, view))
    raw, fps = manifest.load(sample), manifest.rate(sample)
    return OpenSample(sample, partial(figure, raw, manifest.contract, view.prepared, fps=fps))


def _has_keypoints(manifest: Manifest) -> bool:
    folder = manifest.folder
    return (folder / CONTRACT_FILE).exists() or not (folder / FRAMES_FILE).exists()


def _pictures(
    frames: Iterable[np.ndarray], rules: FrameContract | None, fps: float, view: View
) -> Callable[..., Drawable]:
    if view.prepared:
        frames, fps = VideoPreparation(rules).prepared(frames, fps), rules.fps
    return partial(picture_figure, frames, fps=fps)


def _open_recording(path: Path, view: View) -> OpenSample:
    """Open a single video; a prepared view needs the frame contract next to the video."""
    beside = path.parent / FRAMES_FILE
    if view.prepared and not beside.exists():
        raise UserError(
            f"{path}: --prepared needs the frame contract {FRAMES_FILE} next to the video; copy "
            "the file from a run"
        )
    rules = FrameContract.read(beside) if view.prepared else None
    fps = rules.fps if rules else 25.0
    frames = at_rate(shown_in(path, fps), fps)
    sample = Sample(path.stem, (), frames=0, fps=fps)
    return OpenSample(sample, _pictures(frames, rules, fps, view))


def _open_clip(path: Path, view: View) -> OpenSample:
    """Open a single keypoint file."""
    array, stated_layout, fps = _read_clip(path)
    if array.ndim != 3 or array.dtype.kind not in "fiu":
        raise UserError(f"{path}: has shape {array.shape}; a clip is (frames, points, channels)")
    name, beside = view.layout or stated_layout, path.parent / CONTRACT_FILE
    if name is None and beside.exists():
        rules = KeypointContract.read(beside)
    else:
        rules = contract(name or _layout_of(array, path))
    sample = Sample(path.stem, (), frames=len(array), fps=fps or rules.fps)
    raw = np.asarray(array, np.float32)
    return OpenSample(sample, partial(figure, raw, rules, view.prepared, fps=sample.fps))


def _read_clip(path: Path) -> tuple[np.ndarray, str | None, float | None]:
    """Read keypoints, and the layout and frame rate that the file states."""
    if not path.exists():
        raise UserError(f"{path}: no such folder or file")
    if path.suffix == ".pose":
        from slr_keras.data.pose_file import read_pose

        return read_pose(path)
    if path.suffix not in (".npy", ".npz"):
        raise UserError(
            f"{path}: give a data folder, a .jsonl manifest, a .npy, .npz or .pose clip, a video, "
            "or a folder of pictures"
        )
    array = read_npz(path)[KEY] if path.suffix == ".npz" else read_npy(path)
    return array, None, None


def _layout_of(array: np.ndarray, path: Path) -> str:
    """The layout with this number of points and channels, if only one has it."""
    shapes = {name: layout(name) for name in list_layouts()}
    fitting = [
        name
        for name, shape in shapes.items()
        if (len(shape.points), len(shape.channels)) == array.shape[1:]
    ]
    if len(fitting) != 1:
        raise UserError(
            f"{path}: cannot infer the layout of {array.shape[1]} points with {array.shape[2]} "
            f"channels; give one with --layout: {', '.join(shapes)}"
        )
    return fitting[0]


def _usable_spans(sample: Sample) -> list[list[int]]:
    """The spans of a sample that are pairs of frame numbers."""
    spans = sample.extra.get("spans", [])
    if not isinstance(spans, list):
        return []
    return [
        span
        for span in spans
        if isinstance(span, list) and len(span) == 2 and all(isinstance(t, int) for t in span)
    ]
