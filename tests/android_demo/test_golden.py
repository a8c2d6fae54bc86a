"""The golden vectors of the Android demo are what Python gives today."""

import base64
import json

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def tool():
    """The module `android_demo/tools/golden.py`, and what it imports beside it."""
    import golden

    return golden


def differences(one, other, where):
    """Where two JSON values differ by more than the arithmetic of two machines may."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [d for key in one for d in differences(one[key], other[key], f"{where}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [d for place, pair in pairs for d in differences(*pair, f"{where}[{place}]")]
    numbers = [type(value) in (int, float) for value in (one, other)]
    if one == other or (all(numbers) and np.isclose(one, other, TOLERANCE, TOLERANCE)):
        return []
    if isinstance(one, str) and isinstance(other, str) and len(one) == len(other) > 7:
        pair = [np.frombuffer(base64.b64decode(text), "<f4") for text in (one, other)]
        if np.allclose(*pair, TOLERANCE, TOLERANCE, equal_nan=True):
            return []
    return [f"{where}: {str(one)[:60]} there, {str(other)[:60]} now"]


def test_the_committed_vectors_are_what_python_gives_today(tool, tmp_path):
    paths = tool.write_vectors(tool.GOLDEN / "bundle", tmp_path)
    kept = {path.name for path in tool.GOLDEN.glob("*.json")}
    # Those of the keypoints have a script of their own.
    assert {path.name for path in paths} == {n for n in kept if not n.startswith("keypoints_")}
    for path in paths:
        now, there = (json.loads((f / path.name).read_text()) for f in (tmp_path, tool.GOLDEN))
        changes = differences(there, now, path.name)
        assert not changes, "\n".join(
            ["after a change on purpose: python android_demo/tools/golden.py", *changes[:5]]
        )


def test_the_bundle_says_of_the_recogniser_what_the_exporter_writes(tool):
    from export.lite.streaming import describe_recogniser

    metadata = json.loads((tool.GOLDEN / "bundle" / "metadata.json").read_text())
    assert metadata["streaming"]["recogniser"] == json.loads(json.dumps(describe_recogniser()))


def test_the_vectors_are_small(tool):
    files = [path for path in tool.GOLDEN.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert (tool.GOLDEN / "bundle" / "stream_fp32.tflite").stat().st_size < 300_000


def test_a_number_that_drifts_is_noticed():
    packed = [base64.b64encode(np.float32([1, x, 3]).tobytes()).decode() for x in (2, 2.001)]
    assert not differences({"a": [1.0, packed[0]]}, {"a": [1.000001, packed[0]]}, "x")
    assert differences({"a": [1.0]}, {"a": [1.001]}, "x") == ["x.a[0]: 1.0 there, 1.001 now"]
    assert differences({"a": packed[0]}, {"a": packed[1]}, "x")
