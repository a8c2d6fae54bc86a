"""Requests that a server must refuse cheaply, over gRPC and REST.

`grpc_messages` and `rest_requests` give bytes, so that a client costs little beside the server.
"""

import random
import struct

PREDICT = "/tensorflow.serving.PredictionService/Predict"


def varint(value):
    """A number as protobuf writes it."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number, content):
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def shape(*sizes):
    """The shape of a tensor."""
    return field(2, b"".join(field(2, b"\x08" + varint(size)) for size in sizes))


def message(inputs, model=b"little"):
    """A `PredictRequest` of encoded tensors by name."""
    entries = (field(2, field(1, name) + field(2, tensor)) for name, tensor in inputs.items())
    return field(1, field(1, model)) + b"".join(entries)


ONE_LENGTH = b"\x08\x03" + shape(1) + field(7, varint(16))


def repeated_floats(count):
    """A tensor of `count` numbers of which one is given."""
    return b"\x08\x01" + shape(1, count // 399, 133, 3) + field(5, struct.pack("<f", 1.0))


def repeated_strings(count):
    """A tensor of `count` strings of which one is given."""
    return b"\x08\x07" + shape(1, count) + field(8, b"x" * 16)


def grpc_messages(seed=0):
    """An endless sequence of messages to `Predict`, most of them small."""
    generator = random.Random(seed)
    good = message(
        {
            b"keypoints": b"\x08\x01" + shape(1, 4, 133, 3) + field(4, bytes(6384)),
            b"lengths": b"\x08\x03" + shape(1) + field(7, varint(4)),
        }
    )
    kinds = (
        lambda: message(
            {
                b"keypoints": repeated_floats(generator.choice([3 * 10**8, 2 * 10**9])),
                b"lengths": ONE_LENGTH,
            }
        ),
        lambda: (
            field(1, field(1, b"little") + field(3, b"serving_encoded"))
            + field(2, field(1, b"encoded") + field(2, repeated_strings(15 * 10**7)))
        ),
        lambda: message({b"keypoints": b"\x08\x01" + shape(2**62, 2**62, 133, 3)}),
        lambda: message({b"lengths": b"\x08\x03" + field(2, b"\x12\x00" * 50_000)}),
        lambda: message({b"lengths": b"\x08\x03" + shape(1) + b"\x42\x00" * 100_000}),
        lambda: message({b"keypoints": b"\x08\x02" + shape(1, 4, 133, 3), b"lengths": ONE_LENGTH}),
        lambda: message({bytes([generator.randrange(97, 123)]): ONE_LENGTH for _ in range(20)}),
        lambda: message({b"lengths": ONE_LENGTH}, bytes(generator.randbytes(8).hex(), "ascii")),
        lambda: generator.randbytes(generator.randrange(200)),
        lambda: mutated(good, generator),
        lambda: field(1, b"\x0a\x00" * generator.randrange(60_000)),
    )
    while True:
        yield generator.choice(kinds)()


def rest_requests(seed=0):
    """An endless sequence of whole HTTP requests, as bytes."""
    generator = random.Random(seed)
    digits = generator.choice
    good = b'{"instances":[{"keypoints":[[[1,2,0.5],[3,4,1]]],"lengths":1}]}'
    bodies = (
        lambda: b'{"inputs":[' + b"[]," * generator.choice([10**3, 10**6]) + b"[]]}",
        lambda: b"[" * generator.choice([10**3, 10**5]),
        lambda: b'{"inputs":{"lengths":' + b"[" * 900 + b"]" * 900 + b"}}",
        lambda: b'{"inputs":{"lengths":[' + b"9" * 4000 + b'],"keypoints":1e999}}',
        lambda: b'{"inputs":{"keypoints":[["' + b"a" * 20_000 + b'"' + b',"b"' * 50 + b"]]}}",
        lambda: b'{"instances":[' + b"{}," * 2000 + b"{}]}",
        lambda: b'{"signature_name":{},"inputs":[]}',
        lambda: b'{"signature_name":"no","inputs":{}}',
        lambda: b'\xff\xfe{"inputs"' + generator.randbytes(20),
        lambda: mutated(good, generator),
    )
    paths = (b"little", b"little", b"little", b"absent", b"little/versions/7", b"%00", b"a" * 9000)

    def request(body, path):
        head = b"POST /v1/models/" + path + b":predict HTTP/1.1\r\nHost: a\r\nContent-Length: "
        return head + str(len(body)).encode() + b"\r\n\r\n" + body

    def broken():
        text = digits(
            (
                b"GET / HTTP/9.9\r\n\r\n",
                b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n",
                b"POST /v1/models/little:predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            )
        )
        return text

    while True:
        if generator.random() < 0.15:
            yield broken()
        else:
            yield request(generator.choice(bodies)(), generator.choice(paths))


def mutated(good, generator):
    """A text with a few bytes changed, cut out or repeated."""
    changed = bytearray(good)
    for _ in range(generator.randrange(1, 5)):
        place = generator.randrange(len(changed))
        match generator.randrange(3):
            case 0:
                changed[place] = generator.randrange(256)
            case 1:
                del changed[place : place + generator.randrange(1, 9)]
            case _:
                changed[place:place] = changed[place : place + generator.randrange(1, 30)]
        if not changed:
            return b""
    return bytes(changed)
