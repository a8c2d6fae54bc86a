"""Seeded mutations of files: of bytes, of text, of JSON, and of the entries of zip archives."""

import io
import json
import random
import struct
import zipfile

NUMBERS = (
    "0", "-1", "1", "1e400", "-1e400", "NaN", "Infinity", "1e-320", "2147483648", "4294967295",
    "-9223372036854775808", "18446744073709551616", "9" * 401, "9" * 5000, "0x10", "1_000",
    "1.5", "true",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 1e308, -0.0, "", "a", "\x00", "é", "\ud800",
    "x" * 3000, [], {}, [[]], [None], {"": 0}, [[[[]]]] * 20, list(range(300)), float("nan"),
    float("inf"),
)  # fmt: skip
PIECES = (
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n\n", b"\t", b",", b";",
    b'"', b"'", b"\x85", b"\xe2\x80\xa8", b"\xc3\x28", b"{", b"}", b"[", b"]", b"(", b")", b"<",
    b"&", b"*", b"@", b"!!", b"%", b"{ a / b }", b"((UH))", b"../", b"sep=;\n", b" " * 70,
    b"e\xcc\x81", b"\x1a", b"\\", b"#", b": ", b"- ",
)  # fmt: skip
# Values of YAML after "key: ".
YAML = (
    "2001-99-99", "!!int abc", "!!binary x", "!!python/object:os.system a", "&a [*a]", "*b",
    "{<<: [{a: 1}, {b: 2}]}", "[" * 1000, "? x", "|", ">-", "0o17", "1:60:60", ".nan", "-.inf", "~",
    "[]", "{}", "'", "&a [&b [a, a, a, a, a, a, a, a], *b, *b, *b, *b, *b, *b, *b]", "12e999",
    "4294967296", "[1, [2, {}]]", "\"\\0\"", "!!set {a}", "!!timestamp 0", "yes", "0x1F",
)  # fmt: skip
DTYPES = (b"|O", b"<f8", b">i8", b"|S9", b"<c16", b"<M8[s]", b"|V0", b"<U99999999")
SIZES = (b"99999999, ", b"-1, ", b"0, ", b"4294967296, 4294967296, ")
INTEGERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63,
    2**64 - 1,
)


def mutated(data: bytes, others: list[bytes], generator: random.Random) -> bytes:
    """A damaged copy of a file.

    Args:
        data: the file.
        others: files of the same format, for splices.
        generator: decides everything.
    """
    for _ in range(generator.choice((1, 1, 1, 2, 4, 8))):
        data = generator.choice(_kinds(data))(data, others, generator)
    return data


def _kinds(data: bytes):
    """Mutations that fit the content; those that keep its form are as frequent as the others."""
    plain = [_bits, _cut, _truncate, _repeat, _splice, _integer, _zeros]
    if _is_text(data):
        plain += [_piece, _piece, _number, _number, _lines, _lines, _pair, _grow]
    formal = []
    if data[:1] in (b"{", b"["):
        formal = [_json]
    elif data[:2] == b"PK":
        formal = [_archive]
    elif data[:6] == b"\x93NUMPY":
        formal = [_numpy_header]
    elif data[8:9] == b"{":
        formal = [_safetensors_header]
    return plain + formal * len(plain)


def _is_text(data: bytes) -> bool:
    head = data[:2000]
    return bool(head) and sum(byte < 9 or 13 < byte < 32 for byte in head) * 20 < len(head)


def _place(data: bytes, generator: random.Random) -> int:
    # Half of all changes are near the beginning, where headers are.
    size = len(data) if generator.random() < 0.5 else min(len(data), 200)
    return generator.randrange(size) if size else 0


def _bits(data, _, generator):
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[_place(changed, generator)] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _cut(data, _, generator):
    start = _place(data, generator)
    return data[:start] + data[start + generator.choice((1, 2, 4, 16, 200)) :]


def _truncate(data, _, generator):
    return data[: _place(data, generator)]


def _repeat(data, _, generator):
    start = _place(data, generator)
    piece = data[start : start + generator.choice((1, 4, 32, 300))]
    return data[:start] + piece * generator.choice((2, 3, 50)) + data[start:]


def _splice(data, others, generator):
    other = generator.choice(others)
    return data[: _place(data, generator)] + other[_place(other, generator) :]


def _integer(data, _, generator):
    size, code = generator.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    value = generator.choice(INTEGERS) & (256**size - 1)
    start = _place(data, generator)
    return data[:start] + struct.pack(generator.choice("<>") + code, value) + data[start + size :]


