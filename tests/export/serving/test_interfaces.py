"""What a server answers over gRPC and REST; also run against TensorFlow Serving, see little.py."""

import base64
import io
import json

import numpy as np
import pytest
import requests

from export.serving.connect import connect
from slr_keras.utils.errors import UserError

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def clip(little):
    return little.clips(3, 13)


@pytest.fixture(scope="module")
def answer(little, published, clip):
    """Of version 2, by TensorFlow alone; 13 frames are 3 steps."""
    return little.expected(published / "2", clip)["logits"][:, :3]


def post(service, path, **body):
    return requests.post(f"{service.rest}/v1/models/little{path}:predict", json=body, timeout=20)


def test_a_client_gets_what_tensorflow_gives(client, clip, answer):
    found = client.predict(clip)
    assert np.abs(found["logits"][:, :3] - answer).max() <= TOLERANCE
    assert found["lengths"].tolist() == [3, 3, 3]


def test_the_newest_version_answers_unless_another_is_named(service, little, published, clip):
    one = little.expected(published / "1", clip)["logits"][:, :3]
    two = little.expected(published / "2", clip)["logits"][:, :3]
    wanted = {"": two, "/versions/1": one, "/versions/2": two}
    wanted |= {"/labels/stable": one, "/labels/canary": two}
    for path, expected in wanted.items():
        for base in (service.grpc, service.rest):
            with connect(f"{base}/little{path}") as client:
                found = client.predict(clip)["logits"][:, :3]
            assert np.abs(found - expected).max() <= TOLERANCE, (base, path)


def test_rows_and_columns_say_the_same(service, clip, answer):
    rows = [
        {"keypoints": keypoints.tolist(), "lengths": int(length)}
        for keypoints, length in zip(*clip.values())
    ]
    columns = {name: array.tolist() for name, array in clip.items()}
    by_row = post(service, "", instances=rows).json()["predictions"]
    by_column = post(service, "", inputs=columns).json()["outputs"]
    assert [row["lengths"] for row in by_row] == by_column["lengths"]
    logits = np.array([row["logits"] for row in by_row])
    np.testing.assert_array_equal(logits, by_column["logits"])
    assert np.abs(logits[:, :3] - answer).max() <= TOLERANCE


def test_glosses_are_decoded_at_the_server(client, clip, answer):
    found = client.predict(clip, "serving_glosses")
    for row in range(3):
        path = answer[row].argmax(-1)
        kept = [
            token for at, token in enumerate(path) if token and (not at or path[at - 1] != token)
        ]
        assert found["ids"][row, : found["lengths"][row]].tolist() == kept


def test_pictures_go_as_files(service, client):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 6), (90, 90, 90)).save(file, "PNG")
    inputs = {
        "encoded": np.array([[file.getvalue()] * 2], object),
        "lengths": np.array([2], "int32"),
    }
    np.testing.assert_allclose(client.predict(inputs, "serving_encoded")["logits"].ravel(), 90)
    text = base64.b64encode(file.getvalue()).decode()
    instance = {"encoded": [{"b64": text}], "lengths": 1}
    found = post(service, "", signature_name="serving_encoded", instances=[instance])
    assert found.json()["predictions"][0]["logits"] == [[90.0]]


def test_states_and_metadata_name_what_is_served(service, client):
    assert client.states() == {1: "AVAILABLE", 2: "AVAILABLE"}
    found = requests.get(f"{service.rest}/v1/models/little/versions/1/metadata", timeout=20).json()
    assert found["model_spec"]["version"] == "1"
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "serving_glosses", "serving_encoded"} <= signatures.keys()
    assert signatures["serving_default"]["inputs"]["keypoints"]["dtype"] == "DT_FLOAT"


def test_the_metrics_count_requests(service, client, clip):
    def count():
        text = requests.get(f"{service.rest}/monitoring/prometheus/metrics", timeout=20).text
        lines = [line for line in text.splitlines() if "request_count{" in line]
        return sum(float(line.split()[-1]) for line in lines if '"OK"' in line)

    before = count()
    client.predict(clip)
    assert count() >= before + 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda it: it.pop("lengths"), "lengths"),
        (lambda it: it.update(lengths=it["lengths"][:1]), "clips|batch|dimension|[Ss]hape"),
        (lambda it: it.update(keypoints=it["keypoints"][..., :2]), "shape|Matrix|[Dd]imension"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_what_was_wrong(client, clip, change, says):
    wrong = dict(clip)
    change(wrong)
    with pytest.raises(UserError, match=says):
        client.predict(wrong)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"inputs": 3}', b'{"instances": [{"keypoints": [[1], [1, 2]]}]}']
)
def test_a_malformed_body_is_a_client_error(service, body):
    found = requests.post(f"{service.rest}/v1/models/little:predict", data=body, timeout=20)
    assert found.status_code == 400
    assert found.json()["error"]


def test_an_absent_model_version_or_signature_is_named(service, clip):
    for path in ("/nothing", "/little/versions/9", "/little/labels/none"):
        for base in (service.grpc, service.rest):
            with connect(base + path) as client, pytest.raises(UserError, match=r"\w"):
                client.predict(clip)
    with connect(f"{service.grpc}/little") as client, pytest.raises(UserError, match="serving_no"):
        client.predict(clip, "serving_no")


def test_numbers_that_are_not_finite_travel(client, little):
    clip = little.clips(1, 9)
    clip["keypoints"][0, 2, 5] = np.nan
    assert np.isfinite(client.predict(clip)["logits"]).all()


def test_answers_are_json_that_names_its_type(service, clip):
    columns = {name: array.tolist() for name, array in clip.items()}
    found = post(service, "", inputs=columns)
    assert found.headers["Content-Type"].startswith("application/json")
    assert json.loads(found.text)
