"""The writers that are killed, and what must hold afterwards.

`python tests/helpers/killed_writers.py FOLDER --kills 500 --seed 1` prints a report as JSON.
"""

import argparse
import dataclasses
import functools
import hashlib
import http.server
import importlib.util
import io
import json
import os
import random
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import kills
import numpy as np
from plain_encoder import PlainEncoder

from export.graph.publication import check_manifest, published_version, require_free, write_manifest
from slr_keras.bundle.bundle import Bundle
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.composition.folder import compose_folder
from slr_keras.data.contract import contract
from slr_keras.data.datasets.merge import merge
from slr_keras.data.datasets.prepare import prepare
from slr_keras.data.manifest import FRAMES_FILE, FolderWriter, read_folder, write_manifest as lines
from slr_keras.data.sample import Sample
from slr_keras.data.simulator.request import cues_request, fulfil, sentences_request
from slr_keras.data.video.contract import FrameContract
from slr_keras.enrolment.recording import Take, enrol
from slr_keras.enrolment.storage import read_enrolment, write_enrolment
from slr_keras.extraction import run as extraction
from slr_keras.extraction.folder import require_own
from slr_keras.extraction.settings import Settings
from slr_keras.extraction.sources import Source
from slr_keras.hub import shipped, sources
from slr_keras.utils.arrays import load_arrays, save_arrays
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256, write_text
from slr_keras.utils.published_folder import published_folder

KINECT = contract("kinect_20")
NOTE = "a note of the user\n"
Step = Callable[[Path], object]


@dataclasses.dataclass
class Writer:
    """A writer, in a folder of its own.

    Attributes:
        name: of the writer.
        write: what is killed, repeated and compared.
        before: makes what is there before; None: nothing.
        read: reads what was written, as the program does.
        at_once: whether all files change in one step; otherwise each file does.
        rival: another writer of the same place at the same time.
    """

    name: str
    write: Step
    before: Step | None = None
    read: Step | None = None
    at_once: bool = True
    rival: Step | None = None


# === Data folders ===


def clips(folder: Path, gloss: str, *splits: str, seed: int = 0, **options) -> None:
    """Clips of one gloss, whose numbers of frames depend on nothing."""
    rng = np.random.default_rng(seed)
    with FolderWriter(folder, KINECT, **options) as writer:
        for split in splits:
            for number in range(3):
                points = rng.normal(size=(6 + number, 20, 4)).astype(np.float32)
                writer.add(split, id=f"{split}-{number}", glosses=[gloss], keypoints=points)


def with_note(step: Step) -> Step:
    """The step, and a file of the user beside the data."""

    def write(place: Path) -> None:
        step(place)
        (place / "data" / "notes.txt").write_text(NOTE)

    return write


def read_data(place: Path) -> object:
    """Everything that training reads, with the keypoints of each clip."""
    # Clips that were extracted are no data folder yet.
    if not any((place / "data").glob("*.json*")):
        return None
    return [
        (split, manifest.contract.digest, sample, manifest.load(sample).tobytes())
        for split, manifest in read_folder(place / "data").items()
        for sample in manifest
    ]


def own_recordings(place: Path) -> Path:
    """A table and arrays for `prepare npz`."""
    folder = place.parent / "own"
    if not folder.exists():
        folder.mkdir()
        rng = np.random.default_rng(5)
        rows = ["id,glosses,split,signer"]
        for number, split in enumerate(("train", "train", "dev", "test")):
            np.save(folder / f"c{number}.npy", rng.normal(size=(8, 20, 4)).astype(np.float32))
            rows.append(f"c{number},RAIN,{split},s{number}")
        (folder / "glosses.csv").write_text("\n".join(rows) + "\n")
    return folder


def prepared(place: Path) -> None:
    source = own_recordings(place)
    prepare("npz", source, place / "data", force=True, layout="kinect_20")


def simulated(place: Path) -> None:
    counts = {"train": 12, "dev": 2, "test": 0}
    request = sentences_request("demo", counts, None, 3, (16, 16), "npy")
    fulfil(place / "data", request, iter, replace=True)


def cues(place: Path) -> None:
    request = cues_request("order", {"train": 6, "dev": 6, "test": 0}, 1, (16, 16))
    fulfil(place / "data", request, iter, replace=True)


