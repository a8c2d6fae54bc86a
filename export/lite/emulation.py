"""ARM64 emulation for the TFLite runtime: Debian packages and two wheels under qemu.

The packages are unpacked into a folder, not installed, and qemu-aarch64-static runs their Python as
the current user. The emulation shows the results of the runtime's ARM kernels. It is no Android
device, and its run times are meaningless.
"""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from slr_keras.bundle.interpreter import Launcher
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text
from slr_keras.utils.published_folder import published_folder

QEMU = "qemu-aarch64-static"
TOOLS = (QEMU, "apt-get", "dpkg")
#: Processors without and with 8-bit dot product instructions.
CPUS = ("cortex-a53", "cortex-a76")
# 1.4.0 is the newest version that computed correctly and did not crash under qemu 7.2.
RUNTIME = "ai-edge-litert==1.4.0"
PINNED = f"""\
{RUNTIME} --hash=sha256:131d1c12dedc0c45aa683106d71ea895117c2332b0efb52712965f8b5e63781d
numpy==2.3.5 --hash=sha256:3095bdb8dd297e5920b010e96134ed91d852d81d490e787beca7e35ae1d89cf7
"""
PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libbz2-1.0"),
    *("liblzma5", "libssl3", "libsqlite3-0", "libuuid1", "libcrypt1"),
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
)
PYTHON = "usr/bin/python3.11"
SITE = "site"
MARK = "complete"


def missing_tools() -> list[str]:
    """Tools that still have to be installed: qemu, and those of Debian.

    >>> from export.lite.emulation import missing_tools
    >>> isinstance(missing_tools(), list)
    True
    """
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def default_folder() -> Path:
    """Folder that keeps the system between runs."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "slr_keras", "arm64")


def arm_launcher(cpu: str = CPUS[-1], folder: Path | None = None) -> Launcher:
    """The Python of the ARM system on an emulated processor; creates the system if necessary.

    Args:
        cpu: processor name of qemu.
        folder: of the system, about 140 MB.

    Raises:
        UserError: a tool is missing, or packages cannot be obtained.
    """
    if missing := missing_tools():
        raise UserError(
            f"running ARM code needs {', '.join(missing)}: a Debian with `apt-get install "
            "qemu-user-static`"
        )
    folder = folder or default_folder()
    if not _complete(folder):
        _make(folder)
    command = (QEMU, "-cpu", cpu, "-L", str(folder), str(folder / PYTHON))
    return Launcher(command, {"PYTHONPATH": str(folder / SITE), "PYTHONHOME": ""})


def _complete(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_text() == _contents()


def _contents() -> str:
    return "\n".join([*PACKAGES, PINNED])


def _make(folder: Path) -> None:
    """Unpack into a working folder, which is published when the system is complete."""
    with published_folder(folder) as system:
        scratch = system.parent
        system.mkdir()
        for package in _debian_packages(Path(scratch, "debian")):
            _run(["dpkg", "-x", str(package), str(system)], "unpacking a package")
        for wheel in _wheels(Path(scratch, "wheels")):
            _unzip(wheel, system / SITE)
        write_text(system / MARK, _contents())


def _debian_packages(folder: Path) -> list[Path]:
    """ARM64 packages from the package sources of this machine; apt checks the signatures."""
    places = [folder / name for name in ("lists/partial", "cache/archives/partial", "found")]
    for place in places:
        place.mkdir(parents=True)
    options = [
        "-oAPT::Architecture=arm64",
        "-oAPT::Architectures=arm64",
        f"-oDir::State::Lists={folder / 'lists'}",
        f"-oDir::Cache={folder / 'cache'}",
        "-oDir::State::status=/dev/null",
        "-oAPT::Sandbox::User=",
    ]
    _run(["apt-get", *options, "update"], "reading Debian's package lists")
    _run(["apt-get", *options, "download", *PACKAGES], "getting Debian's packages", places[-1])
    return sorted(places[-1].glob("*.deb"))


def _wheels(folder: Path) -> list[Path]:
    folder.mkdir()
    requirements = folder / "requirements.txt"
    requirements.write_text(PINNED)
    platforms = ("manylinux_2_17_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", *(f"--platform={name}" for name in platforms)]
    command += ["--python-version=3.11", "--implementation=cp", "--abi=cp311"]
    _run([*command, "-d", str(folder), "-r", str(requirements)], "getting the runtime for ARM")
    return sorted(folder.glob("*.whl"))


def _unzip(wheel: Path, to: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise UserError(f"{wheel.name}: a file of it would lie outside: {name}")
        archive.extractall(to)


def _run(command: list[str], step: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise UserError(f"{step} for the ARM system failed: {lines[0]}")


def host() -> str:
    """Processor architecture of this machine, such as `x86_64`."""
    return platform.machine()
