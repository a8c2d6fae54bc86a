"""The simulator: from a sample id to a clip."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from slr_keras.data.simulator.appearance import SESSIONS, Appearance, appearance
from slr_keras.data.simulator.camera import Camera, place_camera
from slr_keras.data.simulator.detector import Detector, detect
from slr_keras.data.simulator.grammar import POOLS, Grammar
from slr_keras.data.simulator.lexicon import Lexicon, lexicon
from slr_keras.data.simulator.randomness import generator
from slr_keras.data.simulator.scene import Scene, make_scene
from slr_keras.data.simulator.signer import LEFT_EVERY, Signer, signer
from slr_keras.utils.errors import UserError

SPLITS = tuple(POOLS)
IMAGE_SIZE = (210.0, 260.0)
#: The part of the keypoints' image that frames show, as fractions of its height: a square as wide
#: and high as the first number whose middle is the second from the top.
FRAMED, FRAMED_MIDDLE = 0.74, 0.44


@dataclass(frozen=True)
class Clip:
    """One simulated recording: who signs what, when, and the detected keypoints (T, 133, 3)."""

    id: str
    split: str
    scene: Scene
    keypoints: np.ndarray = field(repr=False)

    @property
    def glosses(self) -> tuple[str, ...]:
        """The sentence."""
        return self.scene.glosses


class Simulator:
    """Draws recordings of signed sentences.

    Everything about a clip follows from the seed, the split and the sample id: neither the number
    of clips nor their order matters. The last number in an id chooses the signer (round robin)
    and, in the first few training ids, a sentence from a list in which every gloss occurs.

    Args:
        words: a lexicon or its name.
        seed: of grammar, people and clips.
        signers: how many signers each split has.
        image_size: width and height of the frames in pixels.
        detector: the rates of the detector's faults.

    >>> from slr_keras.data.simulator import Simulator
    >>> clip = Simulator("demo", seed=1).sample("test-00003", "test")
    >>> clip.keypoints.shape[1:], clip.scene.signer.name
    ((133, 3), 'test04')
    """

    def __init__(
        self,
        words: Lexicon | str = "demo",
        seed: int = 0,
        signers: Mapping[str, int] | None = None,
        image_size: tuple[float, float] = IMAGE_SIZE,
        detector: Detector | None = None,
    ):
        self.lexicon = lexicon(words) if isinstance(words, str) else words
        self.seed = seed
        self.signers = dict(signers or {"train": 12, "dev": 3, "test": 4})
        self.image_size = image_size
        self.detector = detector or Detector()
        for split, count in self.signers.items():
            if split not in SPLITS or count < 1:
                raise UserError(
                    f"{count} signers of split {split!r}: the splits are {', '.join(SPLITS)}, "
                    "each with at least one signer"
                )
        self.grammar = Grammar(self.lexicon.signs, seed, self.lexicon.lengths)

    @cached_property
    def covering(self) -> list[tuple[str, ...]]:
        """The first training sentences, in which every gloss occurs."""
        return self.grammar.covering_sentences(self.seed)

    def signer(self, split: str, index: int) -> Signer:
        """The signer of a split's sample number `index`."""
        number = index % self.signers[split]
        every = LEFT_EVERY[split]
        left = self.lexicon.left_dominant and number % every == every - 1
        return signer(f"{split}{number + 1:02d}", self.seed, left)

    def sentence(self, sample_id: str, split: str) -> tuple[str, ...]:
        """The glosses of a sample."""
        index = _number(sample_id)
        if split == "train" and index < len(self.covering):
            return self.covering[index]
        return self.grammar.sentence(self._generator("sentence", split, sample_id), split)

    def scene(
        self,
        sample_id: str,
        split: str,
        glosses: Sequence[str] | None = None,
        signer: Signer | None = None,
    ) -> Scene:
        """The signed sentence of a sample in 3-D space."""
        if split not in self.signers:
            raise UserError(f"split {split!r} does not exist; choose one of {', '.join(SPLITS)}")
        glosses = self.sentence(sample_id, split) if glosses is None else tuple(glosses)
        if not glosses:
            raise UserError(f"sample {sample_id!r}: a sentence needs at least one gloss")
        signs = [self.lexicon.sign(gloss) for gloss in glosses]
        signer = signer or self.signer(split, _number(sample_id))
        return make_scene(signs, signer, self._generator("motion", split, sample_id))

    def camera(self, scene: Scene, sample_id: str, split: str) -> Camera:
        """The camera that films a sample, in pixels of `image_size`."""
        return place_camera(
            session=generator(self.seed, "studio", scene.signer.name),
            clip=self._generator("camera", split, sample_id),
            size=self.image_size,
            eyes=scene.signer.body.eye_height,
        )

    def frame_camera(
        self, scene: Scene, sample_id: str, split: str, size: tuple[int, int]
    ) -> Camera:
        """The same camera, cut to the signing space and scaled to frames of (width, height)."""
        camera = self.camera(scene, sample_id, split)
        scale = min(size) / (FRAMED * camera.height)
        across, down = camera.shift
        down += (0.5 - FRAMED_MIDDLE) * camera.height
        return replace(
            camera,
            width=size[0],
            height=size[1],
            zoom=camera.zoom * scale,
            shift=(across * scale, down * scale),
        )

    def appearance(self, scene: Scene, sample_id: str, split: str) -> Appearance:
        """Appearance of the signer of a sample on one of a few days."""
        day = self._generator("recording day", split, sample_id).integers(SESSIONS)
        return appearance(scene.signer.name, self.seed, int(day))

    def frames(
        self, scene: Scene, sample_id: str, split: str, size: tuple[int, int]
    ) -> Iterator[np.ndarray]:
        """Render a scene, frame by frame: (height, width, 3) uint8 RGB."""
        from slr_keras.data.simulator.render import render
        from slr_keras.data.simulator.render_shapes import View

        camera = self.frame_camera(scene, sample_id, split, size)
        view = View(camera, self.appearance(scene, sample_id, split))
        return render(scene, view, self._generator("pictures", split, sample_id))

    def video(self, scene: Scene, sample_id: str, split: str, size: tuple[int, int]) -> np.ndarray:
        """The rendered frames (T, height, width, 3) uint8 RGB of a scene.

        >>> from slr_keras.data.simulator import Simulator
        >>> simulator = Simulator("demo")
        >>> clip = simulator.sample("train-00007")
        >>> video = simulator.video(clip.scene, clip.id, clip.split, (48, 48))
        >>> video.shape == (len(clip.keypoints), 48, 48, 3)
        True
        """
        return np.stack(list(self.frames(scene, sample_id, split, size)))

    def film(self, scene: Scene, sample_id: str, split: str) -> np.ndarray:
        """The detected keypoints (T, 133, 3) of a scene, in pixels with scores."""
        camera = self.camera(scene, sample_id, split)
        pixels, depth = camera.project(scene.points)
        rng = self._generator("detector", split, sample_id)
        return detect(pixels, depth, self.image_size, rng, self.detector)

    def sample(
        self,
        sample_id: str,
        split: str = "train",
        glosses: Sequence[str] | None = None,
        signer: Signer | None = None,
    ) -> Clip:
        """One clip; `glosses` and `signer` are drawn unless given.

        Raises:
            UserError: unknown split or gloss.
        """
        scene = self.scene(sample_id, split, glosses, signer)
        return Clip(sample_id, split, scene, self.film(scene, sample_id, split))

    def _generator(self, purpose: str, split: str, sample_id: str) -> np.random.Generator:
        return generator(self.seed, self.lexicon.name, purpose, split, sample_id)


def _number(sample_id: str) -> int:
    """The last number in an id; ids without one are all the same signer's."""
    digits = re.findall(r"\d+", sample_id)
    return int(digits[-1]) if digits else 0