def read_cues(place: Path) -> object:
    return [
        (sample, manifest.load_video(sample).tobytes())
        for manifest in read_folder(place / "data").values()
        for sample in manifest
    ]


def two_folders(place: Path) -> list[Path]:
    folders = [place.parent / "one", place.parent / "two"]
    for number, folder in enumerate(folders):
        if not folder.exists():
            clips(folder, "RAIN", "train", "dev", "test", seed=number)
    return folders


def merged(place: Path) -> None:
    merge(two_folders(place), place / "data", force=True)


def composed(place: Path) -> None:
    signs = place.parent / "signs"
    if not signs.exists():
        with FolderWriter(signs, KINECT) as writer:
            rng = np.random.default_rng(2)
            for split in ("train", "dev", "test"):
                for number, gloss in enumerate(("RAIN", "SUN") * 2):
                    points = 500 + np.cumsum(rng.normal(size=(20, 20, 4)), axis=0)
                    points[..., 3] = 2
                    points = points.astype(np.float32)
                    name = f"{split}-{number}"
                    writer.add(split, id=name, glosses=[gloss], keypoints=points, signer=split)
    compose_folder([signs], place / "data", CompositionConfig(), sentences=2, force=True)


# === Clip by clip ===


def extracted(place: Path, seed: int = 0) -> None:
    """`slr extract` with another finder of landmarks than MediaPipe."""
    films = place.parent / f"films-{seed}"
    if not films.exists():
        films.mkdir()
        for number in range(3):
            np.save(films / f"{number}.npy", np.full((4 + number, 8, 8, 3), seed, np.uint8))

    class Frames:
        image_size = (8.0, 8.0)

        def __init__(self, path, *_, **__):
            rng = np.random.default_rng([seed, int(path.stem)])
            shape = (4 + int(path.stem), 543, 4)
            self.frames = rng.random(shape).astype(np.float32)

        def __iter__(self):
            return (SimpleNamespace(points=points) for points in self.frames)

        def close(self):
            """Nothing is open."""

        stop = close

    extraction.landmark_frames = Frames
    glosses = (("RAIN",), ("SUN",), ("RAIN",))
    given = [
        Source(
            id=f"c{number}",
            path=films / f"{number}.npy",
            file=f"c{number}",
            glosses=glosses[number],
            split=split,
        )
        for number, split in enumerate(("train", "train", "dev"))
    ]
    require_own(place / "data")
    extraction.extract(given, extraction.Job(place / "data", Settings(25.0)))


def filmed(place: Path) -> None:
    data = place / "data"
    if not (data / FRAMES_FILE).exists():
        data.mkdir()
        rng = np.random.default_rng(0)
        FrameContract((32, 24)).write(data / FRAMES_FILE)
        samples = []
        for number in range(3):
            film = rng.integers(0, 255, (4, 24, 32, 3), dtype=np.uint8)
            np.save(data / f"{number}.npy", film)
            samples.append(Sample(f"c{number}", ("RAIN",), 4, video=f"{number}.npy"))
        lines(data / "train.jsonl", samples)


def flow(place: Path) -> None:
    from slr_keras.data.video.flow_folder import make_flow

    filmed(place)
    assert not make_flow(place / "data", "dis").failures


# === Files and other folders ===


def checkpoint(place: Path, value: float = 1.0) -> None:
    weights = [_Variable(np.full((300, 40), value)), _Variable(np.full(7, value))]
    save_arrays(place / "checkpoints" / "last.npz", {"model": weights}, {"epoch": value})


def read_checkpoint(place: Path) -> object:
    weights = [_Variable(np.zeros((300, 40))), _Variable(np.zeros(7))]
    record = load_arrays(place / "checkpoints" / "last.npz", {"model": weights})
    return record, [weight.value.tobytes() for weight in weights]


def enrolment(place: Path, scale: float = 1.0) -> None:
    encoder = PlainEncoder(contract("stark_79", normalisation="body"))
    clips = np.random.default_rng(0).normal(size=(6, 20, 79, 3)) * scale
    takes = [Take(name, clip, f"{name}.npy") for name, clip in zip("aabbcc", clips, strict=True)]
    write_enrolment(place / "my_signs.slr", enrol(takes, encoder, "plain"))


