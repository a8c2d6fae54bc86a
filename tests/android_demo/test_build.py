"""The Android demo: what its two builders share, what may not be in it, and its bytes."""

import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

DEMO = Path(__file__).resolve().parent.parent.parent / "android_demo"
RESOURCES = DEMO / "app" / "src" / "main" / "res"
ANDROID = "{http://schemas.android.com/apk/res/android}"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")


def catalogue() -> dict:
    return tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text())


def strings(folder: str) -> dict[str, str]:
    root = ElementTree.parse(RESOURCES / folder / "strings.xml").getroot()
    return {entry.get("name"): entry.text for entry in root.iter("string")}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\d\$[.\d]*[a-z]", text))


def kotlin(*folders: str) -> list[Path]:
    return [file for folder in folders for file in (DEMO / folder).rglob("*.kt")]


def test_every_version_that_gradle_or_the_toolchain_names_is_in_the_catalogue():
    versions = catalogue()["versions"]
    for kind in ("libraries", "plugins"):
        for name, entry in catalogue()[kind].items():
            assert entry["version"]["ref"] in versions, name
    parts = tomllib.loads((DEMO / "tools" / "toolchain.toml").read_text())["part"]
    for part in parts:
        named = re.findall(r"{([\w-]+)}", part.get("maven", part.get("npm", "")))
        assert set(named) <= set(versions), part["name"]
    for script in ("build_apk.sh", "test_core.sh"):
        named = re.findall(r"version ([a-z-]+)\)", (DEMO / script).read_text())
        assert set(named) <= set(versions), script
    for file in (DEMO / "app", DEMO / "core"):
        used = re.findall(
            r"libs\.versions\.([\w.]+?)\.get", (file / "build.gradle.kts").read_text()
        )
        assert {name.replace(".", "-") for name in used} <= set(versions)


def test_both_builders_take_the_same_tensorflow_lite_and_kotlin():
    parts = {
        part["name"]: part
        for part in tomllib.loads((DEMO / "tools" / "toolchain.toml").read_text())["part"]
    }
    modules = {entry["module"] for entry in catalogue()["libraries"].values()}
    for name in ("tensorflow-lite", "tensorflow-lite-api"):
        module, version = parts[name]["maven"].removesuffix(":aar").rsplit(":", 1)
        assert module in modules
        assert version == "{tensorflow-lite}"
    assert parts["kotlinc"]["npm"].endswith("@{kotlin}")


def test_every_part_of_the_toolchain_is_pinned():
    for part in tomllib.loads((DEMO / "tools" / "toolchain.toml").read_text())["part"]:
        if "debian" in part:
            assert all("=" in package for package in part["debian"]), part["name"]
        else:
            assert re.fullmatch(r"[0-9a-f]{64}", part["sha256"]), part["name"]


def test_english_and_german_say_the_same_things_with_the_same_placeholders():
    english, german = strings("values"), strings("values-de")
    assert english.keys() == german.keys()
    for name, text in english.items():
        assert placeholders(text) == placeholders(german[name]), name


