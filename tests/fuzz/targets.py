"""What the project does with a file of each format: the calls of its commands.

A target is made once in a process, by a function of a folder for its own files, and is then called
with the path of each input. It returns or raises `UserError`; everything else is a find.
"""

import contextlib
import functools
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

Check = Callable[[Path], object]


class Refused(Exception):
    """The answer of a server is none that it may give."""


def target(format: str, folder: Path) -> Check:
    """The check of a format.

    Args:
        format: one of `examples.FORMATS`.
        folder: for files that the target needs; exists.
    """
    return _MAKERS.get(format, _video)(folder)


def _video(folder: Path) -> Check:
    from slr_keras.data.video.recordings import is_recording, shown_in

    def check(path: Path) -> None:
        is_recording(path)
        for shown in shown_in(path, 25.0):
            assert shown.frame.ndim == 3

    return check


def _picture(folder: Path) -> Check:
    from slr_keras.data.video.reading import read_picture

    return read_picture


def _keypoints(folder: Path) -> Check:
    import numpy as np

    from slr_keras.data.contract import contract
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.recognition.modality.keypoints import KeypointInput

    wanted = contract("coco_wholebody_133")

    def check(path: Path) -> None:
        modality = KeypointInput(wanted, Overrides())
        for clip in find_clips([str(path)], wanted, "test", Overrides()):
            values, _, _ = modality.raw(clip)
            assert np.asarray(values).shape[1:] == (133, 3)

    return check


def _pose(folder: Path) -> Check:
    from slr_keras.data.pose_file import read_pose_clip

    return read_pose_clip


def _dictionary_index(folder: Path) -> Check:
    from slr_keras.dictionary.index import read_index

    return read_index


def _log_probabilities(folder: Path) -> Check:
    from slr_keras.training.sign_files import read_log_probabilities

    return read_log_probabilities


