"""Presets by name, path and address; addresses are read from servers on the loopback."""

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile

import pytest

from slr_keras.hub.preset import Preset
from slr_keras.hub.shipped import DEFAULT, folders
from slr_keras.hub.sources import preset_folder, unpack
from slr_keras.utils.errors import UserError

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def serve():
    """A function that answers GET and HEAD from a mapping of paths to (bytes, headers)."""
    servers = []

    def start(answers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self, body=True):
                content, headers = answers.get(self.path.partition("?")[0], (None, {}))
                self.send_response(404 if content is None else 200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if body:
                    self.wfile.write(content or b"")

            def do_HEAD(self):
                self.do_GET(body=False)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def archive(tmp_path):
    """A ZIP file of the default preset, and its digest."""
    file = tmp_path / "preset.zip"
    with zipfile.ZipFile(file, "w") as written:
        for path in sorted(folders()[DEFAULT].rglob("*")):
            if path.is_file():
                written.write(path, f"mine/{path.relative_to(folders()[DEFAULT])}")
    return file.read_bytes(), hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SLR_KERAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "presets"


def test_a_name_gives_the_shipped_folder_and_a_folder_itself(tmp_path):
    assert preset_folder(DEFAULT) == folders()[DEFAULT]
    copy = shutil.copytree(folders()[DEFAULT], tmp_path / "copy")
    assert preset_folder(str(copy)) == copy


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="there is no preset 'asl-wrds'; did you mean 'asl-words'"):
        preset_folder("asl-wrds")


def test_a_folder_without_preset_is_refused(tmp_path):
    with pytest.raises(UserError, match="no preset here"):
        preset_folder(str(tmp_path))


@pytest.mark.parametrize(
    "text", ["hf://one", "kaggle://a/b", "ftp://host/file.zip", "hf://a/b/../c"]
)
def test_a_malformed_address_is_refused_with_the_forms(text):
    with pytest.raises(UserError, match="no address of a preset; give hf://"):
        preset_folder(text)


def test_an_address_with_digest_is_downloaded_once(serve, archive, cache):
    content, digest = archive
    answers = {"/p.zip": (content, {})}
    url = f"{serve(answers)}/p.zip#sha256={digest}"
    folder = preset_folder(url)
    assert Preset.load(folder).name == DEFAULT
    assert cache in folder.parents
    answers.clear()
    assert preset_folder(url) == folder


def test_another_file_than_the_digest_says_is_not_used(serve, archive, cache):
    content, digest = archive
    url = serve({"/p.zip": (content + b"x", {})})
    with pytest.raises(UserError, match=f"not {digest}; it was not used"):
        preset_folder(f"{url}/p.zip#sha256={digest}")
    assert list(cache.iterdir()) == []


def test_an_address_without_digest_or_without_https_is_refused(archive):
    with pytest.raises(UserError, match="add the digest of the file"):
        preset_folder("https://example.org/p.zip")
    with pytest.raises(UserError, match="must begin with https://"):
        preset_folder(f"http://example.org/p.zip#sha256={archive[1]}")


def test_a_missing_file_on_the_server_is_one_error(serve, archive):
    with pytest.raises(UserError, match=r"cannot be downloaded.*404"):
        preset_folder(f"{serve({})}/p.zip#sha256={archive[1]}")


def zipped(tmp_path, entries):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in entries.items():
            written.writestr(name, content)
    return file


@pytest.mark.parametrize("name", ["../a", "/a", "b/../../a"])
def test_an_entry_that_leaves_the_folder_is_refused_before_anything_is_written(tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UserError, match="leaves the folder"):
        unpack(zipped(tmp_path, {"first": "x", name: "y"}), out, "a.zip")
    assert list(out.iterdir()) == []


def test_a_file_that_expands_too_much_is_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UserError, match="at most 1,000 are unpacked"):
        unpack(zipped(tmp_path, {"a": "0" * 1001}), out, "a.zip", most_bytes=1000)
    assert list(out.iterdir()) == []


def test_a_damaged_archive_is_one_error(tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="no readable ZIP file"):
        unpack(file, tmp_path, "a.zip")


def script(text: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Python in a process of its own: the libraries read their variables at import."""
    return subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_repository_of_hugging_face_is_read_through_its_library(serve, tmp_path):
    pytest.importorskip("huggingface_hub")
    folder = folders()[DEFAULT]
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    answers = {}
    for name, path in files.items():
        content = path.read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": SHA}
        answers[f"/who/what/resolve/{SHA}/{name}"] = (content, headers)
    about = {"id": "who/what", "sha": SHA, "siblings": [{"rfilename": name} for name in files]}
    tree = [
        {"type": "file", "path": n, "size": p.stat().st_size, "oid": SHA} for n, p in files.items()
    ]
    json_type = {"Content-Type": "application/json"}
    answers["/api/models/who/what/revision/main"] = (json.dumps(about).encode(), json_type)
    answers[f"/api/models/who/what/tree/{SHA}"] = (json.dumps(tree).encode(), json_type)
    text = (
        "from slr_keras.hub.preset import Preset\n"
        "from slr_keras.hub.sources import preset_folder\n"
        "print(Preset.load(preset_folder('hf://who/what')).name)"
    )
    home = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    done = script(text, HF_ENDPOINT=serve(answers), **home)
    assert done.stdout.strip() == DEFAULT, done.stderr[-2000:]


def test_a_server_of_hugging_face_that_has_nothing_is_one_error(serve, tmp_path):
    pytest.importorskip("huggingface_hub")
    text = (
        "from slr_keras.hub.sources import preset_folder\n"
        "from slr_keras.utils.errors import UserError\n"
        "try:\n    preset_folder('hf://who/what')\nexcept UserError as error:\n    print(error)"
    )
    done = script(text, HF_ENDPOINT=serve({}), HF_HOME=str(tmp_path / "hf"))
    assert done.stdout.startswith("hf://who/what: cannot be downloaded"), done.stderr[-2000:]


def test_a_model_of_kaggle_is_read_through_its_library(tmp_path):
    pytest.importorskip("kagglehub")
    place = tmp_path / "models" / "who" / "what" / "keras" / "words"
    shutil.copytree(folders()[DEFAULT], place / "3")
    (place / "3.complete").touch()
    text = (
        "from slr_keras.hub.preset import Preset\n"
        "from slr_keras.hub.sources import preset_folder\n"
        "print(Preset.load(preset_folder('kaggle://who/what/keras/words/3')).name)"
    )
    done = script(text, KAGGLEHUB_CACHE=str(tmp_path))
    assert done.stdout.strip().splitlines()[-1:] == [DEFAULT], done.stderr[-2000:]
