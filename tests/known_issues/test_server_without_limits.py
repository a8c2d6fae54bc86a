"""The development server read before it asked for the token, took any number of requests at once,
and wrote four lines or more into its log for a bad request (13,000 requests wrote 53,000 lines).
"""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import grpc
import hostile_requests as hostile
import pytest
import requests

TOKEN = "a token of this test"
HEAD = b"POST /v1/models/little:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{"


@pytest.fixture(scope="module")
def config(little, tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    little.publish(folder / "little", 1)
    return little.configure(folder, folder / "little")


def address(server):
    host, port = urlsplit(server.rest).netloc.split(":")
    return host, int(port)


def channel_to(server):
    return grpc.insecure_channel(server.grpc.removeprefix("grpc://"))


def test_the_token_is_asked_for_before_a_message_is_read(little, config):
    from export.serving.guard import Guard

    ended = threading.Event()

    def endless():
        ended.wait(20)
        yield b""

    with little.serving(config, Guard(TOKEN)) as server:
        with channel_to(server) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(hostile.PREDICT)(endless(), timeout=10)
        ended.set()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_client_that_never_sends_its_message_is_ended(little, config):
    ended = threading.Event()

    def endless():
        ended.wait(20)
        yield b""

    with little.serving(config, body_seconds=0.5) as server:
        with channel_to(server) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(hostile.PREDICT)(endless(), timeout=10)
        ended.set()
    assert "did not arrive" in caught.value.details()


def test_requests_beyond_the_limit_are_told_at_once_to_try_again(little, config):
    with little.serving(config, calls=2) as server, contextlib.ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(socket.create_connection(address(server), timeout=20))
            connection.sendall(HEAD)
        time.sleep(0.2)
        started = time.monotonic()
        answer = requests.post(f"{server.rest}/v1/models/little:predict", data=b"{}", timeout=20)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        with channel_to(server) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(hostile.PREDICT)(b"", timeout=20)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert time.monotonic() - started < 1.0
        # The states of the models are told even then.
        assert requests.get(f"{server.rest}/v1/models/little", timeout=20).ok


def test_slow_clients_give_their_places_to_others(little, config):
    with little.serving(config, calls=2) as server, contextlib.ExitStack() as stack:
        slow = []
        for _ in range(2):
            slow.append(stack.enter_context(socket.create_connection(address(server), timeout=20)))
            slow[-1].sendall(HEAD)
        time.sleep(1.3)
        answer = requests.post(f"{server.rest}/v1/models/little:predict", data=b"{}", timeout=20)
        assert answer.status_code == 400
        assert b" 503 " in slow[0].recv(4096).split(b"\r\n")[0]


def test_bad_requests_do_not_fill_the_log(little, config):
    with little.running(config) as server:
        for _ in range(300):
            with socket.create_connection(address(server), timeout=20) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n")
                connection.recv(4096)
        lines = server.log.read_text().count("\n")
    assert lines < 200