def _score(folder: Path) -> Check:
    from slr_keras.score import main

    def check(path: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main([str(path), str(path)])

    return check


def _corpus(folder: Path) -> Check:
    from slr_keras.data.datasets.corpus import read_corpus

    return lambda path: list(read_corpus(path))


def _table(folder: Path) -> Check:
    import numpy as np

    from slr_keras.prepare import main

    for name in "ab":
        np.savez(folder / f"{name}.npz", keypoints=np.ones((8, 133, 3), np.float32))

    def check(path: Path) -> None:
        shutil.copy(path, folder / "clips.csv")
        shutil.rmtree(folder / "made", ignore_errors=True)
        arguments = ["npz", "--from", str(folder), "--to", str(folder / "made")]
        arguments += ["--layout", "coco_wholebody_133", "--table", "clips.csv"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(arguments)

    return check


def _vectors(folder: Path) -> Check:
    from slr_keras.models.gloss_lm.vector_files import read_word_vectors

    return lambda path: read_word_vectors(path, {"RAIN", "SUN"})


def _vocabulary(folder: Path) -> Check:
    from slr_keras.data.vocabulary import Vocabulary

    return Vocabulary.read


def _label_map(folder: Path) -> Check:
    from slr_keras.data.datasets.label_map import read_label_map

    return lambda path: read_label_map(path, ("RAIN", "SUN", "WIND"))


def _grammar(folder: Path) -> Check:
    from slr_keras.data.composition.grammar import read_grammar

    return read_grammar


def _recipe(folder: Path) -> Check:
    from slr_keras.config.loading import load_config

    return load_config


def _pickle(folder: Path) -> Check:
    from slr_keras.data.datasets.keypoint_pickles import read_keypoint_pickle
    from slr_keras.data.pickles.unpickle import read_pickle
    from slr_keras.utils.errors import UserError

    def check(path: Path) -> None:
        read_pickle(path)
        with contextlib.suppress(UserError):
            list(read_keypoint_pickle(path))

    return check


def _checkpoint(folder: Path) -> Check:
    from slr_keras.weights.checkpoint import read_checkpoint

    return read_checkpoint


def _enrolment(folder: Path) -> Check:
    from slr_keras.enrolment.report import facts, warnings
    from slr_keras.enrolment.storage import read_enrolment

    def check(path: Path) -> None:
        enrolment = read_enrolment(path)
        facts(enrolment)
        warnings(enrolment)

    return check


def _language_model(folder: Path) -> Check:
    from slr_keras.decoding import NgramLanguageModel

    return NgramLanguageModel.load


def _contract(folder: Path) -> Check:
    from slr_keras.data.contract import KeypointContract

    return KeypointContract.read


def _layout(folder: Path) -> Check:
    from slr_keras.data.layout import read_layout

    return read_layout


def _bundle(folder: Path) -> Check:
    import examples

    from slr_keras.bundle.bundle import Bundle

    bundle = folder / "bundle"
    shutil.copytree(examples.ROOT / "slr_keras/hub/models/asl-words/tflite", bundle)
    names = ("model_name", "buckets", "precisions", "output", "step_frames", "decoding", "scoring")

    def check(path: Path) -> None:
        shutil.copy(path, bundle / "metadata.json")
        loaded = Bundle.load(bundle)
        for name in names:
            getattr(loaded, name)

    return check


def _preset(folder: Path) -> Check:
    import examples

    from slr_keras.hub.preset import Preset

    preset = folder / "preset"
    shutil.copytree(examples.ROOT / "slr_keras/hub/models/asl-words", preset)

    def check(path: Path) -> None:
        shutil.copy(path, preset / "preset.json")
        Preset.load(preset)

    return check


def _data_file(name: str):
    def make(folder: Path) -> Check:
        import tiny_run

        from slr_keras.data.manifest import read_folder
        from slr_keras.utils.errors import UserError
        from slr_keras.validate import main

        data = tiny_run.write_data(folder / "data", train=3, dev=1, test=1)

        def check(path: Path) -> None:
            shutil.copy(path, data / name)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(UserError):
                main([str(data)])
            for manifest in read_folder(data).values():
                for sample in manifest:
                    manifest.load(sample)

        return check

    return make


def _stream(folder: Path) -> Check:
    from slr_keras.data.contract import contract
    from slr_keras.recognition.modality.base import Overrides
    from slr_keras.streaming.opening import open_source

    wanted = contract("coco_wholebody_133")

    def check(path: Path) -> None:
        before = sys.stdin
        with open(path, encoding="utf-8") as sys.stdin:
            try:
                for frame in open_source("-", wanted, Overrides()):
                    assert frame.shape == (133, 3)
            finally:
                sys.stdin = before

    return check


# === A live server in the process ===


@functools.cache
def _server(folder: Path):
    import little_server

    little_server.publish(folder / "little", 1, pictures=True)
    little_server.configure(folder, folder / "little")
    # The server is stopped with the process.
    stack = contextlib.ExitStack()
    return stack.enter_context(
        little_server.serving(folder, refusals=1e9, body_seconds=2.0, largest=2**22)
    ), stack


def _grpc(folder: Path) -> Check:
    import grpc
    import hostile_requests

    server, _ = _server(folder)
    channel = grpc.insecure_channel(server.grpc.removeprefix("grpc://"))
    call = channel.unary_unary(hostile_requests.PREDICT)

    def check(path: Path) -> None:
        try:
            call(path.read_bytes(), timeout=15)
        except grpc.RpcError as error:
            if error.code().name not in ("INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"):
                raise Refused(f"{error.code().name}: {error.details()[:200]}") from None

    return check


def _rest(folder: Path) -> Check:
    import socket
    from urllib.parse import urlsplit

    server, _ = _server(folder)
    url = urlsplit(server.rest)

    def check(path: Path) -> None:
        with socket.create_connection((url.hostname, url.port), timeout=15) as connection:
            try:
                connection.sendall(path.read_bytes())
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4096)
            except TimeoutError:
                raise
            except OSError:
                # The server may close the connection before the whole request was sent.
                answer = b""
        status = answer[9:12]
        if status.startswith(b"5") and status != b"503" and status != b"501":
            raise Refused(answer[:300].decode(errors="replace"))

    return check


_TRANSCRIPTS = ("stm", "ctm", "trn", "csv", "tsv", "jsonl", "text", "arpa")
_MAKERS = dict.fromkeys(_TRANSCRIPTS, _score) | {
    "png": _picture,
    "jpeg": _picture,
    "npy": _keypoints,
    "npz": _keypoints,
    "pose": _pose,
    "dictionary-index": _dictionary_index,
    "log-probabilities": _log_probabilities,
    "corpus": _corpus,
    "table": _table,
    "vectors": _vectors,
    "vocabulary": _vocabulary,
    "label-map": _label_map,
    "grammar": _grammar,
    "recipe": _recipe,
    "pickle": _pickle,
    "checkpoint": _checkpoint,
    "safetensors": _checkpoint,
    "language-model": _language_model,
    "contract": _contract,
    "layout": _layout,
    "enrolment": _enrolment,
    "bundle": _bundle,
    "preset": _preset,
    "manifest": _data_file("train.jsonl"),
    "data-contract": _data_file("keypoints.json"),
    "stream": _stream,
    "grpc": _grpc,
    "rest": _rest,
}
