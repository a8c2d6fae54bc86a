"""Put a built APK's parts into one zip file, the same bytes for the same parts.

Entries are sorted and bear one date. What a phone maps into memory (models, native libraries, the
resource table) is stored and aligned: native libraries to 16 KiB, the rest to 4 bytes; the other
entries are deflated.

    python3 android_demo/tools/pack_apk.py FOLDER app.apk
"""

import struct
import sys
import zipfile
from pathlib import Path

DATE = (1981, 1, 1, 1, 1, 2)
STORED = (".tflite", ".so", ".arsc", ".zip", ".png")
PAGE = 16384
# The field of the extra data that zipalign's successors write, for padding.
ALIGNMENT_FIELD = 0xD935


def alignment(name: str) -> int:
    """Bytes to which the data of an entry is aligned.

    >>> alignment("lib/arm64-v8a/libtensorflowlite_jni.so"), alignment("assets/model.tflite")
    (16384, 4)
    """
    return PAGE if name.endswith(".so") else 4


def padding(offset: int, name: str) -> bytes:
    """Extra field that moves the data of an entry, its header at ``offset``, to its alignment.

    >>> (100 + 30 + len("a.tflite") + len(padding(100, "a.tflite"))) % 4
    0
    """
    unit = alignment(name)
    start = offset + 30 + len(name.encode()) + 6
    zeros = -start % unit
    return struct.pack("<HHH", ALIGNMENT_FIELD, 2 + zeros, unit) + bytes(zeros)


def pack(folder: Path, target: Path) -> None:
    """Write every file below ``folder`` into ``target``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w") as archive:
        for file in files:
            name = file.relative_to(folder).as_posix()
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            if file.suffix in STORED:
                entry.extra = padding(archive.fp.tell(), name)
            else:
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