def _zeros(data, _, generator):
    start, size = _place(data, generator), generator.choice((4, 16, 128))
    return data[:start] + generator.choice((b"\x00", b"\xff")) * size + data[start + size :]


def _piece(data, _, generator):
    start = _place(data, generator)
    piece = generator.choice(PIECES) * generator.choice((1, 1, 1, 3, 200))
    return data[:start] + piece + data[start + generator.choice((0, 0, 1)) :]


def _grow(data, _, generator):
    return data + generator.choice(PIECES) * generator.choice((1000, 20_000))


def _number(data, _, generator):
    digits = [place for place, byte in enumerate(data[:100_000]) if 48 <= byte < 58]
    if not digits:
        return data
    start = end = generator.choice(digits)
    while end < len(data) and (48 <= data[end] < 58 or data[end] == 46):
        end += 1
    return data[:start] + generator.choice(NUMBERS).encode() + data[end:]


def _pair(data, _, generator):
    """Replaces what follows a colon, or a field of a table."""
    mark = b": " if b": " in data else generator.choice((b" ", b",", b"\t", b"|"))
    pieces = data.split(mark)
    row = generator.randrange(len(pieces))
    value = generator.choice(YAML if mark == b": " else NUMBERS).encode()
    _, line, rest = pieces[row].partition(b"\n")
    pieces[row] = value + line + rest
    return mark.join(pieces)


def _lines(data, _, generator):
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    row = generator.randrange(len(lines))
    match generator.randrange(5):
        case 0:
            del lines[row]
        case 1:
            lines.insert(row, lines[generator.randrange(len(lines))])
        case 2:
            fields = lines[row].split()
            generator.shuffle(fields)
            lines[row] = b" ".join(fields[: generator.randrange(1, 9)]) + b"\n"
        case 3:
            generator.shuffle(lines)
        case _:
            lines[row] = b"\n"
    return b"".join(lines)


def _json(data, _, generator):
    lines = data.split(b"\n")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        row = generator.randrange(len(lines))
        try:
            lines[row] = _dumped(_changed(json.loads(lines[row]), generator))
        except (ValueError, RecursionError):
            return data
        return b"\n".join(lines)
    return _dumped(_changed(value, generator))


def _dumped(value) -> bytes:
    try:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    except RecursionError:
        # Nested as deeply as a mutant can be.
        return b"[" * 100_000


def _changed(value, generator):
    """A value in which one part is replaced, deleted, renamed or nested."""
    if isinstance(value, dict | list) and value and generator.random() < 0.85:
        key = generator.choice(list(value) if isinstance(value, dict) else range(len(value)))
        match generator.randrange(8):
            case 0:
                del value[key]
            case 1 if isinstance(value, dict):
                value[generator.choice(("", "a", str(key).upper()))] = value.pop(key)
            case 1:
                value.insert(key, generator.choice(VALUES))
            case 2 | 3 | 4:
                value[key] = generator.choice(VALUES)
            case _:
                value[key] = _changed(value[key], generator)
        return value
    if generator.random() < 0.1:
        nested = value
        for _ in range(generator.choice((2, 100, 900))):
            nested = [nested]
        return nested
    return generator.choice(VALUES)


def _archive(data, others, generator):
    """Changes an entry of a zip archive, and keeps the archive whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:
        return data
    if not entries:
        return data
    row = generator.randrange(len(entries))
    name, content = entries[row]
    match generator.randrange(8):
        case 0:
            del entries[row]
        case 1:
            entries.append(entries[row])
        case 2:
            entries[row] = generator.choice(("", "a.npy", "../a", "a" * 300, name.upper())), content
        case 3:
            entries[row] = name, bytes(30_000_000)
        case _:
            parts = [entry for _, entry in entries]
            entries[row] = name, generator.choice(_kinds(content))(content, parts, generator)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name or "empty", content)
    return changed.getvalue()


def _numpy_header(data, _, generator):
    size = int.from_bytes(data[8:10], "little")
    header, rest = data[10 : 10 + size], data[10 + size :]
    pieces = (
        (b"<f4", generator.choice(DTYPES)),
        (b"(", b"(" + generator.choice(SIZES)),
        (b"False", b"True"),
        (b"descr", b"desc"),
        (b"'", b'"'),
        (b"{", b"{" * 300),
    )  # fmt: skip
    header = header.replace(*generator.choice(pieces), 1)
    return data[:8] + len(header).to_bytes(4, "little")[:2] + header + rest


def _safetensors_header(data, _, generator):
    size = int.from_bytes(data[:8], "little")
    try:
        header = _changed(json.loads(data[8 : 8 + size]), generator)
    except ValueError:
        return data
    text = _dumped(header)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]
