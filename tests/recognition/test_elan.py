"""Documents of ELAN: every rule of the format that ELAN relies on, times, and any gloss."""

import datetime
from collections import Counter
from xml.etree import ElementTree

import pytest

from slr_keras.recognition import Gloss, Prediction, to_elan

ABOUT = {"run": "runs/demo", "model": "stark", "vocabulary": "3fa9", "head": "ensemble"}
# The elements of a document in the order of its schema.
ORDER = ["HEADER", "TIME_ORDER", "TIER", "TIER", "LINGUISTIC_TYPE", "LINGUISTIC_TYPE"]


def prediction(*signs, frames=100, name="clip"):
    return Prediction(name, f"{name}.npy", frames, 25.0, tuple(Gloss(*sign) for sign in signs))


def parsed(text):
    """A document whose identifiers, references and order were checked."""
    root = ElementTree.fromstring(text.encode())
    tags = [child.tag for child in root]
    assert tags == ORDER + ["CONSTRAINT"] * 4
    assert (root.get("FORMAT"), root.get("VERSION")) == ("3.0", "3.0")
    assert datetime.datetime.fromisoformat(root.get("DATE")).tzinfo
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root[1]}
    assert list(slots.values()) == sorted(slots.values())
    names = [
        *(slot.get("TIME_SLOT_ID") for slot in root[1]),
        *(found.get("ANNOTATION_ID") for found in root.iter() if found.get("ANNOTATION_ID")),
    ]
    assert max(Counter(names).values(), default=1) == 1
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    types = {kind.get("LINGUISTIC_TYPE_ID"): kind for kind in root.iter("LINGUISTIC_TYPE")}
    stereotypes = {constraint.get("STEREOTYPE") for constraint in root.iter("CONSTRAINT")}
    for tier in tiers.values():
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        assert tier.get("PARENT_REF", "gloss") in tiers
    for kind in types.values():
        assert kind.get("CONSTRAINTS") is None or kind.get("CONSTRAINTS") in stereotypes
    used = []
    signs = {}
    for annotation in tiers["gloss"].iter("ALIGNABLE_ANNOTATION"):
        first, last = annotation.get("TIME_SLOT_REF1"), annotation.get("TIME_SLOT_REF2")
        assert slots[first] < slots[last]
        used += [first, last]
        value = annotation.findtext("ANNOTATION_VALUE")
        signs[annotation.get("ANNOTATION_ID")] = (value, slots[first], slots[last])
    assert used == list(slots)
    confidences = {}
    for annotation in tiers["confidence"].iter("REF_ANNOTATION"):
        assert annotation.get("ANNOTATION_REF") in signs
        confidences[annotation.get("ANNOTATION_REF")] = annotation.findtext("ANNOTATION_VALUE")
    assert list(confidences) == list(signs)
    last = root.find("HEADER/PROPERTY[@NAME='lastUsedAnnotationId']").text
    assert int(last) == len(signs) + len(confidences)
    return root, [(*sign, float(confidences[name])) for name, sign in signs.items()]


def test_signs_come_back_with_exact_times_and_confidences():
    _, signs = parsed(
        to_elan(prediction(("RAIN", 0.16, 0.48, 0.97), ("NORTH", 2.04, 3.2, 0.5)), ABOUT)
    )
    assert signs == [("RAIN", 160, 480, 0.97), ("NORTH", 2040, 3200, 0.5)]


@pytest.mark.parametrize(
    "gloss", ["R&B", "<b>x</b>", 'SAY "NO"', "'", "]]>", "TÜRKÇE", "你好", "שלום", "&amp;", "A-->B"]
)
def test_any_gloss_comes_back(gloss):
    assert parsed(to_elan(prediction((gloss, 0, 1, 0.5)), ABOUT))[1] == [(gloss, 0, 1000, 0.5)]


def test_characters_that_xml_forbids_are_left_out():
    assert parsed(to_elan(prediction(("A\x00\x1bB\nC", 0, 1, 0.5)), ABOUT))[1][0][0] == "AB C"


def test_a_clip_without_signs_is_a_document():
    assert parsed(to_elan(prediction(), ABOUT))[1] == []


def test_annotations_of_a_tier_never_overlap_and_last_a_millisecond_at_least():
    signs = (("A", 0.0, 1.0, 0.5), ("B", 0.8, 0.8, 0.5), ("C", 0.8, 0.9, 0.5))
    _, found = parsed(to_elan(prediction(*signs), ABOUT))
    assert [sign[:3] for sign in found] == [("A", 0, 800), ("B", 800, 801), ("C", 801, 900)]


def test_the_video_is_found_from_the_folder_of_the_document(tmp_path):
    video = tmp_path / "my clips" / "mañana 1.mp4"
    root, _ = parsed(to_elan(prediction(), ABOUT, video, tmp_path / "out"))
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media.get("MIME_TYPE") == "video/mp4"
    assert media.get("RELATIVE_MEDIA_URL") == "../my%20clips/ma%C3%B1ana%201.mp4"
    assert media.get("MEDIA_URL") == video.as_uri()
    root, _ = parsed(to_elan(prediction(), ABOUT, video, video.parent))
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("RELATIVE_MEDIA_URL").startswith("./ma")
    assert parsed(to_elan(prediction(), ABOUT))[0].find("HEADER/MEDIA_DESCRIPTOR") is None


def test_the_document_names_clip_run_and_vocabulary():
    root, _ = parsed(to_elan(prediction(name="a/b"), ABOUT))
    known = {found.get("NAME"): found.text for found in root.iter("PROPERTY")}
    assert {"clip": "a/b", "run": "runs/demo", "vocabulary": "3fa9"}.items() <= known.items()


@pytest.mark.parametrize(("frames", "fps"), [(23, 25.0), (47, 50.0), (9, 30.0)])
def test_the_sign_of_a_clip_of_one_sign_is_an_annotation_over_the_whole_clip(
    tiny, tmp_path_factory, tmp_path, frames, fps
):
    import numpy as np

    from slr_keras.predict import main

    run = tiny.trained_signs(tmp_path_factory)
    points = tiny.clip(["EAST"], np.random.default_rng(0), frames_per_gloss=40)[:frames]
    np.savez(tmp_path / "clip.npz", keypoints=points, fps=fps)
    document = tmp_path / "clip.eaf"
    arguments = [str(run), str(tmp_path / "clip.npz"), "--format", "eaf", "--to", str(document)]
    assert main(arguments) == 0
    ((_, start, end, _),) = parsed(document.read_text())[1]
    assert (start, end) == (0, round(1000 * frames / fps))
