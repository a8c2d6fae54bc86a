"""Rendered frames: what is in them, where, and that nothing but names decides it."""

import dataclasses

import numpy as np
import pytest

from slr_keras.data.simulator import Simulator
from slr_keras.data.simulator.appearance import (
    LEAST_CONTRAST,
    SESSIONS,
    appearance,
    contrast,
    lab,
)
from slr_keras.data.simulator.face import VISEMES
from slr_keras.data.simulator.handshapes import HANDSHAPES
from slr_keras.data.simulator.kinematics import skeleton
from slr_keras.data.simulator.render import render
from slr_keras.data.simulator.render_shapes import View

SMALL = (64, 64)
LEFT, RIGHT = slice(91, 112), slice(112, 133)
NOSE, FINGERTIPS = [0], [95, 99, 103, 107, 111, 116, 120, 124, 128, 132]


@pytest.fixture(scope="module")
def simulator():
    return Simulator("demo", seed=0)


def short(scene, start, stop, step=1):
    """Some frames of a scene."""
    return dataclasses.replace(scene, points=scene.points[start:stop:step])


def look_at(simulator, name, split, size=SMALL, **changes):
    scene = simulator.scene(name, split)
    look = dataclasses.replace(simulator.appearance(scene, name, split), noise=0.0, **changes)
    return scene, View(simulator.frame_camera(scene, name, split, size), look)


def pictures(scene, view):
    return np.stack(list(render(scene, view, np.random.default_rng(0)))).astype(int)


def bare(scene, view):
    """Where skin is seen (T, height, width): what changes with its colour."""
    views = [
        dataclasses.replace(view, look=dataclasses.replace(view.look, skin=tone, palm=tone))
        for tone in np.array([[40.0] * 3, [220.0] * 3])
    ]
    dark, bright = (pictures(scene, each) for each in views)
    return np.abs(bright - dark).max(-1) > 25


def test_a_clip_follows_from_seed_split_and_id_alone(simulator):
    scene = simulator.scene("dev-00004", "dev")
    first = simulator.video(scene, "dev-00004", "dev", (32, 32))
    fresh = Simulator("demo", seed=0)
    fresh.video(fresh.scene("dev-00001", "dev"), "dev-00001", "dev", (16, 16))
    again = fresh.video(fresh.scene("dev-00004", "dev"), "dev-00004", "dev", (32, 32))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (len(scene.points), 32, 32, 3)
    assert first.dtype == np.uint8
    other = Simulator("demo", seed=1)
    look, elsewhere = simulator.appearance(scene, "a", "dev"), other.appearance(scene, "a", "dev")
    assert not np.array_equal(look.skin, elsewhere.skin)


def test_frames_follow_the_asked_width_and_height(simulator):
    scene = short(simulator.scene("dev-00004", "dev"), 0, 2)
    assert simulator.video(scene, "dev-00004", "dev", (40, 24)).shape == (2, 24, 40, 3)


def test_no_two_signers_look_alike():
    names = [f"{split}{i:02d}" for split in ("train", "dev", "test") for i in range(1, 13)]
    looks = [appearance(name, 0, day) for name in names for day in range(SESSIONS)]
    vectors = np.stack(
        [
            np.concatenate([lab(x.skin), lab(x.hair), lab(x.shirt), lab(x.wall_colours[0])])
            for x in looks
        ]
    )
    apart = np.linalg.norm(vectors[:, None] - vectors, axis=-1)
    apart[np.diag_indices(len(looks))] = np.inf
    assert apart.min() > 8
    skins = vectors[::SESSIONS, :3]
    assert np.ptp(skins[:, 0]) > 40
    assert np.allclose(skins, vectors[1::SESSIONS, :3])


def test_skin_stands_out_against_clothes_and_wall_for_everyone():
    worst, all_of_them = np.inf, []
    for index in range(150):
        look = appearance(f"person{index}", index % 7, index % SESSIONS)
        behind = np.stack([look.shirt, look.stripe, *look.wall_colours])
        least = contrast(behind, look.skin).min()
        worst = min(worst, least)
        all_of_them.append(least)
    assert worst >= LEAST_CONTRAST
    assert np.std(all_of_them) > 3


@pytest.mark.parametrize("name", ["train-00002", "test-00001"])
def test_points_lie_on_the_body(simulator, name):
    split = name.split("-")[0]
    scene, view = look_at(simulator, name, split, (112, 112), sleeve=0.55)
    scene = short(scene, 10, -10, 7)
    skin = bare(scene, view)
    pixels = np.floor(view.camera.project(scene.points)[0]).astype(int)
    inside = (pixels >= 1).all(-1) & (pixels < 111).all(-1)
    for points, least in ((NOSE, 0.95), ([9, 10], 0.97), (FINGERTIPS, 0.95), ([7, 8], 0.95)):
        frames, which = np.nonzero(inside[:, points])
        x, y = pixels[frames, np.array(points)[which]].T
        assert skin[frames, y, x].mean() >= least
    # The shoulders are under the shirt.
    frames, which = np.nonzero(inside[:, [5, 6]])
    x, y = pixels[frames, 5 + which].T
    assert skin[frames, y, x].mean() < 0.35


