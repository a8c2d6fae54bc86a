"""Small clips whose classes differ in a single cue: the side, the height or the order of motions.

They test what a part of a model can distinguish (docs/papers/stepnet.md §13.4). A blob nods, shakes
or circles, and each class is an arrangement of these motions:

| cue | a clip | indistinguishable |
| --- | --- | --- |
| `left_right` | a blob at the left and one at the right, two motions at the same time | mirror images, by what averages left and right |
| `top_bottom` | the same, one above the other | by what averages top and bottom |
| `order` | one blob, three motions one after another | all classes, by what averages over time |
| `motion` | one blob anywhere, one motion: three classes | |

`motion` has none of the three cues: a backbone can learn what moves from it, and nothing of where or
when. Everything else is drawn at random in each clip: colours, sizes, places, speed, phase, the
background, the camera's noise, the length. Mirroring a clip of `left_right` gives another class:
recipes for it set `video_augmentation.flip: 0`.
"""  # noqa: E501

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from slr_keras.data.batch import stable_hash
from slr_keras.data.fingerprints import fingerprints_of
from slr_keras.data.lines import FRAMES_FILE, SPLITS, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path
from slr_keras.utils.published_folder import published_folder

#: Changes whenever the same request would give other clips.
CUES_VERSION = 1
CUES = ("left_right", "top_bottom", "order", "motion")
CLIPS = {"train": 240, "dev": 60, "test": 120}
MOTIONS = ("NOD", "SHAKE", "CIRCLE")
SMALLEST = 16
FPS = 25.0
_LENGTHS = (18, 25)


def cue_glosses(cue: str) -> tuple[str, ...]:
    """The classes of a cue: which motion is where, from left or top, or when.

    >>> from slr_keras.data.simulator.cues import cue_glosses
    >>> cue_glosses("left_right")[:3], len(cue_glosses("order"))
    (('NOD-SHAKE', 'NOD-CIRCLE', 'SHAKE-NOD'), 6)
    """
    count = {"order": len(MOTIONS), "motion": 1}.get(cue, 2)
    return tuple("-".join(motions) for motions in itertools.permutations(MOTIONS, count))


def simulate_cues(
    folder: str | Path,
    cue: str,
    clips: Mapping[str, int] | None = None,
    seed: int = 0,
    size: tuple[int, int] = (64, 64),
    progress: Callable[[Iterable[Sample]], Iterable[Sample]] = iter,
) -> Path:
    """Write a data folder of clips of one cue, with equal numbers per class.

    Args:
        folder: where to write `<split>.jsonl`, `<split>.frames.npy`, `frames.json` and
            `vocabulary.txt`, whose order is that of the classes.
        cue: "left_right", "top_bottom", "order" or "motion".
        clips: per split.
        seed: everything follows from it and the clips' ids.
        size: (width, height) of the pictures, at least 16 each.
        progress: wraps the clips of a split, `tqdm` for example.

    Raises:
        UserError: no such cue, negative counts, or pictures that are too small.

    >>> import tempfile
    >>> from slr_keras.data.manifest import read_folder
    >>> from slr_keras.data.simulator.cues import simulate_cues
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = simulate_cues(folder, "order", {"train": 6, "dev": 0, "test": 0})
    ...     sample = read_folder(folder)["train"][1]
    >>> sample.glosses
    ('NOD-CIRCLE-SHAKE',)
    """
    clips = {**CLIPS, **(clips or {})}
    if cue not in CUES:
        raise UserError(f"there is no cue {cue!r}; choose one of {', '.join(CUES)}")
    if set(clips) - set(SPLITS) or min(clips.values()) < 0:
        raise UserError(f"cannot simulate {clips}: no split has fewer than 0 clips")
    if min(size) < SMALLEST:
        raise UserError(f"pictures of {size[0]}x{size[1]}: each side must be {SMALLEST} or more")
    folder, glosses = Path(folder), cue_glosses(cue)
    with published_folder(folder, lambda name: True) as fresh:
        fresh.mkdir()
        for split in (split for split in SPLITS if clips[split]):
            samples = _samples(cue, split, clips[split], glosses, seed)
            pictures = [cue_clip(cue, sample, seed, size) for sample in progress(samples)]
            name = f"{split}.frames.npy"
            with atomic_path(fresh / name) as temporary:
                np.save(temporary, np.concatenate(pictures))
            write_manifest(fresh / f"{split}.jsonl", samples, fingerprints_of(fresh, [name]))
        FrameContract(size, FPS).write(fresh / FRAMES_FILE)
        Vocabulary(glosses).write(fresh / "vocabulary.txt")
    return folder


