"""Download a file whose digest is known."""

import contextlib
import hashlib
import os
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from slr_keras.utils.errors import UserError

#: Folder of what was downloaded, and its default.
CACHE_VARIABLE, CACHE = "SLR_KERAS_CACHE", "~/.cache/slr_keras"
_CHUNK, _SECONDS = 2**16, 30
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def cache_folder() -> Path:
    """Folder of downloaded presets; `SLR_KERAS_CACHE` names another one.

    >>> from slr_keras.hub.download import cache_folder
    >>> cache_folder().name
    'presets'
    """
    return Path(os.environ.get(CACHE_VARIABLE) or Path(CACHE).expanduser()) / "presets"


@contextlib.contextmanager
def download(url: str, digest: str, most_bytes: int, folder: Path) -> Iterator[Path]:
    """Download a file, which exists during the `with` block.

    Args:
        url: its address; plain HTTP is for this machine alone.
        digest: SHA-256 of the file, in hexadecimal digits.
        most_bytes: largest size.
        folder: where the file lies in the meantime.

    Yields:
        the path of the complete file with this digest.

    Raises:
        UserError: the address is refused, cannot be read, gives too many bytes, or gives another
            file.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UserError(f"{url}: the address must begin with https://")
    print(f"downloading {url}", file=sys.stderr)
    hashed = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part") as file:
        try:
            with urllib.request.urlopen(url, timeout=_SECONDS) as response:
                for chunk in iter(lambda: response.read(_CHUNK), b""):
                    if file.tell() + len(chunk) > most_bytes:
                        raise UserError(f"{url}: gives more than {most_bytes:,} bytes")
                    file.write(chunk)
                    hashed.update(chunk)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise UserError(f"{url}: cannot be downloaded ({error})") from error
        if hashed.hexdigest() != digest:
            raise UserError(
                f"{url}: the file has the digest {hashed.hexdigest()}, not {digest}; it was not "
                "used"
            )
        file.flush()
        yield Path(file.name)
