"""The page of answers: one file, drawn from landmarks alone."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from slr_keras.dictionary import Dictionary
from slr_keras.dictionary.answering import answered
from slr_keras.dictionary.index import MOMENTS
from slr_keras.dictionary.indexing import moments
from slr_keras.dictionary.page import page
from slr_keras.dictionary.thumbnail import thumbnail
from slr_keras.recognition import find_clips


@pytest.fixture
def shown(signs, encoder, simulated, tmp_path):
    (signs / "<b>&.npy").write_bytes((signs / "RAIN.npy").read_bytes())
    np.save(tmp_path / "clip.npy", simulated("RAIN", 1))
    dictionary = Dictionary.open(signs, encoder)
    answers, failures = answered(
        find_clips([tmp_path / "clip.npy"], encoder.contract), dictionary, top=3
    )
    assert not len(failures)
    return page(answers, dictionary)


def test_the_page_shows_the_clip_and_each_of_its_nearest_entries(shown):
    assert len(re.findall(r'<div class="moments" role="img"', shown)) == 1 + 3
    assert shown.index("Your clip") < shown.index("<ol>")
    assert "RAIN.npy" in shown


def test_the_page_is_sound_and_names_of_files_stay_text(shown):
    body = shown[shown.index("<body>") : shown.index("</html>")]
    ElementTree.fromstring(body)
    assert "<b>&" not in shown
    assert "&lt;b&gt;&amp;" in shown


def test_the_page_loads_nothing_and_runs_nothing(shown):
    assert not re.search(r"<script|<img|<link|https?://|\burl\(|@import|data:|\son\w+=", shown)
    assert "default-src 'none'" in shown


def test_a_thumbnail_draws_every_point_that_is_seen_and_no_other(rules, prepared):
    drawn = moments(prepared("RAIN", 0), rules).astype(float)
    hidden = rules.points.index("nose")
    drawn[:, hidden, -1] = 0
    dots = re.findall(r'class="dots [a-z ]+" d="([^"]*)"', thumbnail(drawn, rules, "RAIN"))
    assert sum(path.count("M") for path in dots) == int((drawn[..., -1] > 0).sum())


def test_a_thumbnail_draws_no_bone_of_a_point_that_is_not_seen(rules, prepared):
    drawn = moments(prepared("RAIN", 0), rules).astype(float)
    drawn[..., -1] = 1
    wrist = rules.points.index("left_wrist")
    whole = thumbnail(drawn, rules, "RAIN").count("L")
    drawn[:, wrist, -1] = 0
    gone = sum(wrist in edge for edge in rules.edges) * MOMENTS
    assert thumbnail(drawn, rules, "RAIN").count("L") == whole - gone


def test_a_thumbnail_stays_inside_its_panels(rules, prepared):
    drawn = moments(prepared("RAIN", 0), rules).astype(float)
    drawn[..., :2] *= 1e4
    text = thumbnail(drawn, rules, "RAIN")
    numbers = [float(n) for path in re.findall(r' d="M([^"]*)"', text)
               for n in re.findall(r"-?[\d.]+", path)]  # fmt: skip
    assert min(numbers) >= 0
    assert max(numbers) <= 100


def test_moments_lie_where_a_hand_is_seen(rules, prepared):
    clip = np.concatenate([prepared("RAIN", 0)] * 2)
    number = len(clip) // 2
    fingers = [row for row, name in enumerate(rules.points) if "thumb" in name or "index" in name]
    clip[..., -1] = 0
    clip[number : number + 5, fingers, -1] = 1
    chosen = moments(clip, rules)
    assert len(chosen) == MOMENTS
    assert (chosen[:, fingers, -1] == 1).all()


def test_a_clip_without_any_point_gives_an_empty_drawing(rules):
    empty = np.zeros((MOMENTS, len(rules.points), 3))
    assert "dots" not in thumbnail(empty, rules, "nothing")