def test_every_string_that_is_used_is_there_and_every_one_that_is_there_is_used():
    sources = kotlin("app") + list((DEMO / "app").rglob("*.xml"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    used = set(re.findall(r"(?:R\.string\.|@string/)(\w+)", text))
    assert used == strings("values").keys()


def test_no_text_that_is_shown_is_written_into_a_layout():
    for file in [*RESOURCES.glob("layout*/*.xml"), *RESOURCES.glob("menu/*.xml")]:
        for element in ElementTree.parse(file).iter():
            for name in ("text", "title", "contentDescription", "hint"):
                value = element.get(ANDROID + name)
                assert value is None or value.startswith("@string/"), (file.name, value)


def test_text_grows_with_the_size_that_the_user_chose():
    for file in RESOURCES.glob("layout*/*.xml"):
        for element in ElementTree.parse(file).iter():
            size = element.get(ANDROID + "textSize")
            assert size is None or size.endswith("sp"), (file.name, size)


def test_the_app_may_use_the_camera_and_no_network():
    manifest = ElementTree.parse(DEMO / "app" / "src" / "main" / "AndroidManifest.xml")
    permissions = {entry.get(ANDROID + "name") for entry in manifest.iter("uses-permission")}
    assert permissions == {"android.permission.CAMERA"}


def test_the_core_knows_no_android_and_one_file_knows_tensorflow_lite():
    imports = re.compile(r"^import (androidx?\.|org\.tensorflow)", re.MULTILINE)
    assert not [file for file in kotlin("core") if imports.search(file.read_text())]
    lite = [
        file.name for file in kotlin("app", "core") if "import org.tensorflow" in file.read_text()
    ]
    assert lite == ["TfliteEngine.kt"]


def test_a_file_of_the_app_has_less_than_300_lines():
    for file in kotlin("app"):
        assert len(file.read_text().splitlines()) < 300, file.name


def test_the_same_parts_make_the_same_bytes_and_what_is_mapped_is_aligned(tmp_path):
    stage = tmp_path / "stage"
    files = {
        "lib/x86_64/a.so": b"s" * 5000,
        "assets/m.tflite": b"t" * 777,
        "classes.dex": b"d" * 99,
        "AndroidManifest.xml": b"m" * 3,
    }
    for name, content in files.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_bytes(content)
    archives = [tmp_path / "one.apk", tmp_path / "two.apk"]
    for archive in archives:
        subprocess.run(
            [sys.executable, str(DEMO / "tools" / "pack_apk.py"), str(stage), str(archive)],
            check=True,
        )
        for file in stage.rglob("*"):
            os.utime(file, (0, 0))
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as apk:
        assert {name: apk.read(name) for name in apk.namelist()} == files
        for name, unit in (("lib/x86_64/a.so", 16384), ("assets/m.tflite", 4)):
            assert apk.getinfo(name).compress_type == zipfile.ZIP_STORED
            assert archives[0].read_bytes().index(files[name]) % unit == 0


def test_a_folder_that_is_no_bundle_is_refused_in_a_sentence(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            str(DEMO / "tools" / "bundle_files.py"),
            str(tmp_path),
            str(tmp_path / "to"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "metadata.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bundle_for_a_phone_is_flat_and_holds_no_more_than_the_app_reads(tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    names = ("keypoints.json", "labels.txt", "stream_dynamic.tflite", "model_64.tflite")
    for name in names:
        (bundle / name).write_bytes(name.encode())
    digest = hashlib.sha256(b"stream_dynamic.tflite").hexdigest()
    entry = {"file": "stream_dynamic.tflite", "sha256": digest}
    metadata = json.dumps({"streaming": {"files": {"dynamic": entry}}})
    (bundle / "metadata.json").write_text(metadata)
    command = [sys.executable, str(DEMO / "tools" / "bundle_files.py"), str(bundle)]
    subprocess.run([*command, str(tmp_path / "phone.zip")], check=True)
    with zipfile.ZipFile(tmp_path / "phone.zip") as archive:
        packed = {name for name in archive.namelist() if not name.endswith("/")}
    assert packed == {f"bundle/{name}" for name in (*names[:3], "metadata.json")}
    (bundle / "stream_dynamic.tflite").write_bytes(b"another")
    done = subprocess.run([*command, str(tmp_path / "to")], capture_output=True, text=True)
    assert done.returncode == 2
    assert "not the file that was verified" in done.stderr


def test_a_toolchain_that_is_not_there_is_named_part_by_part(tmp_path):
    done = subprocess.run(
        [sys.executable, str(DEMO / "tools" / "toolchain.py"), "--offline", "--cache", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    parts = tomllib.loads((DEMO / "tools" / "toolchain.toml").read_text())["part"]
    missing = re.findall(r"^missing: ([\w-]+) \(", done.stderr, re.MULTILINE)
    assert missing == [part["name"] for part in parts]


@pytest.mark.parametrize(
    "tool", ["toolchain", "pack_apk", "manifest", "bundle_files", "compare_glosses"]
)
def test_the_examples_of_the_tools_run(tool):
    done = subprocess.run(
        [sys.executable, "-m", "doctest", str(DEMO / "tools" / f"{tool}.py")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=1200
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def apks(tmp_path_factory) -> list[Path]:
    """Two builds from scratch in different folders, without models."""
    if not shutil.which("javac") or not shutil.which("apt-get"):
        pytest.skip("a JDK and apt-get are needed to build the APK")
    folder = tmp_path_factory.mktemp("apk")
    files = []
    for name in ("one", "two"):
        out = folder / name
        target = out / "demo.apk"
        _run(str(DEMO / "build_apk.sh"), "--to", str(target), SLR_ANDROID_OUT=str(out))
        files.append(target)
    return files


@pytest.mark.long
def test_two_builds_give_the_same_bytes(apks):
    assert filecmp.cmp(apks[0], apks[1], shallow=False)


@pytest.mark.long
def test_the_apk_holds_tensorflow_lite_for_three_processors_stored(apks):
    with zipfile.ZipFile(apks[0]) as apk:
        for abi in ABIS:
            library = apk.getinfo(f"lib/{abi}/libtensorflowlite_jni.so")
            assert library.compress_type == zipfile.ZIP_STORED
        assert {name.split("/")[1] for name in apk.namelist() if name.startswith("lib/")} == set(
            ABIS
        )


@pytest.mark.long
def test_the_core_passes_its_tests_as_class_files_and_as_the_dex_in_the_apk(apks):
    told = _run(
        str(DEMO / "test_core.sh"), "--apk", str(apks[0]), SLR_ANDROID_OUT=str(apks[0].parent)
    )
    successful = [int(count) for count in re.findall(r"\[ *(\d+) tests successful", told)]
    assert len(successful) == 2
    assert successful[0] == successful[1] > 0


@pytest.mark.long
def test_ktlint_and_detekt_have_nothing_to_say(apks):
    _run(str(DEMO / "lint.sh"))
