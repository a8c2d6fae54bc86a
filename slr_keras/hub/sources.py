"""Find the folder of a preset by its name, its path, or its address on a hub."""

import re
import sys
import zipfile
from pathlib import Path, PurePosixPath

from slr_keras.hub import shipped
from slr_keras.hub.download import cache_folder, download
from slr_keras.hub.preset import DESCRIPTION, is_preset
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install
from slr_keras.utils.published_folder import published_folder, remove_unpublished
from slr_keras.utils.suggestions import nearest

#: Largest size of the files of a downloaded preset.
MOST_BYTES = 2**30
_SHA256 = re.compile(r"sha256[=-]([0-9a-fA-F]{64})")
_HUB = re.compile(r"hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_KAGGLE = re.compile(r"kaggle://(?P<handle>[\w.-]+/[\w.-]+/[\w.-]+/[\w.-]+(?:/\d+)?)")


def is_named_preset(text: str) -> bool:
    """Whether a text is the name of a shipped preset or the address of one, and no path.

    >>> from slr_keras.hub.sources import is_named_preset
    >>> is_named_preset("asl-words"), is_named_preset("hf://who/what"), is_named_preset("runs/demo")
    (True, True, False)
    """
    return "://" in text or text in shipped.folders()


def preset_folder(text: str | Path) -> Path:
    """The folder of a preset on this machine; what is on a hub is downloaded into the cache.

    Args:
        text: one of

            - the path of a folder that holds a preset,
            - the name of a shipped preset, see `slr presets`,
            - `hf://OWNER/REPOSITORY`, `hf://OWNER/REPOSITORY@REVISION` (Hugging Face),
            - `kaggle://OWNER/MODEL/keras/VARIATION`, with `/VERSION` if wanted,
            - `https://HOST/FILE.zip#sha256=DIGEST`, a ZIP file of the folder.

    Raises:
        UserError: there is no such preset, the address is malformed, or the download failed.

    >>> from slr_keras.hub.sources import preset_folder
    >>> preset_folder("asl-words").name
    'asl-words'
    """
    if isinstance(text, Path) or "://" not in text:
        if is_preset(text):
            return Path(text)
        known = shipped.folders()
        if str(text) in known:
            return known[str(text)]
        if Path(text).exists():
            raise UserError(f"{text}: no preset here (no {DESCRIPTION})")
        raise UserError(f"there is no preset {str(text)!r}{nearest(str(text), known)}")
    if match := _HUB.fullmatch(text):
        return _within(_from_hugging_face(**match.groupdict()), text)
    if match := _KAGGLE.fullmatch(text):
        return _within(_from_kaggle(match["handle"]), text)
    if text.startswith(("https://", "http://")):
        return _within(_from_url(text), text)
    raise UserError(
        f"{text}: no address of a preset; give hf://OWNER/REPOSITORY, "
        "kaggle://OWNER/MODEL/keras/VARIATION or https://HOST/FILE.zip#sha256=DIGEST"
    )


def _within(folder: Path, text: str) -> Path:
    """The preset in a downloaded folder: the folder itself, or its only subfolder."""
    inner = [path for path in folder.iterdir() if path.is_dir() and is_preset(path)]
    if is_preset(folder):
        return folder
    if len(inner) == 1:
        return inner[0]
    raise UserError(f"{text}: holds no preset (no {DESCRIPTION})")


def _from_hugging_face(repository: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise _missing("huggingface_hub") from None
    address = f"hf://{repository}"
    try:
        return Path(snapshot_download(repository, revision=revision))
    except Exception as error:
        raise UserError(f"{address}: cannot be downloaded ({_reason(error)})") from error


def _from_kaggle(handle: str) -> Path:
    try:
        import kagglehub
    except ImportError:
        raise _missing("kagglehub") from None
    try:
        return Path(kagglehub.model_download(handle))
    except Exception as error:
        raise UserError(f"kaggle://{handle}: cannot be downloaded ({_reason(error)})") from error


def _from_url(url: str) -> Path:
    address, _, fragment = url.partition("#")
    match = _SHA256.fullmatch(fragment)
    if match is None:
        raise UserError(f"{url}: add the digest of the file, as in {address}#sha256=0123...")
    digest = match[1].lower()
    folder = cache_folder() / digest[:32]
    remove_unpublished(folder)
    if not folder.is_dir():
        try:
            with (
                published_folder(folder, replace=False) as fresh,
                download(address, digest, MOST_BYTES, fresh.parent) as archive,
            ):
                fresh.mkdir()
                unpack(archive, fresh, address)
        except FileExistsError:
            # Another process may have been faster; its folder holds the same files.
            if not folder.is_dir():
                raise
    return folder


def unpack(archive: Path, folder: Path, name: str, most_bytes: int = MOST_BYTES) -> None:
    """Unpack a ZIP file into a folder; its entries are checked before anything is written.

    Args:
        archive: the file.
        folder: exists.
        name: of the file, for messages.
        most_bytes: largest size of all entries.

    Raises:
        UserError: the file is no ZIP file, too large, or has an entry outside of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = [entry for entry in file.infolist() if not entry.is_dir()]
            size = sum(entry.file_size for entry in entries)
            if size > most_bytes:
                raise UserError(
                    f"{name}: its files have {size:,} bytes; at most {most_bytes:,} are unpacked"
                )
            for entry in entries:
                parts = PurePosixPath(entry.filename)
                if parts.is_absolute() or ".." in parts.parts or "\\" in entry.filename:
                    raise UserError(f"{name}: the entry {entry.filename!r} leaves the folder")
            for entry in entries:
                # Links are written as files that hold their target.
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_read(file, entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UserError(f"{name}: no readable ZIP file ({error})") from error
    print(f"{name}: {len(entries)} files, {size:,} bytes", file=sys.stderr)


def _read(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry, which must not be longer than the directory of the ZIP file says."""
    with file.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename} has another size than stated")
    return content


def _missing(package: str) -> UserError:
    return UserError(f"this address needs the package {package}: {install('hub')}")


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