def read_enrolled(place: Path) -> object:
    read = read_enrolment(place / "my_signs.slr")
    return read.signs, read.vectors.tobytes(), read.impostors.threshold(0.05)


class _Variable:
    def __init__(self, value: np.ndarray):
        self.value, self.shape, self.name = value, value.shape, "v"

    def numpy(self) -> np.ndarray:
        return self.value

    def assign(self, value: np.ndarray) -> None:
        self.value = value


def bundle(place: Path, name: str = "asl-letters") -> None:
    with published_folder(place / "bundle") as fresh:
        shutil.copytree(shipped.folders()[name] / "tflite", fresh)


def read_bundle(place: Path) -> object:
    made = Bundle.load(place / "bundle")
    files = [made.file(kind, size) for kind in made.precisions for size in made.buckets]
    return made.vocabulary.tokens, [sha256(file) for file in files]


def version(place: Path) -> None:
    if not (place / "served" / "1").exists():
        require_free(place / "served", 1)
        with published_version(place / "served", 1) as folder:
            (folder / "assets").mkdir()
            (folder / "saved_model.pb").write_bytes(b"graph" * 1000)
            write_text(folder / "assets" / "labels.txt", "A\nB\n")
            write_manifest(folder)
    else:
        try:
            require_free(place / "served", 1)
        except UserError:
            return


def read_version(place: Path) -> object:
    folder = place / "served" / "1"
    return folder.exists() and check_manifest(folder)


@functools.cache
def address() -> str:
    """Address of a ZIP file of a preset, at a server in this process."""
    content = io.BytesIO()
    folder = shipped.folders()["asl-letters"]
    with zipfile.ZipFile(content, "w") as file:
        for name in ("preset.json", "NOTICE", "CARD.md", "keypoints.json"):
            file.write(folder / name, name)
    body = content.getvalue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing is logged."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digest = hashlib.sha256(body).hexdigest()
    return f"http://127.0.0.1:{server.server_port}/a.zip#sha256={digest}"


def cached(place: Path) -> None:
    os.environ["SLR_KERAS_CACHE"] = str(place / "cache")
    sources._from_url(address())


def writers() -> list[Writer]:
    """All writers without TensorFlow."""

    def sun(place: Path) -> None:
        clips(place / "data", "SUN", "train", "dev", "test", seed=1)

    def rain(place: Path) -> None:
        clips(place / "data", "RAIN", "train", "dev", "test", seed=2)

    def snow(place: Path) -> None:
        clips(place / "data", "SNOW", "train", "dev", "test", seed=3)

    def dev(place: Path) -> None:
        clips(place / "data", "RAIN", "dev", seed=4)

    def train(place: Path) -> None:
        clips(place / "data", "RAIN", "train", seed=4)

    old = with_note(sun)
    one_checkpoint = functools.partial(checkpoint, value=0.0)
    other_films = functools.partial(extracted, seed=1)
    other_bundle = functools.partial(bundle, name="ksl-words")
    extractions = [
        Writer("a first extraction", extracted, None, read_data, at_once=False),
        Writer("extract", extracted, other_films, read_data, at_once=False),
    ]
    return [
        Writer("a new data folder", rain, None, read_data),
        Writer("a replaced data folder", rain, old, read_data),
        Writer("a split added", dev, with_note(train), read_data),
        Writer("two writers at once", rain, old, read_data, rival=snow),
        Writer("prepare npz", prepared, old, read_data),
        Writer("prepare merge", merged, old, read_data),
        Writer("prepare compose", composed, old, read_data),
        Writer("simulate", simulated, old, read_data),
        Writer("simulate cues", cues, cues_of_before, read_cues),
        # Data that were extracted name the release of MediaPipe that extracted them.
        *(extractions if importlib.util.find_spec("mediapipe") else ()),
        Writer("flow", flow, filmed, read_cues, at_once=False),
        Writer("checkpoint", checkpoint, one_checkpoint, read_checkpoint),
        Writer("enrolment", enrolment, lambda place: enrolment(place, 2.0), read_enrolled),
        Writer("bundle", bundle, other_bundle, read_bundle),
        Writer("two bundles at once", bundle, other_bundle, read_bundle, rival=other_bundle),
        Writer("served version", version, None, read_version),
        Writer("downloaded preset", cached),
    ]


