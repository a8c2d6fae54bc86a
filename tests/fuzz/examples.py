"""Small valid files of every format that the project reads, from which mutations start."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
# Format: container, codec, pixel format.
VIDEOS = {
    "mp4": ("mp4", "libx264", "yuv420p"),
    "mov": ("mov", "mpeg4", "yuv420p"),
    "mkv": ("matroska", "libx264", "yuv420p"),
    "webm": ("webm", "libvpx-vp9", "yuv420p"),
    "avi": ("avi", "mjpeg", "yuvj420p"),
    "gif": ("gif", "gif", "rgb8"),
}
STM = (
    ";; a remark\nclip-1 1 sam 0.0 2.5 <o,f0> RAIN SUN\nclip-2 1 kim 0.0 1.5 { WIND / SNOW } RAIN\n"
)
CTM = ";; a remark\nclip-1 1 0.0 0.5 RAIN\nclip-1 1 0.5 0.5 SUN 0.9\nclip-2 1 0.0 0.5 SNOW\n"
TRN = "RAIN (SUN) { WIND / @ } (sam-001)\nSNOW* WIND (kim-002)\n"
CSV = 'id,signer,hypothesis,reference\nclip-1,sam,RAIN SUN,RAIN\n"clip-2",kim,"SNOW\n",WIND\n'
CORPUS = (
    "name|video|start|end|speaker|orth|translation\n"
    "clip-1|clip-1/1/*.png|-1|-1|Signer01|RAIN SUN|regen und sonne\n"
    "clip-2|clip-2/1/*.png|-1|-1|Signer02|WIND loc-NORTH __OFF__|wind\n"
)
ARPA = (
    "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-1.0\t<s>\t-0.3\n-0.7\tRAIN\t-0.2\n-0.9\tSUN\n"
    "-1.2\t</s>\n\n\\2-grams:\n-0.4\t<s> RAIN\n-0.5\tRAIN SUN\n\n\\end\\\n"
)
TABLE = (
    'id,glosses,split,signer,fps,spans\na,RAIN SUN,train,sam,25,0:4 4:8\nb,"SUN",dev,kim,10.0,0:8\n'
)


def write_examples(folder: Path, format: str) -> None:
    """Write examples of a format as files in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if format in VIDEOS:
        _video(folder / f"a.{format}", *VIDEOS[format])
    else:
        _WRITERS[format](folder)


def _video(path: Path, container: str, codec: str, pixels: str) -> None:
    import av

    generator = np.random.default_rng(0)
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixels
        for number in range(8):
            picture = np.full((32, 48, 3), 20 * number, np.uint8)
            picture[8:20, 4 * number : 4 * number + 12] = generator.integers(0, 255, 3)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def _pictures(suffix):
    def write(folder: Path) -> None:
        from PIL import Image

        shades = np.linspace(0, 255, 24 * 16 * 3).reshape(16, 24, 3).astype(np.uint8)
        exif = Image.Exif()
        exif[0x112] = 6
        Image.fromarray(shades).save(folder / f"colour{suffix}", exif=exif)
        Image.fromarray(shades[..., 0]).save(folder / f"grey{suffix}")
        if suffix == ".png":
            Image.fromarray(shades).convert("P").save(folder / "palette.png")

    return write


def _points(frames=8, points=133):
    random = np.random.default_rng(1)
    values = random.uniform(0, 256, (frames, points, 3)).astype(np.float32)
    values[..., 2] = 0.9
    return values


def _dictionary_index(folder: Path) -> None:
    from slr_keras.dictionary.index import MOMENTS, Index, IndexedFile, Making, write_index

    files = [IndexedFile(f"{name}.npy", 100, 200, "ab") for name in "ab"]
    rows = [(np.eye(4)[row], np.ones((MOMENTS, 3, 3))) for row in range(2)]
    write_index(folder / "a.index", Index.of(Making("cd", "ef"), files, rows, 4, 3))


def _npy(folder: Path) -> None:
    np.save(folder / "points.npy", _points(3))
    np.save(folder / "doubles.npy", np.asfortranarray(_points(2).astype(np.float64)))


def _video_npy(folder: Path) -> None:
    np.save(folder / "pictures.npy", np.zeros((3, 8, 6, 3), np.uint8))


def _npz(folder: Path) -> None:
    np.savez_compressed(
        folder / "points.npz", keypoints=_points(3), fps=25.0, image_size=[256, 256]
    )
    np.savez(folder / "named.npz", keypoints=_points(2), layout="coco_wholebody_133")


def _log_probabilities(folder: Path) -> None:
    np.savez(folder / "a.npz", ids=np.array(["a", "b"]), log_probabilities=np.zeros((2, 3), "f4"))


def _pose(folder: Path) -> None:
    from pose_file import write_pose

    hand = [f"point_{number}" for number in range(21)]
    hand[0] = "WRIST"
    people = {"POSE_LANDMARKS": ["NOSE", "LEFT_SHOULDER", "RIGHT_SHOULDER"]}
    people |= {"LEFT_HAND_LANDMARKS": hand, "RIGHT_HAND_LANDMARKS": hand}
    write_pose(folder / "a.pose", people, frames=2)


