"""Fixtures for the whole suite."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data (real signing); the test skips where it is absent."""
    folder = Path(os.environ.get("SLR_KERAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "PROVENANCE.md").is_file():
        pytest.skip("the development data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def tiny():
    """The module `helpers/tiny_run.py`: tiny data, and runs trained on it."""
    import tiny_run

    return tiny_run


@pytest.fixture(scope="session")
def tiny_bert():
    """A function that writes a BERT of a few hundred weights in keras-hub's format."""

    def write(folder: Path, pieces: list[str]) -> Path:
        import numpy as np

        keras_hub = pytest.importorskip("keras_hub")
        backbone = keras_hub.models.BertBackbone(
            len(pieces),
            num_layers=1,
            num_heads=2,
            hidden_dim=8,
            intermediate_dim=16,
            max_sequence_length=32,
        )
        generator = np.random.default_rng(0)
        for weight in backbone.weights:
            weight.assign(weight + generator.normal(0, 0.2, weight.shape))
        backbone.save_to_preset(str(folder))
        keras_hub.models.BertTokenizer(pieces).save_to_preset(str(folder))
        return folder

    return write


@pytest.fixture(scope="session")
def portrait():
    """A person's face and shoulders, no hands: (300, 256, 3) uint8; in the public domain."""
    import matplotlib.cbook as cbook
    import numpy as np
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        return np.asarray(image.convert("RGB").resize((256, 300), Image.Resampling.LANCZOS))


@pytest.fixture(scope="session")
def film():
    """A function that writes a video of pictures at moments in milliseconds."""
    from fractions import Fraction

    import numpy as np

    av = pytest.importorskip("av")

    def write(path, pictures, moments=None):
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
                frame.pts = 40 * number if moments is None else moments[number]
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def little():
    """The module `helpers/little_server.py`: small SavedModels, and servers of them."""
    for package in ("tensorflow_serving", "grpc", "aiohttp", "prometheus_client"):
        pytest.importorskip(package)
    import little_server

    return little_server
