"""Predictions go into documents of ELAN, and back into a data folder, with the same frames."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from slr_keras.data.datasets.prepare import passed_over, prepare
from slr_keras.data.manifest import read_folder
from slr_keras.recognition import Gloss, Prediction, to_elan
from slr_keras.recognition.elan_into import add_prediction
from slr_keras.text.eaf import read_eaf
from slr_keras.utils.errors import UserError

FPS = 29.97


def document(path, *, origin=0, participant="", tiers=""):
    path.write_text(
        '<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR '
        f'MEDIA_URL="file:///far/{path.stem}.mp4" TIME_ORIGIN="{origin}"/></HEADER>'
        f"<TIME_ORDER/>{tiers}</ANNOTATION_DOCUMENT>"
    )
    return path


def landmarks(path, frames=300, fps=FPS):
    points = np.ones((frames, 20, 4), np.float32)
    points[:, 0, 0] = np.arange(frames)
    size = np.array([640.0, 480.0])
    np.savez(path, keypoints=points, fps=fps, layout="kinect_20", image_size=size)


def signs(spans, fps=FPS):
    glosses = (Gloss(f"G{n}", a / fps, b / fps, 0.9) for n, (a, b) in enumerate(spans))
    return Prediction("a", "a.npz", 300, fps, tuple(glosses))


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 300), min_size=2, max_size=12, unique=True),
    fps=st.sampled_from([25.0, FPS, 50.0, 120.0]),
    origin=st.sampled_from([0, 40, 1234]),
)
def test_predicted_frames_come_back_exactly(tmp_path_factory, cuts, fps, origin):
    folder = tmp_path_factory.mktemp("corpus")
    first = -(-origin * fps // 1000)
    spans = [s for s in zip(sorted(cuts)[::2], sorted(cuts)[1::2]) if s[0] >= first]
    landmarks(folder / "a.npz", fps=fps)
    add_prediction(document(folder / "a.eaf", origin=origin), signs(spans, fps), "guess", "a.mp4")
    if spans:
        prepare("elan", folder, folder / "out", tier=("guess",), dev_fraction=0.0)
        (sample,) = read_folder(folder / "out")["train"]
        assert sample.extra["spans"] == [list(span) for span in spans]


def test_signs_before_the_document_are_left_out_and_counted(tmp_path):
    path = document(tmp_path / "a.eaf", origin=1000)
    assert add_prediction(path, signs([(0, 10), (20, 60)], 25.0), "guess", "a.mp4") == 1
    (left,) = read_eaf(path).tier("guess").annotations
    assert (left.start, left.end) == (0, 1400)


def test_media_of_different_offsets_need_the_name_of_the_clip(tmp_path):
    path = document(tmp_path / "a.eaf")
    text = path.read_text().replace("</HEADER>", '<MEDIA_DESCRIPTOR TIME_ORIGIN="7"/></HEADER>')
    path.write_text(text)
    with pytest.raises(UserError, match="different offsets"):
        add_prediction(path, signs([(1, 2)]), "guess", "b.mp4")
    add_prediction(path, signs([(1, 2)]), "guess", "a.mp4")


def test_written_documents_of_predictions_are_read_by_the_reader(tmp_path):
    path = tmp_path / "a.eaf"
    path.write_text(to_elan(signs([(0, 5), (10, 20)], 25.0), {}), encoding="utf-8")
    found = [(a.value, a.start, a.end) for a in read_eaf(path).tier("gloss").annotations]
    assert found == [("G0", 0, 200), ("G1", 400, 800)]


def tier(name, participant, values):
    order = "".join(
        f"<TIME_SLOT TIME_SLOT_ID='{name}{n}' TIME_VALUE='{t}'/>"
        for n, t in enumerate(t for _, *times in values for t in times)
    )
    inside = "".join(
        f"<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='{name}-{n}' "
        f"TIME_SLOT_REF1='{name}{2 * n}' TIME_SLOT_REF2='{name}{2 * n + 1}'>"
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>"
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n, (value, *_) in enumerate(values)
    )
    return order, f"<TIER TIER_ID='{name}' PARTICIPANT='{participant}'>{inside}</TIER>"


def annotated(path, *tiers):
    orders, texts = zip(*tiers)
    document(path, tiers="".join(texts))
    text = path.read_text()
    path.write_text(text.replace("<TIME_ORDER/>", f"<TIME_ORDER>{''.join(orders)}</TIME_ORDER>"))


def test_signers_are_kept_apart_and_sentences_cut_the_recording(tmp_path):
    annotated(
        tmp_path / "a.eaf",
        tier("left", "Ann", [("do it", 0, 400), ("SUN", 1200, 1600)]),
        tier("right", "Ann", [("RAIN", 400, 800)]),
        tier("other", "Ben", [("WIND", 1000, 1400)]),
        tier("s", "", [("one", 0, 1000), ("two", 1000, 2000)]),
    )
    landmarks(tmp_path / "a.npz", fps=25.0)
    settings = {"tier": ("left", "right", "other"), "sentences": "s", "dev_fraction": 0.0}
    prepare("elan", tmp_path, tmp_path / "out", signer_from="participant", **settings)
    manifest = read_folder(tmp_path / "out")["train"]
    found = [(s.id, s.signer, s.glosses, s.extra["spans"], s.frames) for s in manifest]
    assert found == [
        ("a/Ann/0001", "Ann", ("do-it", "RAIN"), [[0, 10], [10, 20]], 25),
        ("a/Ann/0002", "Ann", ("SUN",), [[5, 15]], 25),
        ("a/Ben/0002", "Ben", ("WIND",), [[0, 10]], 25),
    ]
    assert manifest.load(manifest[1])[0, 0, 0] == 25


def test_a_bad_document_among_good_ones_is_passed_over_and_named(tmp_path):
    for name in "ab":
        annotated(tmp_path / f"{name}.eaf", tier("gloss", "", [("SUN", 0, 400)]))
        landmarks(tmp_path / f"{name}.npz", fps=25.0)
    annotated(tmp_path / "late.eaf", tier("gloss", "", [("SUN", 0, 99000)]))
    landmarks(tmp_path / "late.npz", fps=25.0)
    annotated(tmp_path / "none.eaf", tier("gloss", "", [("SUN", 0, 400)]))
    (tmp_path / "broken.eaf").write_text("<ANNOTATION_DOCUMENT>")
    prepare("elan", tmp_path, tmp_path / "out", tier=("gloss",), dev_fraction=0.0)
    assert [s.id for s in read_folder(tmp_path / "out")["train"]] == ["a", "b"]
    failures = passed_over(tmp_path / "out")
    assert [failed.name for failed in failures] == ["broken", "late", "none"]
    assert failures.report() == 2
