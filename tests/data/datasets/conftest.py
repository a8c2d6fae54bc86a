"""Tiny video files in the place of real ones."""

import pytest


@pytest.fixture(scope="session")
def film():
    """A function that writes a video file of grey pictures, each 5 levels brighter."""
    av = pytest.importorskip("av")
    import numpy as np

    def write(path, frames, size=(32, 24), rate=25):
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for number in range(frames):
                picture = np.full((size[1], size[0], 3), 5 * number, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write
