"""The deployment folder: what `docker compose up` starts, and from which image."""

import json
import shutil

import pytest
import yaml

from export.serving.config import Batching
from export.serving.deployment import Deployment, write_deployment

pytest.importorskip("tensorflow_serving")


@pytest.fixture(scope="module")
def base(little, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployed") / "little"
    little.publish(folder, 1)
    return folder


def services(base, to):
    write_deployment(Deployment({"little": base}, {}, 1, Batching(8, 0.005, 16, 1, (8,))), to)
    return yaml.safe_load((to / "docker-compose.yaml").read_text())["services"]


def test_a_plain_up_starts_one_service_and_a_gpu_is_asked_for(base, tmp_path):
    described = services(base, tmp_path)
    started = [name for name, service in described.items() if not service.get("profiles")]
    assert started == ["serving"]
    assert described["serving-gpu"]["profiles"] == ["gpu"]


def test_the_image_is_not_older_than_the_tensorflow_that_exported_the_model(base, tmp_path):
    copy = tmp_path / "little"
    shutil.copytree(base, copy)
    path = copy / "1" / "assets" / "serving.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, "packages": {"tensorflow": "2.21.3"}}))
    described = services(copy, tmp_path / "config")
    assert described["serving"]["image"] == "${TF_SERVING_IMAGE:-tensorflow/serving:2.21.0}"
    assert "serving:2.21.0-gpu" in (tmp_path / "config" / "COMMANDS.md").read_text()
