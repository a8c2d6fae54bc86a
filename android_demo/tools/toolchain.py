"""Bring what builds and tests the Android demo into a folder: compiler, dexer, TFLite, JUnit.

Everything comes through the clients that this machine has set up: Maven Central by ``mvn``, npm by
``npm pack``, Debian's packages by ``apt-get download`` (nothing is installed, no right of root is
needed). What each part must be stands in ``toolchain.toml`` with its SHA-256; versions stand in
``gradle/libs.versions.toml``.

    python3 android_demo/tools/toolchain.py build test     # or: lint, or nothing for all
"""

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PURPOSES = ("build", "test", "lint")
# The mirror that serves this machine's own release also serves other suites.
SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


class PartMissing(Exception):
    """A part could not be had; the message says why."""


def versions() -> dict[str, str]:
    """Versions of the catalogue that Gradle reads too."""
    return tomllib.loads((HERE.parent / "gradle" / "libs.versions.toml").read_text())["versions"]


def parts(purposes: list[str]) -> list[dict]:
    """Parts that any of ``purposes`` needs, with the catalogue's versions filled in."""
    table = tomllib.loads((HERE / "toolchain.toml").read_text())["part"]
    wanted = [part for part in table if set(part["needed_for"]) & set(purposes)]
    for part in wanted:
        for client in ("maven", "npm"):
            if client in part:
                part[client] = part[client].format(**versions())
    return wanted


def default_cache() -> Path:
    """Folder of the toolchain: SLR_ANDROID_TOOLCHAIN, or a folder in the user's cache."""
    given = os.environ.get("SLR_ANDROID_TOOLCHAIN")
    return Path(given) if given else Path.home() / ".cache" / "slr_keras" / "android"


def main(arguments: list[str] | None = None) -> int:
    """Fetch what is wanted; 0 if all of it is there, else 3."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "purposes", nargs="*", choices=[*PURPOSES, []], help="what for (default: all)"
    )
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="folder (default: %(default)s)"
    )
    parser.add_argument(
        "--offline", action="store_true", help="fetch nothing, only say what is missing"
    )
    options = parser.parse_args(arguments)
    missing = []
    for part in parts(options.purposes or list(PURPOSES)):
        try:
            if not is_there(part, options.cache):
                if options.offline:
                    raise PartMissing("is not in the cache yet")
                fetch(part, options.cache)
        except PartMissing as problem:
            missing.append(f"{part['name']} ({source(part)}): {problem}")
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    return 3 if missing else 0


def source(part: dict) -> str:
    """Where a part comes from, in words.

    >>> source({"npm": "kotlin-compiler@2.4.20"})
    'npm kotlin-compiler@2.4.20'
    """
    for client in ("npm", "maven"):
        if client in part:
            return f"{client} {part[client]}"
    return "debian " + part["debian"][0]


def mark(part: dict, cache: Path) -> Path:
    """File that tells which version of a part is unpacked; written last."""
    return cache / "ready" / part["name"]


def is_there(part: dict, cache: Path) -> bool:
    """Whether exactly this version of the part is unpacked."""
    return mark(part, cache).is_file() and mark(part, cache).read_text() == source(part)


def fetch(part: dict, cache: Path) -> None:
    """Fetch, check and unpack one part."""
    print(f"fetching {part['name']}: {source(part)}", flush=True)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        if "maven" in part:
            fetch_maven(part, Path(folder), cache)
        elif "npm" in part:
            fetch_npm(part, Path(folder), cache)
        else:
            fetch_debian(part, Path(folder), cache)
    mark(part, cache).parent.mkdir(exist_ok=True)
    mark(part, cache).write_text(source(part))


def run(command: list[str], folder: Path, **environment: str) -> None:
    """Run a client; its last line of error is the reason if it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=900,
        )
    except FileNotFoundError:
        raise PartMissing(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise PartMissing(f"{command[0]} did not end within 15 minutes") from None
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"\[?(E:|ERR|ERROR|npm error)", line)] or lines
        raise PartMissing(f"{command[0]} failed: {errors[0] if errors else done.returncode}")


def fetch_maven(part: dict, folder: Path, cache: Path) -> None:
    """Copy one artefact of Maven Central to ``jars/NAME.jar`` (or .aar)."""
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
    run(
        ["mvn", "-q", "-B", goal, f"-Dartifact={part['maven']}", f"-DoutputDirectory={folder}"],
        folder,
    )
    file = only(folder)
    check(file, part["sha256"])
    (cache / "jars").mkdir(exist_ok=True)
    file.replace(cache / "jars" / f"{part['name']}{file.suffix}")


def fetch_npm(part: dict, folder: Path, cache: Path) -> None:
    """Unpack one folder of a package of npm to ``NAME/``."""
    run(["npm", "pack", "--silent", part["npm"]], folder)
    file = only(folder)
    check(file, part["sha256"])
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    shutil.rmtree(cache / part["name"], ignore_errors=True)
    (folder / part["unpack"]).replace(cache / part["name"])


def fetch_debian(part: dict, folder: Path, cache: Path) -> None:
    """Unpack packages of Debian, which apt has authenticated, to ``debian/``."""
    with apt_configuration(part.get("suites", []), cache) as environment:
        for package in part["debian"]:
            name, version = package.split("=")
            run(["apt-get", "download", name], folder, **environment)
            if not list(folder.glob(f"{name}_{version.replace(':', '%3a')}_*.deb")):
                got = next(folder.glob(f"{name}_*.deb")).name
                print(f"note: {got} instead of version {version}", file=sys.stderr)
    for file in sorted(folder.glob("*.deb")):
        run(["dpkg", "-x", str(file), str(cache / "debian")], folder)
    if not (cache / "debian" / part["file"]).exists():
        raise PartMissing(f"its packages hold no {part['file']}")


@contextlib.contextmanager
def apt_configuration(suites: list[str], cache: Path) -> Iterator[dict[str, str]]:
    """Let apt see ``suites`` too, with lists of their own; nothing on the system changes."""
    if not suites:
        yield {}
        return
    folder = cache / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    lines = [f"deb {signed} {debian_mirror()} {suite} main" for suite in suites]
    (folder / "sources.list").write_text("\n".join(lines) + "\n")
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "-";\n'
        f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n'
        'Acquire::Languages "none";\n'
    )
    environment = {"APT_CONFIG": str(configuration)}
    run(["apt-get", "update"], folder, **environment)
    yield environment


def debian_mirror() -> str:
    """Address of the mirror that this machine's own sources name first."""
    files = (
        [SOURCES[0], *sorted(SOURCES[1].glob("debian*"))] if SOURCES[1].is_dir() else [SOURCES[0]]
    )
    for file in files:
        if file.is_file():
            match = re.search(
                r"^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+/debian/?)(?:\s|$)",
                file.read_text(),
                re.MULTILINE,
            )
            if match:
                return match[1]
    raise PartMissing("this machine names no mirror of Debian")


def only(folder: Path) -> Path:
    """The one file that a client left in ``folder``."""
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise PartMissing(f"the client left {len(files)} files, not one")
    return files[0]


def check(file: Path, expected: str) -> None:
    """Compare a file with its pinned SHA-256."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != expected:
        raise PartMissing(f"its SHA-256 is {digest}, not {expected}: not used")


if __name__ == "__main__":
    sys.exit(main())