def _samples(cue: str, split: str, count: int, glosses: tuple[str, ...], seed: int) -> list[Sample]:
    samples: list[Sample] = []
    start = 0
    for number in range(count):
        name = f"{split}-{number:05d}"
        frames = int(_rng(seed, cue, name).integers(*_LENGTHS))
        place = {"video": f"{split}.frames.npy", "start": start}
        gloss = glosses[number % len(glosses)]
        samples.append(Sample(name, (gloss,), frames, fps=FPS, split=split, **place))
        start += frames
    return samples


def _rng(seed: int, cue: str, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, stable_hash(f"{cue}/{name}")])


def cue_clip(cue: str, sample: Sample, seed: int, size: tuple[int, int]) -> np.ndarray:
    """The pictures of a clip.

    Args:
        cue: what distinguishes its class.
        sample: its id, gloss and length.
        seed: of the data set.
        size: (width, height).

    Returns:
        `(frames, height, width, 3)` uint8.
    """
    rng = _rng(seed, cue, sample.id)
    rng.integers(*_LENGTHS)
    motions = sample.glosses[0].split("-")
    if cue == "order":
        bounds = np.linspace(0, sample.frames, len(motions) + 1).astype(int)
        parts = [
            _path(rng, motion, count, rng.uniform(0.8, 1.2))
            for motion, count in zip(motions, np.diff(bounds))
        ]
        places, paths = [(0.5, 0.5)], [np.concatenate(parts)]
    elif cue == "motion":
        places, paths = [rng.uniform(0.2, 0.8, 2)], [_path(rng, *motions, sample.frames, 3.0)]
    else:
        near, far = (0.25, 0.5), (0.75, 0.5)
        places = [near, far] if cue == "left_right" else [near[::-1], far[::-1]]
        paths = [_path(rng, motion, sample.frames, rng.uniform(2, 4)) for motion in motions]
    centres = [
        path + rng.uniform(-0.03, 0.03, 2) + np.array(place) for place, path in zip(places, paths)
    ]
    return np.stack(list(_painted(rng, centres, size)))


def _path(rng: np.random.Generator, motion: str, frames: int, rounds: float) -> np.ndarray:
    """Offsets (frames, x and y) of a blob from its place, in parts of the picture."""
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi * rounds, frames)
    angle *= rng.choice([-1, 1])
    x = np.zeros(frames) if motion == "NOD" else np.cos(angle)
    y = np.zeros(frames) if motion == "SHAKE" else np.sin(angle)
    return rng.uniform(0.1, 0.14) * np.stack([x, y], axis=1)


def _painted(
    rng: np.random.Generator, centres: list[np.ndarray], size: tuple[int, int]
) -> Iterator[np.ndarray]:
    """Pictures of blobs at centres `(frames, 2)` before a background that stays as it is."""
    width, height = size
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    slope = rng.uniform(-30, 30, (2, 3))
    background = rng.uniform(20, 90, 3) + x[..., None] * slope[0] + y[..., None] * slope[1]
    # The same for all blobs: which of them it is shows in its place alone.
    colour, radius = rng.uniform(130, 235, 3), rng.uniform(0.055, 0.08)
    for places in zip(*centres):
        picture = background
        for place in places:
            distance = np.hypot(x - place[0], y - place[1])
            # An edge of about a pixel, so that small motions show.
            cover = np.clip((radius - distance) * min(size) + 0.5, 0, 1)[..., None]
            picture = picture * (1 - cover) + colour * cover
        noisy = picture + rng.normal(0, 3, picture.shape)
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
