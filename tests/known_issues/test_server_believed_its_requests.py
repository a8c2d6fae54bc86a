"""The development server expanded what a request named before it compared it with the model.

A gRPC message of 69 bytes names a shape and one value that stands for all: 3e8 numbers took 18 s
and 1.1 GB, 1.5e8 strings 41 s and 4.7 GB. Over REST, 4 MB of `[],` took 5.8 s. One long text among
short ones took the square of their sizes, since an array of texts has rows of the longest.
"""

import resource
import time

import grpc
import hostile_requests as hostile
import pytest
import requests


@pytest.fixture(scope="module")
def server(little, tmp_path_factory):
    folder = tmp_path_factory.mktemp("believed")
    little.publish(folder / "little", 1, pictures=True)
    little.configure(folder, folder / "little")
    with little.serving(folder) as server:
        yield server


def asked(server, message):
    """Status code, CPU seconds of server and client, and growth of the largest memory in MB."""
    with grpc.insecure_channel(server.grpc.removeprefix("grpc://")) as channel:
        call = channel.unary_unary(hostile.PREDICT)
        before, used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        with pytest.raises(grpc.RpcError) as caught:
            call(message, timeout=120)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return caught.value.code().name, time.process_time() - used, grown / 1024


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("numbers by a repeat", {b"keypoints": hostile.repeated_floats(3 * 10**8)}),
        ("strings by a repeat", {b"keypoints": hostile.repeated_strings(2 * 10**7)}),
        ("strings without bytes", {b"lengths": b"\x08\x07" + b"\x42\x00" * 10**6}),
        ("sizes without bytes", {b"lengths": b"\x08\x03" + hostile.field(2, b"\x12\x00" * 10**6)}),
    ],
)
def test_a_tensor_is_refused_by_its_shape_before_it_is_expanded(server, name, content):
    whole = {b"keypoints": hostile.ONE_LENGTH, b"lengths": hostile.ONE_LENGTH} | content
    code, seconds, grown = asked(server, hostile.message(whole))
    assert code == "INVALID_ARGUMENT"
    assert seconds < 1.0
    assert grown < 100


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":[' + b"[]," * 1_300_000 + b"[]]}",
        b'{"inputs":{"keypoints":["' + b"a" * 10**6 + b'"' + b',"b"' * 500 + b'],"lengths":[1]}}',
        b'{"instances":[' + b"{}," * 1_300_000 + b"{}]}",
    ],
    ids=["lists", "texts", "objects"],
)
def test_json_of_more_values_than_the_model_takes_is_refused_before_it_is_parsed(server, body):
    before, used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    answer = requests.post(f"{server.rest}/v1/models/little:predict", data=body, timeout=120)
    assert answer.status_code == 400
    assert time.process_time() - used < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_a_value_that_stands_for_all_is_taken_where_the_shape_fits(server, little):
    message = hostile.message(
        {b"keypoints": hostile.repeated_floats(399 * 16), b"lengths": hostile.ONE_LENGTH}
    )
    with grpc.insecure_channel(server.grpc.removeprefix("grpc://")) as channel:
        assert b"logits" in channel.unary_unary(hostile.PREDICT)(message, timeout=60)
