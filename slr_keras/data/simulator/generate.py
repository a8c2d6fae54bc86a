"""Write a simulated data folder."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FRAMES_FILE, FolderWriter
from slr_keras.data.simulator.film import open_film
from slr_keras.data.simulator.lexicon import Lexicon
from slr_keras.data.simulator.motion import FPS
from slr_keras.data.simulator.simulator import SPLITS, Simulator
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json

#: Changes whenever the same request would give other data.
SIMULATOR_VERSION = 1
#: Changes whenever the same scene would give other pictures.
RENDERER_VERSION = 1
SENTENCES = {"train": 800, "dev": 100, "test": 200}
SIGNERS = {"train": 12, "dev": 3, "test": 4}


def simulate_folder(
    folder: str | Path,
    words: Lexicon | str = "demo",
    sentences: Mapping[str, int] | None = None,
    signers: Mapping[str, int] | None = None,
    seed: int = 0,
    progress: Callable[[Iterable[str]], Iterable[str]] = lambda ids: ids,
    frames: tuple[int, int] | None = None,
    video: str = "npy",
    fps: float | None = None,
) -> Path:
    """Write a data folder (manifests, keypoints, contract, vocabulary) with simulated sentences.

    Dev and test have signers and sentences that do not occur in train; every gloss occurs in
    train. With `frames`, the same scenes are rendered as RGB pictures too, and `frames.json` says
    what they are.

    Args:
        folder: where to write; it appears complete or not at all.
        words: a lexicon or its name.
        sentences: clips per split.
        signers: people per split.
        seed: everything follows from it and the sample ids.
        progress: wraps the sequence of sample ids, `tqdm` for example.
        frames: width and height of rendered frames in pixels; None renders none.
        video: "npy", `<split>.frames.npy` (frames, height, width, 3) uint8 with the same starts as
            the keypoints, or "mp4", `videos/<split>/<id>.mp4`.
        fps: frames per second of the keypoint contract, which models read; None for those of the
            clips.

    Raises:
        UserError: too few training sentences to show every gloss, negative counts, a size or kind
            of video that cannot be.

    >>> import tempfile
    >>> from slr_keras.data.simulator import simulate_folder
    >>> from slr_keras.data.manifest import read_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate_folder(folder, "demo", {"train": 12, "dev": 2, "test": 2})
    ...     {split: len(manifest) for split, manifest in read_folder(path).items()}
    {'train': 12, 'dev': 2, 'test': 2}
    """
    sentences = {**SENTENCES, **(sentences or {})}
    unknown = set(sentences) - set(SPLITS)
    if unknown or min(sentences.values()) < 0:
        raise UserError(
            f"cannot simulate {sentences}: the splits are {', '.join(SPLITS)}, each with no "
            "fewer than 0 sentences"
        )
    keypoints = contract("coco_wholebody_133", **({"fps": fps} if fps else {}))
    simulator = Simulator(
        words, seed, {**SIGNERS, **(signers or {})}, image_size=keypoints.image_size
    )
    needed = len(simulator.covering)
    if sentences["train"] < needed:
        raise UserError(
            f"{sentences['train']} training sentences cannot show all "
            f"{len(simulator.lexicon)} glosses; ask for at least {needed}"
        )
    ids = [f"{split}-{i:05d}" for split in SPLITS for i in range(sentences[split])]
    with FolderWriter(folder, keypoints) as writer, contextlib.ExitStack() as stack:
        if frames:
            film = stack.enter_context(open_film(video, writer.path, frames, FPS))
            contract_of_frames = {"size": list(frames), "fps": FPS, "format": "rgb24"}
            write_json(writer.path(FRAMES_FILE), contract_of_frames)
        for sample_id in progress(ids):
            split = sample_id.split("-")[0]
            clip = simulator.sample(sample_id, split)
            extra = {}
            if frames:
                pictures = simulator.frames(clip.scene, sample_id, split, frames)
                extra["video"] = film.add(split, sample_id, pictures)
            writer.add(
                split,
                id=sample_id,
                glosses=clip.glosses,
                signer=clip.scene.signer.name,
                fps=clip.scene.fps,
                keypoints=clip.keypoints,
                spans=[list(span) for span in clip.scene.spans],
                **extra,
            )
    return Path(folder)