@pytest.mark.parametrize("name", ["train-00004", "test-00002"])
def test_hands_are_seen_whenever_they_are_in_the_picture(simulator, name):
    split = name.split("-")[0]
    scene, view = look_at(simulator, name, split, sleeve=1.93)
    scene = short(scene, 0, None, 3)
    skin = bare(scene, view)
    pixels = view.camera.project(scene.points)[0]
    frames_seen = 0
    for hand in (LEFT, RIGHT):
        low = np.floor(pixels[:, hand].min(1)).astype(int)
        high = np.ceil(pixels[:, hand].max(1)).astype(int)
        inside = (low >= 0).all(-1) & (high <= 64).all(-1)
        frames_seen += inside.sum()
        for frame in np.flatnonzero(inside):
            (x0, y0), (x1, y1) = low[frame], high[frame]
            box = skin[frame, y0:y1, x0:x1]
            assert box.sum() >= 8
            assert box.mean() > 0.2
    assert frames_seen > 10


def test_handshapes_differ_by_more_than_noise_at_64_pixels(simulator):
    shapes = ("flat", "five", "fist", "index", "two", "little", "thumb", "claw", "ring")
    scene, view = look_at(simulator, "train-00000", "train")
    start, end = scene.spans[2]
    controls, middle = scene.controls, (start + end) // 2
    tracks = {}
    for shape in shapes:
        fingers = np.broadcast_to(HANDSHAPES[shape], controls.right.fingers.shape)
        hand = dataclasses.replace(controls.right, fingers=fingers)
        points = skeleton(scene.signer.body, dataclasses.replace(controls, right=hand))
        tracks[shape] = points[middle : middle + 1]
    pixels = view.camera.project(np.concatenate(list(tracks.values())))[0][:, RIGHT]
    (x0, y0), (x1, y1) = pixels.min((0, 1)).astype(int), pixels.max((0, 1)).astype(int) + 1
    images = {
        shape: pictures(dataclasses.replace(scene, points=points), view)[0, y0:y1, x0:x1]
        for shape, points in tracks.items()
    }
    for a in shapes:
        for b in shapes:
            if a < b:
                difference = np.sqrt(np.mean((images[a] - images[b]) ** 2))
                assert difference > 2 * 4.5, (a, b)


def test_an_open_mouth_is_seen_at_64_pixels(simulator):
    scene, view = look_at(simulator, "train-00000", "train")
    seen = []
    for viseme in ("a", "m", "o"):
        mouth = np.broadcast_to(VISEMES[viseme], scene.controls.mouth.shape)
        points = skeleton(scene.signer.body, dataclasses.replace(scene.controls, mouth=mouth))
        still = dataclasses.replace(scene, points=points[:1])
        x0, y0 = view.camera.project(still.points)[0][0, 71:91].min(0).astype(int)
        seen.append(pictures(still, view)[0, y0 - 2 : y0 + 4, x0 : x0 + 5])
    assert np.abs(seen[0] - seen[1]).max() > 40
    assert np.abs(seen[0] - seen[2]).max() > 25


def test_a_hand_before_the_face_hides_it_and_one_behind_is_hidden(simulator):
    scene, view = look_at(simulator, "train-00000", "train")
    points = scene.points[:1]
    nose = points[0, 0]
    x, y = np.floor(view.camera.project(points)[0][0, 0]).astype(int)

    def with_hand_at(place):
        moved = points.copy()
        moved[0, RIGHT] += place - moved[0, RIGHT].mean(0)
        return pictures(dataclasses.replace(scene, points=moved), view)[
            0, y - 3 : y + 2, x - 2 : x + 3
        ]

    away = with_hand_at(nose + np.array([5.0, 0.0, 0.0]))
    np.testing.assert_array_equal(with_hand_at(nose - np.array([0.0, 0.0, 0.35])), away)
    assert np.abs(with_hand_at(nose + np.array([0.0, 0.0, 0.12])) - away).max() > 25


def test_what_lies_outside_the_picture_does_no_harm(simulator):
    scene, view = look_at(simulator, "train-00000", "train")
    points = scene.points[:1] + np.array([40.0, -30.0, 0.0])
    wall = pictures(dataclasses.replace(scene, points=points), view)[0]
    assert wall.std(axis=(0, 1)).max() < 40
