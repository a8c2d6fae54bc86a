"""Videos of one person: a portrait that is in the public domain and comes with matplotlib."""

from fractions import Fraction

import numpy as np
import pytest


@pytest.fixture(scope="session")
def portrait():
    """A person's face and shoulders, no hands: (300, 256, 3) uint8."""
    cbook = pytest.importorskip("matplotlib.cbook")
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        return np.asarray(image.convert("RGB").resize((256, 300), Image.Resampling.LANCZOS))


@pytest.fixture(scope="session")
def film():
    """A function that writes a video of pictures at moments in milliseconds."""
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
def turned():
    """A function that makes an mp4 lie: its pictures are to be turned clockwise when shown."""

    def write(source, target):
        data = source.read_bytes()
        identity = bytes.fromhex("00010000" + "00" * 12 + "00010000" + "00" * 12 + "40000000")
        quarter = bytes.fromhex(
            "00000000" + "00010000" + "00" * 4 + "ffff0000" + "00" * 16 + "40000000"
        )
        at = data.index(identity, data.index(b"tkhd"))
        target.write_bytes(data[:at] + quarter + data[at + 36 :])
        return target

    return write
