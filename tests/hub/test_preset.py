"""Presets: files are those that were published, and every shipped one is complete."""

import io
import json
import shutil
import zipfile

import pytest

from slr_keras.bundle.bundle import Bundle
from slr_keras.hub import preset as layout
from slr_keras.hub.preset import Preset, describe, is_preset
from slr_keras.hub.shipped import DEFAULT, EXAMPLES, folders
from slr_keras.utils.errors import UserError

NAMES = sorted(folders())


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(folders()[DEFAULT], tmp_path / "copy")


def test_the_default_preset_is_shipped():
    assert DEFAULT in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_preset_names_its_licence_and_has_card_notice_recipe_and_bundle(name):
    preset = Preset.load(folders()[name])
    assert preset.name == name
    assert preset.description["licence"] in ("MIT", "Apache-2.0")
    files = set(preset.description["files"])
    assert {layout.CONFIG, layout.WEIGHTS, layout.CONTRACT, layout.VOCABULARY} < files
    assert {layout.RECIPE, layout.CARD, layout.NOTICE} < files
    card = (preset.path / layout.CARD).read_text("utf-8")
    for heading in ("## Scores", "## Not tested on", "## Must not be used for", "## Training data"):
        assert heading in card
    bundle = Bundle.load(preset.bundle)
    assert set(bundle.precisions) == {"fp32", "fp16", "int8"}
    glosses = (preset.path / layout.VOCABULARY).read_text("utf-8").split()
    assert all(f"`{gloss}`" in card for gloss in glosses if not gloss.startswith("<"))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_preset_holds_no_path_of_the_machine_that_made_it(name):
    for file in folders()[name].rglob("*"):
        if file.suffix in (".json", ".md", ".yaml", ".txt", ""):
            text = file.read_text("utf-8") if file.is_file() else ""
            assert "/tmp/" not in text, file
            assert "/home/" not in text, file


def test_shipped_presets_fit_into_the_wheel():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in [
            path for folder in (*folders().values(), EXAMPLES) for path in folder.rglob("*")
        ]:
            if path.is_file():
                wheel.write(path)
    assert len(file.getvalue()) < 6e6


def test_no_shipped_file_is_left_out_of_the_digests():
    for folder in folders().values():
        files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert files - {layout.DESCRIPTION} == set(Preset.load(folder).description["files"])


def test_a_changed_file_is_refused_by_name(copy):
    (copy / layout.CARD).write_text("other")
    with pytest.raises(UserError, match=r"CARD\.md: not the file that preset\.json describes"):
        Preset.load(copy)


def test_a_missing_file_is_refused_by_name(copy):
    (copy / layout.WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"model\.weights\.h5: the file is missing"):
        Preset.load(copy)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a\\b"])
def test_a_file_outside_of_the_folder_is_refused(copy, name):
    value = json.loads((copy / layout.DESCRIPTION).read_text())
    value["files"][name] = {"bytes": 1, "sha256": "0"}
    (copy / layout.DESCRIPTION).write_text(json.dumps(value))
    with pytest.raises(UserError, match="is not a file of the preset's folder"):
        Preset.load(copy)


@pytest.mark.parametrize("files", [None, [], {}, {"a": 3}])
def test_a_description_without_files_is_refused(copy, files):
    value = json.loads((copy / layout.DESCRIPTION).read_text()) | {"files": files}
    (copy / layout.DESCRIPTION).write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"preset\.json"):
        Preset.load(copy)


def test_another_version_is_refused(copy):
    value = json.loads((copy / layout.DESCRIPTION).read_text()) | {"version": 9}
    (copy / layout.DESCRIPTION).write_text(json.dumps(value))
    with pytest.raises(UserError, match="has version 9, this program reads version 1"):
        Preset.load(copy)


def test_a_folder_without_description_is_no_preset(tmp_path):
    assert not is_preset(tmp_path)
    with pytest.raises(UserError, match="no preset here"):
        Preset.load(tmp_path)


def test_a_preset_of_a_model_alone_has_no_bundle(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    describe(tmp_path, {"name": "mine"})
    with pytest.raises(UserError, match="read it with from_preset"):
        _ = Preset.load(tmp_path).bundle