def cues_of_before(place: Path) -> None:
    request = cues_request("motion", {"train": 6, "dev": 3, "test": 3}, 2, (16, 16))
    fulfil(place / "data", request, iter)


# === Kills ===


class Trial:
    """One writer and its unbroken results."""

    def __init__(self, writer: Writer, sandbox: Path):
        self.writer, self.kills = writer, 0
        self.base = sandbox / writer.name.replace(" ", "_")
        self.place, self.log = self.base / "now", self.base / "log.txt"
        self.place.mkdir(parents=True)
        if writer.before is not None:
            kills.finish(kills.start(lambda: writer.before(self.place), self.log))
        self.kept = self.base / "kept"
        shutil.copytree(self.place, self.kept)
        self.states, self.values = [self.state()], [self.value()]
        if writer.rival is not None:
            kills.finish(kills.start(lambda: writer.rival(self.place), self.log))
            self.states.append(self.state())
            self.values.append(self.value())
            self.reset()
        work = functools.partial(writer.write, self.place)
        self.extent = kills.steps_of(work, self.place, self.log)
        self.states.append(self.state())
        self.values.append(self.value())

    def state(self) -> kills.Snapshot:
        return kills.snapshot(self.place)

    def value(self) -> object:
        return self.writer.read(self.place) if self.writer.read else None

    def reset(self) -> None:
        shutil.rmtree(self.place)
        shutil.copytree(self.kept, self.place)

    def kill(self, rng: random.Random) -> Iterator[str]:
        """Kill the writer once, or twice in a row; yields everything that is wrong."""
        self.reset()
        work = functools.partial(self.writer.write, self.place)
        rival = self.writer.rival and functools.partial(self.writer.rival, self.place)
        for _ in range(rng.choice((1, 1, 2))):
            other = kills.start(rival, self.log) if rival else None
            where = kills.kill_once(work, self.place, self.log, self.extent, rng)
            self.kills += bool(where)
            if other:
                kills.finish(other, rng.choice((None, rng.uniform(0, self.extent[1]))))
            yield from (f"{self.writer.name}, killed {where}: {wrong}" for wrong in self.wrong())
        kills.finish(kills.start(work, self.log))
        left, complete = kills.snapshot(self.place, working=True), self.states[-1]
        if left != complete:
            names = sorted(set(left.items()) ^ set(complete.items()))
            yield f"{self.writer.name}, killed {where}: the next start differs in {names[:3]}"

    def wrong(self) -> Iterator[str]:
        state = self.state()
        if self.writer.at_once:
            # An empty parent folder is no state of its own.
            bare = {name: digest for name, digest in state.items() if not name.endswith("/")}
            known = [
                {name: digest for name, digest in one.items() if not name.endswith("/")}
                for one in self.states
            ]
            if bare not in known:
                yield f"the files are neither the old nor the new ones: {sorted(bare)[:6]}"
        else:
            for name, digest in state.items():
                if digest and digest not in {one.get(name) for one in self.states}:
                    yield f"{name} is neither the old nor the new file"
        try:
            if self.value() not in self.values:
                yield "a reader sees a mixture"
        except Exception as error:
            yield f"a reader fails with {type(error).__name__}: {error}"


def kill_writers(sandbox: Path, count: int, seed: int, names: list[str] = ()) -> dict:
    """Kill writers in turn, each from its old state, `count` times and each of them once.

    Returns:
        Number of kills, also by writer; number of steps of each writer; everything that is wrong.
    """
    rng = random.Random(seed)
    chosen = [writer for writer in writers() if not names or writer.name in names]
    trials = [Trial(writer, sandbox) for writer in chosen]
    wrong: list[str] = []
    while True:
        killed = {trial.writer.name: trial.kills for trial in trials}
        report = {
            "kills": sum(killed.values()),
            "by_writer": killed,
            "steps": {trial.writer.name: trial.extent[0] for trial in trials},
            "wrong": wrong,
        }
        # For those who do not wait for the end.
        (sandbox / "report.json").write_text(json.dumps(report))
        if report["kills"] >= count and all(killed.values()):
            return report
        wrong += min(trials, key=lambda trial: trial.kills).kill(rng)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--writer", action="append", default=[])
    options = parser.parse_args()
    print(json.dumps(kill_writers(options.folder, options.kills, options.seed, options.writer)))