def _texts(**files):
    def write(folder: Path) -> None:
        for name, text in files.items():
            (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")

    return write


def _recipes(folder: Path) -> None:
    for name in ("stark_demo", "own_signs", "c2st_phoenix14"):
        shutil.copy(ROOT / "configs" / f"{name}.yaml", folder)


def _pickles(folder: Path) -> None:
    for path in sorted((ROOT / "tests/data/pickles/fixtures").iterdir()):
        if path.suffix in (".pkl", ".pt") and path.stat().st_size < 200_000:
            shutil.copy(path, folder)


def _safetensors(folder: Path) -> None:
    from slr_keras.weights.safetensors import write_safetensors

    tensors = {"scale": np.ones(3, "f4"), "kernel": np.zeros((2, 3), "f4")}
    (folder / "a.safetensors").write_bytes(write_safetensors(tensors))


def _enrolment(folder: Path) -> None:
    from plain_encoder import PlainEncoder

    from slr_keras.enrolment.recording import Take, enrol
    from slr_keras.enrolment.storage import write_enrolment

    encoder = PlainEncoder()
    clips = np.random.default_rng(0).normal(size=(4, 12, len(encoder.contract.points), 3))
    takes = [Take(name, clip, f"{name}.npy") for name, clip in zip("aabc", clips, strict=True)]
    write_enrolment(folder / "a.slr", enrol(takes, encoder, "plain"))


def _language_model(folder: Path) -> None:
    from slr_keras.decoding import NgramLanguageModel

    sentences = [(2, 3), (3, 2, 2), (2,)]
    model = NgramLanguageModel.train(sentences, vocabulary_size=4, order=3)
    model.save(folder / "a.json")


def _stream(folder: Path) -> None:
    rows = _points(6).round(1).tolist()
    head = {"layout": "coco_wholebody_133", "fps": 25, "image_size": [256, 256]}
    lines = [json.dumps(head), *map(json.dumps, rows)]
    (folder / "plain.jsonl").write_text("\n".join(lines) + "\n")
    timed = [json.dumps({"time": n / 25, "points": [None, *row[1:]]}) for n, row in enumerate(rows)]
    (folder / "timed.jsonl").write_text("\n".join(timed) + "\n")


def _contract(folder: Path) -> None:
    shutil.copy(ROOT / "slr_keras/hub/models/asl-words/keypoints.json", folder)


def _layout(folder: Path) -> None:
    shutil.copy(ROOT / "slr_keras/data/layouts/boston_3.json", folder)
    shutil.copy(ROOT / "slr_keras/data/layouts/mediapipe_75.json", folder)


def _of_bundle(name):
    def write(folder: Path) -> None:
        shutil.copy(ROOT / "slr_keras/hub/models/asl-words/tflite" / name, folder)

    return write


def _preset(folder: Path) -> None:
    shutil.copy(ROOT / "slr_keras/hub/models/asl-words/preset.json", folder)


def _manifest(folder: Path) -> None:
    import tiny_run

    data = tiny_run.write_data(folder / "data", train=3, dev=1, test=1)
    shutil.copy(data / "train.jsonl", folder / "train.jsonl")
    shutil.rmtree(data)


def _data_contract(folder: Path) -> None:
    import tiny_run

    tiny_run.tiny_contract().write(folder / "keypoints.json")


def _grpc(folder: Path) -> None:
    import hostile_requests

    _requests(folder, hostile_requests.grpc_messages(7), 80)


def _rest(folder: Path) -> None:
    import hostile_requests

    _requests(folder, hostile_requests.rest_requests(7), 80)


def _requests(folder: Path, requests, count: int) -> None:
    for number in range(count):
        request = next(requests)
        if len(request) < 300_000:
            (folder / f"{number:03d}.bin").write_bytes(request)


_WRITERS = {
    "png": _pictures(".png"),
    "jpeg": _pictures(".jpg"),
    "npy": _npy,
    "video-npy": _video_npy,
    "npz": _npz,
    "dictionary-index": _dictionary_index,
    "log-probabilities": _log_probabilities,
    "pose": _pose,
    "stm": _texts(a_stm=STM),
    "ctm": _texts(a_ctm=CTM),
    "trn": _texts(a_trn=TRN),
    "csv": _texts(a_csv=CSV),
    "tsv": _texts(a_tsv=CSV.replace(",", "\t")),
    "jsonl": _texts(a_jsonl='{"id": "a", "reference": "RAIN", "hypothesis": ["SUN"]}\n' * 2),
    "text": _texts(a_txt="clip1\tRAIN SUN\nclip2\tWIND\n"),
    "corpus": _texts(a_csv=CORPUS),
    "table": _texts(a_csv=TABLE, b_csv=TABLE.replace(",", ";")),
    "arpa": _texts(a_arpa=ARPA),
    "vectors": _texts(a_vec="2 3\nRAIN 0.1 0.2 0.3\nSUN 1 2 3\n"),
    "vocabulary": _texts(labels_txt="<blank>\n<unk>\nRAIN\nSUN\n"),
    "label-map": _texts(a_txt="# a remark\nRAIN\tSUN\n0,1\n"),
    "grammar": _texts(a_txt="# a remark\nRAIN SUN\nSUN WIND RAIN\n"),
    "recipe": _recipes,
    "pickle": _pickles,
    "checkpoint": _pickles,
    "safetensors": _safetensors,
    "language-model": _language_model,
    "contract": _contract,
    "layout": _layout,
    "enrolment": _enrolment,
    "bundle": _of_bundle("metadata.json"),
    "preset": _preset,
    "manifest": _manifest,
    "data-contract": _data_contract,
    "stream": _stream,
    "grpc": _grpc,
    "rest": _rest,
}
FORMATS = (*VIDEOS, *_WRITERS)
