"""Little SavedModels with the signatures of exported ones, and servers of them, for tests.

`python tests/helpers/little_server.py FOLDER` publishes what the tests of the interfaces ask for.
Start TensorFlow Serving with the configuration in FOLDER/config, see its COMMANDS.md, then run
these tests with SLR_SERVING_URL="grpc://127.0.0.1:8500 http://127.0.0.1:8501".
"""

import asyncio
import contextlib
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from export.graph.publication import published_version, write_manifest
from export.serving import local
from export.serving.config import (
    BATCHING,
    MODELS,
    MONITORING,
    Batching,
    Model,
    batching_config,
    model_config,
    monitoring_config,
    read_batching,
)
from export.serving.guard import Guard
from export.serving.metrics import Metrics
from export.serving.repository import Repository
from export.serving.server import Options, Server
from slr_keras.data.contract import contract
from slr_keras.utils.files import write_json, write_text

ROOT = Path(__file__).resolve().parents[2]
BUCKETS, STRIDE = (16, 32, 64), 4
POINTS, CHANNELS = 133, 3
GLOSSES = ("RAIN", "SUN", "WIND", "SNOW")
TOKENS = ("<blank>", "<unk>", *GLOSSES)
BATCHES = Batching(8, 0.005, 16, 1, (1, 2, 4, 8))


def publish(base, version, seed=0, work=0, pictures=False):
    """Publish a version of a little model; `work` is how many products a batch takes."""
    import tensorflow as tf

    module = _module(seed, work)
    signatures = {"serving_default": module.scores, "serving_glosses": module.glosses}
    if pictures:
        signatures["serving_encoded"] = module.encoded
    layout = contract("coco_wholebody_133")
    with published_version(Path(base), version) as folder:
        tf.saved_model.save(module, str(folder), signatures)
        assets = folder / "assets"
        assets.mkdir(exist_ok=True)
        write_text(assets / "labels.txt", "\n".join(TOKENS) + "\n")
        layout.write(assets / "keypoints.json")
        write_json(assets / "serving.json", _description(layout))
        write_manifest(folder)
    return Path(base) / str(version)


def _description(layout):
    return {
        "format": "slr_keras.saved_model",
        "format_version": 1,
        "name": "little",
        "system": "stark",
        "model": "stark_tiny",
        "kind": "continuous",
        "modality": "keypoints",
        "blank": 0,
        "labels": {"file": "labels.txt", "count": len(TOKENS), "digest": ""},
        "contract": {"file": "keypoints.json", "digest": layout.digest},
        "stride": STRIDE,
        "fps": layout.fps,
        "clip_frames": None,
        "buckets": list(BUCKETS),
        "limits": {"shortest": 1, "longest": BUCKETS[-1]},
        "scores": "log_probabilities",
        "decoding": {"greedy": "ctc", "recipe": {"method": "greedy"}},
        "precision": "float32",
    }


