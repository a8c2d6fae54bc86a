"""Videos as phones store them."""

import pytest


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
