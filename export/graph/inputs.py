"""Inputs of a SavedModel by modality: format of the requests, and preparation in the graph."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from export.common.clips import golden_clips
from export.graph.names import FILES, FRAMES, KEYPOINTS
from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import Manifest
from slr_keras.data.times import clip_indices
from slr_keras.data.video.contract import FrameContract

if TYPE_CHECKING:
    import tensorflow as tf

# Golden clips reach every branch of the graph and are short enough for large models on a CPU.
LONGEST_KEYPOINTS, LONGEST_VIDEO = 64, 18


class GraphInput(ABC):
    """The content that clients send, and its preparation within the graph.

    Args:
        contract: format of raw clips.

    Attributes:
        name: of the content among the inputs of a signature.
        repeats_last: repeat the last frame up to a multiple of 4; otherwise the frames after the
            last multiple are dropped.
    """

    name: str
    repeats_last: bool

    @abstractmethod
    def specification(self) -> "tf.TensorSpec":
        """Specification of the content `(batch, time, ...)`."""

    def encoded_specification(self) -> "tf.TensorSpec | None":
        """Specification of encoded files `(batch, time)`; None without such a form."""
        return None

    @abstractmethod
    def prepared(
        self, content: "tf.Tensor", lengths: "tf.Tensor", places: "tf.Tensor"
    ) -> dict[str, "tf.Tensor"]:
        """Inputs of the model for raw content, within the graph.

        Args:
            content: of one of the specifications.
            lengths: `(batch,)` int32, frames of each clip.
            places: `(batch, frames)` int32, indices of the frames that the model reads.
        """

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """Description of the content by name, for `serving.json`."""

    @abstractmethod
    def golden_clips(self, longest: int) -> dict[str, np.ndarray]:
        """Simulated raw clips of up to `longest` frames by name: sentences and edge cases."""

    @abstractmethod
    def example_frame(self) -> np.ndarray:
        """A frame of the warm-up requests."""

    @abstractmethod
    def raw_clip(self, manifest: Manifest, row: int) -> np.ndarray:
        """A clip of a manifest as a request sends it, at the contract's frame rate."""

    @abstractmethod
    def require_same(self, manifest: Manifest, run: str) -> None:
        """Refuse a manifest with another contract.

        Raises:
            UserError: the contracts differ; names both sides.
        """


class KeypointGraphInput(GraphInput):
    """Raw keypoints `(batch, time, source points, source channels)` float32."""

    name, repeats_last = KEYPOINTS, False

    def __init__(self, contract: KeypointContract):
        self.contract = contract

    def specification(self):
        """See `GraphInput`."""
        import tensorflow as tf

        source = self.contract.source
        shape = (None, None, len(source.points), len(source.channels))
        return tf.TensorSpec(shape, tf.float32, self.name)

    def prepared(self, content, lengths, places):
        """See `GraphInput`."""
        from export.graph.keypoints import prepared

        return {"keypoints": prepared(content, lengths, places, self.contract)}

    def description(self):
        """See `GraphInput`."""
        source = self.contract.source
        channels = ", ".join(source.channels)
        return {
            self.name: {
                "what": f"raw points of layout {source.name} ({channels}); NaN or zeros for a "
                "missing point",
                "layout": source.name,
                "shape": [len(source.points), len(source.channels)],
            }
        }

    def golden_clips(self, longest):
        """See `GraphInput`."""
        return golden_clips(self.contract, (min(longest, LONGEST_KEYPOINTS),))

    def example_frame(self):
        """See `GraphInput`."""
        return golden_clips(self.contract, (4,))["three_frames"][0]

    def raw_clip(self, manifest, row):
        """See `GraphInput`."""
        return np.asarray(manifest.load(row), np.float32)[_frames(manifest, row, self.contract)]

    def require_same(self, manifest, run):
        """See `GraphInput`."""
        self.contract.require_same(manifest.contract, run, str(manifest.folder))


class PictureGraphInput(GraphInput):
    """Pictures `(batch, time, height, width, 3)` uint8, RGB, or encoded files `(batch, time)`."""

    name, repeats_last = FRAMES, True

    def __init__(self, contract: FrameContract):
        self.contract = contract

    def specification(self):
        """See `GraphInput`."""
        import tensorflow as tf

        return tf.TensorSpec((None, None, None, None, 3), tf.uint8, self.name)

    def encoded_specification(self):
        """See `GraphInput`."""
        import tensorflow as tf

        return tf.TensorSpec((None, None), tf.string, FILES)

    def prepared(self, content, lengths, places):
        """See `GraphInput`."""
        from export.graph.pictures import seen

        return {"video": seen(content, places, self.contract)}

    def description(self):
        """See `GraphInput`."""
        from export.graph.pictures import LARGEST

        return {
            self.name: {"what": "RGB pictures of one size, upright", "shape": [-1, -1, 3]},
            FILES: {"what": "JPEG or PNG files, upright", "shape": [], "largest_side": LARGEST},
        }

    def golden_clips(self, longest):
        """See `GraphInput`; one clip has another picture size than the training data."""
        from slr_keras.data.simulator.film import LARGEST, SMALLEST

        longest = min(longest, LONGEST_VIDEO)
        width, height = self.contract.size or self.contract.resize
        larger = [min(max(side * 5 // 4 + 1, SMALLEST), LARGEST) for side in (width, height)]
        own = [min(max(side, SMALLEST), LARGEST) for side in (width, height)]
        clips = {
            "one_frame": _signing(own, 1, 0),
            "five_frames": _signing(own, 5, 1),
            "sentence": _signing(own, longest, 2),
            "another_size": _signing(larger, min(longest, 9), 3),
        }
        return {name: clip for name, clip in clips.items() if len(clip) <= longest}

    def example_frame(self):
        """See `GraphInput`."""
        width, height = self.contract.size or self.contract.resize
        return np.full((height, width, 3), 127, np.uint8)

    def raw_clip(self, manifest, row):
        """See `GraphInput`."""
        return manifest.load_video(row)[_frames(manifest, row, self.contract)]

    def require_same(self, manifest, run):
        """See `GraphInput`."""
        self.contract.require_compatible(manifest.frame_contract, run, str(manifest.folder))


def graph_input(contract: KeypointContract | FrameContract) -> GraphInput:
    """The input for a contract.

    >>> from export.graph.inputs import graph_input
    >>> from slr_keras.data.video.contract import FrameContract
    >>> graph_input(FrameContract((64, 48))).name
    'frames'
    """
    kind = KeypointGraphInput if contract.modality == "keypoints" else PictureGraphInput
    return kind(contract)


def _frames(
    manifest: Manifest, row: int, contract: KeypointContract | FrameContract
) -> Sequence[int]:
    """Which frames of a clip stand for it at the contract's rate."""
    return clip_indices(manifest[row], manifest.rate(row), contract.fps)


def _signing(size: Sequence[int], frames: int, number: int) -> np.ndarray:
    from slr_keras.data.simulator import Simulator

    simulator = Simulator("demo", seed=1)
    name = f"test-{number:05d}"
    scene = simulator.sample(name, "test").scene
    # The hands have begun to move after 8 frames.
    pictures = islice(simulator.frames(scene, name, "test", tuple(size)), 8, 8 + frames)
    return np.stack(list(pictures))
