"""Faults of clients, networks and disks, and the answer that each of them gets."""

import contextlib
import io
import shutil
import signal
import socket
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from export.serving.client import Settings
from export.serving.connect import connect
from export.serving.failure import public
from slr_keras.utils.errors import UserError

ONCE = Settings(retries=0, timeout=20.0)


@pytest.fixture(scope="module")
def server(little, published, tmp_path_factory):
    """Of this project, whatever else the other tests ask."""
    folder = tmp_path_factory.mktemp("faults")
    little.configure(folder, published, policy="all")
    with little.serving(folder, largest=2**20, body_seconds=1.0) as server:
        yield server


def url(server, name="grpc"):
    return f"{getattr(server, name)}/little"


@contextlib.contextmanager
def raw(server, head):
    """A connection on which the beginning of a request was sent."""
    host, port = urlsplit(server.rest).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        yield connection


@pytest.mark.parametrize("name", ["grpc", "rest"])
def test_a_wrong_dtype_is_refused_by_name(server, little, name):
    clip = little.clips(1, 9)
    clip["lengths"] = clip["lengths"].astype("float32") + 0.5
    with connect(url(server, name)) as client, pytest.raises(UserError, match=r"'lengths'.*int32"):
        client.predict(clip)


@pytest.mark.parametrize("name", ["grpc", "rest"])
@pytest.mark.parametrize("length", [0, -1, 10])
def test_a_length_beyond_the_clip_is_refused(server, little, name, length):
    clip = little.clips(1, 9)
    clip["lengths"][0] = length
    with connect(url(server, name)) as client, pytest.raises(UserError, match="9 frames"):
        client.predict(clip)


def test_a_clip_that_is_too_long_is_told_of_windows(server, little):
    with connect(url(server)) as client, pytest.raises(UserError, match=r"up to 64.*windows"):
        client.predict(little.clips(1, 65))


def test_more_clips_than_a_batch_holds_are_refused(server, little):
    with connect(url(server)) as client, pytest.raises(UserError, match="9 clips, at most 8"):
        client.predict(little.clips(9, 4))


@pytest.mark.parametrize("name", ["grpc", "rest"])
def test_a_truncated_jpeg_is_refused_without_a_word_of_the_machine(server, name, tmp_path):
    from PIL import Image

    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "JPEG")
    inputs = {
        "encoded": np.array([[file.getvalue()[:200]]], object),
        "lengths": np.array([1], "int32"),
    }
    with connect(url(server, name)) as client, pytest.raises(UserError) as caught:
        client.predict(inputs, "serving_encoded")
    assert "the model refuses the request" in str(caught.value)
    assert "/" not in str(caught.value).removeprefix(url(server, name))
    assert "{{" not in str(caught.value)


def test_a_clip_that_the_graph_refuses_spoils_no_other_of_its_batch(server, little, published):
    good, bad = little.clips(1, 9), little.clips(1, 9, seed=1)
    bad["keypoints"][0, 0, 0, 0] = 1e7
    wanted = little.expected(published / "2", good)["logits"][:, :2]
    found = {}

    def ask(name, clip):
        with connect(url(server), ONCE) as client:
            try:
                found[name] = client.predict(clip)["logits"]
            except UserError as error:
                found[name] = str(error)

    threads = [threading.Thread(target=ask, args=(f"good {n}", good)) for n in range(6)]
    threads += [threading.Thread(target=ask, args=("bad", bad))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "a point is too far" in found.pop("bad")
    assert all(np.abs(value - wanted).max() <= 1e-5 for value in found.values())


def test_a_gigabyte_is_refused_before_it_is_sent(server):
    head = (
        "POST /v1/models/little:predict HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {2**30}\r\nExpect: 100-continue\r\n\r\n"
    )
    with raw(server, head) as connection:
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"HTTP/1.1 413 " in answer


def test_a_body_without_end_is_refused_at_the_limit(server):
    def parts():
        for _ in range(64):
            yield b" " * 2**18

    try:
        found = requests.post(f"{server.rest}/v1/models/little:predict", data=parts(), timeout=20)
    except requests.exceptions.ConnectionError:
        # The server has closed the connection while the client still wrote.
        return
    assert found.status_code == 413


def test_a_message_that_is_too_large_is_refused_over_grpc(server, little):
    with connect(url(server), ONCE) as client, pytest.raises(UserError, match="larger than max"):
        client.predict(little.clips(8, 90))


def test_a_slow_client_gets_no_answer_and_keeps_nobody_waiting(server, little):
    head = "POST /v1/models/little:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{"
    with raw(server, head) as connection, connect(url(server, "rest"), ONCE) as other:
        started = time.monotonic()
        other.predict(little.clips(1, 9))
        assert time.monotonic() - started < 1.0
        assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]


