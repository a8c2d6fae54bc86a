"""Small pictures, videos and arrays took gigabytes: what they stated was allocated without a limit.

A GIF of 43 bytes took 1.7 GB, a PNG of 20 kB 1.9 GB, a video of 280 kB 1.0 GB and an `.npz` of
1.2 MB 0.95 GB. A pipe that was named like an array blocked for ever.
"""

import os
import struct
import subprocess
import sys
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import numbered_film
import numpy as np
import pytest

from slr_keras.data.arrays import read_array, read_npy, read_npz
from slr_keras.data.video.flow_files import FlowFile
from slr_keras.data.video.reading import read_picture
from slr_keras.data.video.recordings import shown_in
from slr_keras.utils.errors import UserError

av = pytest.importorskip("av")


def png(width: int, height: int) -> bytes:
    """A black PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(3 * width + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif(width: int, height: int) -> bytes:
    """A GIF of one picture of 1 x 1 on a canvas."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00;"


def film_of(path: Path, picture: bytes, size: tuple[int, int]) -> None:
    """A video of a PNG that states the size."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "rgb24"
        container.start_encoding()
        packet = av.Packet(picture)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base, packet.is_keyframe = Fraction(1, 25), True
        container.mux(packet)


def npz(path: Path, megabytes: int) -> None:
    """An archive whose array `keypoints` is all zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("keypoints.npy", "w", force_zip64=True) as file,
    ):
        shape = (megabytes * 2**20 // 1600, 133, 3)
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        for _ in range(shape[0]):
            file.write(bytes(1596))


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    large = png(9000, 9000)
    (folder / "a.png").write_bytes(large)
    (folder / "b.jpg").write_bytes(gif(60000, 60000))
    (folder / "a.gif").write_bytes(gif(30000, 30000))
    film_of(folder / "a.mov", large, (9000, 9000))
    film_of(folder / "lie.mov", large, (64, 48))
    film_of(folder / "a.avi", large, (9000, 9000))
    npz(folder / "a.npz", 300)
    return folder


READ = {
    "a.png": "from slr_keras.data.video.reading import read_picture as read",
    "b.jpg": "from slr_keras.data.video.reading import read_picture as read",
    **dict.fromkeys(
        ("a.gif", "a.mov", "lie.mov", "a.avi"),
        "from slr_keras.data.video.recordings import shown_in\n"
        "def read(path): return list(shown_in(path, 25.0))",
    ),
    "a.npz": "from slr_keras.data.arrays import read_npz as read",
}


@pytest.mark.parametrize("name", READ)
def test_a_file_is_refused_before_it_is_expanded(bombs, name):
    program = (
        "import resource, pathlib, numpy, av, PIL.Image\n"
        "from slr_keras.utils.errors import UserError\n"
        f"{READ[name]}\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        f"    read(pathlib.Path({str(bombs / name)!r}))\n"
        "except UserError as error:\n"
        "    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    error, kilobytes = done.stdout.splitlines()
    assert name in error
    assert "limit" in error
    assert "SLR_KERAS_MAX_" in error
    assert int(kilobytes) < 60_000


def test_a_limit_can_be_raised(bombs, monkeypatch):
    monkeypatch.setenv("SLR_KERAS_MAX_PIXELS", "100000000")
    assert read_picture(bombs / "a.png").shape == (9000, 9000, 3)
    (one,) = shown_in(bombs / "a.mov", 25.0)
    assert one.frame.shape == (9000, 9000, 3)
    monkeypatch.setenv("SLR_KERAS_MAX_PIXELS", "many")
    with pytest.raises(UserError, match="SLR_KERAS_MAX_PIXELS is 'many'"):
        read_picture(bombs / "a.png")


def test_a_video_of_too_many_frames_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SLR_KERAS_MAX_FRAMES", "50")
    for suffix in ("mp4", "mkv", "avi"):
        path = numbered_film.write_film(tmp_path / f"a.{suffix}", range(60), per_second=25)
        with pytest.raises(UserError, match=r"more than the limit of 50;"):
            list(shown_in(path, 25.0))


def test_an_array_that_states_more_than_its_file_holds_is_refused(tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 133, 3)}
        )
        file.write(bytes(4000))
    (tmp_path / "long.npy").write_bytes(b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little"))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    for name in ("a.npy", "long.npy", "objects.npy"):
        for read in (read_npy, read_array):
            with pytest.raises(UserError, match=rf"{name}: truncated, or not a \.npy"):
                read(tmp_path / name)


def test_an_entry_that_is_no_array_is_not_expanded(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keypoints", bytes(2**20))
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(UserError, match=r"a\.npz: truncated.*keypoints is no array"):
        read_npz(tmp_path / "a.npz")


def test_a_long_clip_without_anybody_in_it_is_no_bomb(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", keypoints=np.zeros((90_000, 133, 3), np.float32))
    assert read_npz(tmp_path / "a.npz")["keypoints"].shape == (90_000, 133, 3)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.png", "a.mp4", "a.zip"])
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path, name):
    readers = {
        "a.npy": (read_npy, read_array),
        "a.npz": (read_npz, read_array),
        "a.png": (read_picture,),
        "a.mp4": (lambda path: list(shown_in(path, 25.0)),),
        "a.zip": (FlowFile,),
    }
    os.mkfifo(tmp_path / name)
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / name).symlink_to("/dev/zero")
    for path in (tmp_path / name, tmp_path / "device" / name):
        for read in readers[name]:
            with pytest.raises(UserError, match="a pipe, socket or device, not a file"):
                read(path)


def test_a_flow_file_of_larger_pictures_than_it_states_is_refused(tmp_path):
    record = '{"size": [64, 48], "format": "png"}'
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("00000.png", png(4000, 4000))
        file.writestr("record.json", record)
    pytest.importorskip("cv2")
    with pytest.raises(UserError, match=r"a\.zip: damaged \(a field is 4000 x 4000 pixels"):
        FlowFile(tmp_path / "a.zip").fields([0])