def _module(seed, work):
    import tensorflow as tf

    from export.graph.decoding import greedy_ctc

    random = np.random.default_rng(seed)

    class Little(tf.Module):
        def __init__(self):
            shape = (STRIDE * POINTS * CHANNELS, len(TOKENS))
            self.weights = tf.Variable(random.normal(0, 0.02, shape).astype("float32"))
            self.square = tf.Variable(random.normal(0, 0.05, (256, 256)).astype("float32"))

        def _logits(self, keypoints, lengths):
            frames = tf.shape(keypoints)[1]
            clip = tf.cast(tf.sequence_mask(lengths, frames), tf.float32)
            whole = tf.where(tf.math.is_finite(keypoints), keypoints, 0.0)
            whole *= clip[:, :, None, None]
            whole = tf.pad(whole, [[0, 0], [0, -frames % STRIDE], [0, 0], [0, 0]])
            steps = tf.reshape(whole, (tf.shape(whole)[0], -1, STRIDE * POINTS * CHANNELS))
            logits = tf.nn.log_softmax(steps @ self.weights)
            busy = self.square
            for _ in range(work):
                busy = tf.tanh(busy @ self.square)
            logits += 0.0 * tf.reduce_mean(busy)
            return logits, tf.maximum(lengths // STRIDE, 1)

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, None, POINTS, CHANNELS), tf.float32, "keypoints"),
                tf.TensorSpec((None,), tf.int32, "lengths"),
            ]
        )
        def scores(self, keypoints, lengths):
            refused = tf.debugging.assert_less(keypoints[:, 0, 0, 0], 1e6, "a point is too far")
            with tf.control_dependencies([refused]):
                logits, steps = self._logits(keypoints, lengths)
            return {"logits": logits, "lengths": steps}

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, None, POINTS, CHANNELS), tf.float32, "keypoints"),
                tf.TensorSpec((None,), tf.int32, "lengths"),
            ]
        )
        def glosses(self, keypoints, lengths):
            return greedy_ctc(*self._logits(keypoints, lengths))

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, None), tf.string, "encoded"),
                tf.TensorSpec((None,), tf.int32, "lengths"),
            ]
        )
        def encoded(self, encoded, lengths):
            def brightness(file):
                picture = tf.io.decode_image(file, channels=3, expand_animations=False)
                return tf.reduce_mean(tf.cast(picture, tf.float32))

            flat = tf.map_fn(brightness, tf.reshape(encoded, (-1,)), tf.float32)
            return {"logits": tf.reshape(flat, tf.shape(encoded))[..., None], "lengths": lengths}

    return Little()


def configure(folder, base, name="little", batching=BATCHES, **model):
    """Write the three configuration files; the base path is that of this machine."""
    entry = Model(name, str(Path(base).resolve()), **model)
    write_text(Path(folder) / MODELS, model_config([entry]))
    write_text(Path(folder) / BATCHING, batching_config(batching))
    write_text(Path(folder) / MONITORING, monitoring_config())
    return Path(folder)


def clips(rows, frames, seed=0):
    """A batch of raw keypoints and their lengths, in pixels."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 30, (rows, frames, POINTS, CHANNELS)).astype("float32")
    return {"keypoints": values, "lengths": np.full(rows, frames, "int32")}


def expected(version, inputs):
    """What a version answers, by TensorFlow alone."""
    import tensorflow as tf

    function = tf.saved_model.load(str(version)).signatures["serving_default"]
    return {key: value.numpy() for key, value in function(**_constants(inputs)).items()}


def _constants(inputs):
    import tensorflow as tf

    return {name: tf.constant(value) for name, value in inputs.items()}


def running(config):
    """A server in a process of its own, on one thread, that looks often for versions."""
    return local.running(config, "--poll", "0.1", "--threads", "1")


@contextlib.contextmanager
def serving(config, guard=None, poll=0.1, **options):
    """A server in this process: gives `grpc`, `rest` (URLs), `repository`, `metrics`."""
    metrics = Metrics()
    batching = read_batching(config / BATCHING) if (config / BATCHING).is_file() else None
    repository = Repository(config / MODELS, batching, metrics, threads=1)
    repository.scan()
    where = Options(grpc_port=0, rest_port=0, grace=5.0, **options)
    server = Server(repository, metrics, where, guard or Guard())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    wait(server.start())
    repository.watch(poll)
    secure = "s" if guard and guard.certificate else ""
    try:
        yield SimpleNamespace(
            grpc=f"grpc{secure}://127.0.0.1:{server.grpc_port}",
            rest=f"http{secure}://127.0.0.1:{server.rest_port}",
            repository=repository,
            metrics=metrics,
        )
    finally:
        wait(server.stop())
        repository.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def main(folder):
    """Publish two versions and write the configuration of a server of both."""
    from export.serving_config import main as configuration

    base = Path(folder) / "little"
    for version in (1, 2):
        publish(base, version, seed=version, pictures=True)
    labels = ["--stable", "1", "--canary", "2", "--batch-sizes", "1", "2", "4", "8"]
    configuration([str(base), "--to", str(Path(folder) / "config"), *labels])


if __name__ == "__main__":
    main(sys.argv[1])