def test_a_full_queue_says_so_and_the_client_asks_again(little, published, tmp_path):
    from export.serving.config import Batching

    little.configure(tmp_path, published, batching=Batching(2, 0.4, 1, 1, (1, 2)))
    with little.serving(tmp_path) as server:
        codes = []

        def ask():
            body = {name: value.tolist() for name, value in little.clips(1, 9).items()}
            answer = requests.post(
                f"{server.rest}/v1/models/little:predict", json={"inputs": body}, timeout=20
            )
            codes.append((answer.status_code, answer.json().get("error", "")))

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {code for code, _ in codes} == {200, 429}
        assert all("queue is full" in error for code, error in codes if code == 429)

        found = []

        def insist():
            with connect(url(server), Settings(retries=20)) as client:
                found.append(client.predict(little.clips(1, 9))["lengths"].tolist())

        threads = [threading.Thread(target=insist) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [[2]] * 12


def damaged(little, folder, how):
    version = little.publish(folder, 3, seed=3)
    if how == "manifest":
        with open(version / "assets" / "labels.txt", "a") as file:
            file.write("MORE\n")
    else:
        (version / "saved_model.pb").write_bytes(b"not a graph")
        (version / "manifest.json").unlink()
    return version


@pytest.mark.parametrize("how", ["manifest", "graph"])
def test_a_damaged_version_leaves_the_one_before_in_service(little, published, tmp_path, how):
    base = tmp_path / "little"
    shutil.copytree(published / "1", base / "1")
    little.configure(tmp_path, base)
    clip = little.clips(1, 9)
    with little.serving(tmp_path, poll=60) as server, connect(url(server), ONCE) as client:
        before = client.predict(clip)["logits"]
        damaged(little, base, how)
        server.repository.scan()
        assert client.states() == {3: "END", 1: "AVAILABLE"}
        np.testing.assert_array_equal(client.predict(clip)["logits"], before)
        told = requests.get(f"{server.rest}/v1/models/little/versions/3", timeout=20).text
        assert "cannot be loaded" in told
        assert str(tmp_path) not in told


def test_versions_change_under_load_without_a_failed_request(little, published, tmp_path):
    base = tmp_path / "little"
    shutil.copytree(published / "1", base / "1")
    little.configure(tmp_path, base)
    clip = little.clips(1, 9)
    wanted = {
        version: little.expected(published / str(version), clip)["logits"][:, :2]
        for version in (1, 2)
    }
    stop, wrong, seen = threading.Event(), [], set()

    def ask(server, name):
        with connect(url(server, name), ONCE) as client:
            while not stop.is_set():
                try:
                    found = client.predict(clip)["logits"]
                except UserError as error:
                    wrong.append(str(error))
                    return
                hits = [v for v, value in wanted.items() if np.abs(found - value).max() <= 1e-5]
                seen.update(hits)
                if len(hits) != 1:
                    wrong.append("an answer of neither version")

    with little.serving(tmp_path, poll=0.05) as server:
        threads = [
            threading.Thread(target=ask, args=(server, name)) for name in ("grpc", "rest") * 3
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        shutil.copytree(published / "2", base / ".2-copy")
        (base / ".2-copy").rename(base / "2")
        end = time.monotonic() + 20
        with connect(url(server), ONCE) as client:
            while client.states().get(1) != "END" and time.monotonic() < end:
                time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert seen == {1, 2}


def test_a_label_moves_when_the_configuration_changes(little, published, tmp_path):
    clip = little.clips(1, 9)
    both = {"policy": "specific", "versions": (1, 2)}
    little.configure(tmp_path, published, labels={"stable": 1, "canary": 2}, **both)
    with little.serving(tmp_path, poll=60) as server:
        with connect(f"{url(server)}/labels/stable") as client:
            first = client.predict(clip)["logits"]
            little.configure(tmp_path, published, labels={"stable": 2}, **both)
            server.repository.scan()
            second = client.predict(clip)["logits"]
        assert np.abs(first - second).max() > 1e-3
        (tmp_path / "models.config").write_text("model_config_list {")
        server.repository.scan()
        with connect(f"{url(server)}/labels/stable") as client:
            np.testing.assert_array_equal(client.predict(clip)["logits"], second)


def test_a_server_that_is_killed_is_a_clear_error_and_one_that_is_told_to_end_answers_first(
    little, tmp_path
):
    # Products that take about a second, so that the request is still there.
    little.publish(tmp_path / "little", 1, work=2500)
    little.configure(tmp_path, tmp_path / "little")
    clip = little.clips(1, 9)
    found = {}

    def ask(name, address):
        with connect(f"{address}/little", ONCE) as client:
            try:
                found[name] = client.predict(clip)["lengths"].tolist()
            except UserError as error:
                found[name] = str(error)

    for number in (signal.SIGTERM, signal.SIGKILL):
        found.clear()
        with little.running(tmp_path) as server:
            address = {"grpc": server.grpc, "rest": server.rest}
            threads = [threading.Thread(target=ask, args=pair) for pair in address.items()]
            for thread in threads:
                thread.start()
            time.sleep(0.4)
            server.process.send_signal(number)
            for thread in threads:
                thread.join()
            code = server.process.wait(20)
        if number == signal.SIGTERM:
            assert found == {"grpc": [2], "rest": [2]}
            assert code == 0, server.log.read_text()
        else:
            assert all("cannot be reached" in error for error in found.values()), found
    with connect(f"{server.grpc}/little", Settings(retries=1, first_pause=0.01)) as client:
        assert not client.is_ready()
        with pytest.raises(UserError, match=r"cannot be reached.*2 times"):
            client.predict(clip)


@pytest.mark.parametrize(
    "text",
    [
        "failed at /work/a/b.py line 3",
        "{{function_node __wrapped}} no file ~/models/x/1/variables",
        "2 root error(s) found.\n  (0) INVALID_ARGUMENT: bad [[{{node a/b}}]]\n  (1) /tmp/x/y",
        "File C:\\Users\\me\\x.py",
    ],
)
def test_no_path_of_the_machine_is_in_a_message(text):
    found = public(text)
    assert found
    assert not any(part in found for part in ("work", "models", "tmp", "Users", "{{", "node"))
