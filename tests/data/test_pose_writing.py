"""Written `.pose` files have the same points for this package and for pose-format."""

import struct

import numpy as np
import pytest

from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder
from slr_keras.data.pose_file import read_pose_clip
from slr_keras.data.pose_writing import write_pose
from slr_keras.simulate import main as simulate
from slr_keras.utils.errors import UserError

pose_format = pytest.importorskip("pose_format")
LAYOUTS = ("mediapipe_holistic_543", "mediapipe_75", "coco_wholebody_133")


def drawn(name, frames=7):
    target = layout(name)
    shape = frames, len(target.points), len(target.channels)
    points = np.random.default_rng(0).uniform(1, 600, shape).astype(np.float32)
    score = target.channels.index("score")
    points[..., score] /= 600
    points[2, 3] = 0
    return points


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_written_is_read_back_as_the_same_points(tmp_path, name):
    points = drawn(name)
    write_pose(tmp_path / "a.pose", points, layout(name), 29.97, (640, 480))
    clip = read_pose_clip(tmp_path / "a.pose")
    np.testing.assert_array_equal(clip.keypoints, points)
    assert (clip.layout, clip.image_size) == (name, (640, 480))
    assert clip.fps == pytest.approx(29.97)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pose_format_reads_every_byte_and_knows_the_limbs(tmp_path, name):
    points, target = drawn(name), layout(name)
    write_pose(tmp_path / "a.pose", points, target, 25.0, (640, 480))
    data = (tmp_path / "a.pose").read_bytes()
    pose = pose_format.Pose.read(data)
    assert pose.body.data.shape[:3] == (len(points), 1, points.shape[1])
    assert data.endswith(np.asarray(pose.body.confidence, "<f4").tobytes())
    assert struct.unpack("<f", data[:4])[0] == pytest.approx(pose.header.version)
    drawn_edges, start = set(), 0
    for component in pose.header.components:
        # pose-format draws limbs by these numbers, which count in the component.
        assert all(0 <= end < len(component.points) for limb in component.limbs for end in limb)
        drawn_edges |= {
            tuple(target.points[start + end] for end in limb) for limb in component.limbs
        }
        start += len(component.points)
    assert drawn_edges <= set(target.edges)
    assert {edge for edge in target.edges if all("left_hand" in end for end in edge)} <= drawn_edges


def test_missing_points_are_masked_by_pose_format(tmp_path):
    points = drawn("mediapipe_75")
    points[4, 5] = np.nan
    write_pose(tmp_path / "a.pose", points, layout("mediapipe_75"), 25.0, (640, 480))
    pose = pose_format.Pose.read((tmp_path / "a.pose").read_bytes())
    mask = np.ma.getmaskarray(pose.body.data)[:, 0, :, 0]
    assert np.argwhere(mask).tolist() == [[2, 3], [4, 5]]


def test_every_clip_of_a_simulated_folder_is_written_and_none_of_earlier_data(tmp_path, capsys):
    folder = tmp_path / "data"
    options = ["--to", str(folder), "--train", "12", "--dev", "1", "--pose"]
    assert simulate([*options, "--test", "2"]) == 0
    assert f"15 files in {folder / 'pose'}" in capsys.readouterr().out
    assert simulate([*options, "--test", "1", "--force"]) == 0
    found = {path.relative_to(folder / "pose").as_posix() for path in folder.rglob("*.pose")}
    splits = read_folder(folder)
    assert found == {f"{split}/{s.id}.pose" for split, clips in splits.items() for s in clips}
    clip = read_pose_clip(folder / "pose/dev/dev-00000.pose")
    raw = splits["dev"].load(0)
    seen = (raw[..., 2] > 0) & np.isfinite(raw).all(-1)
    np.testing.assert_array_equal(clip.keypoints[seen], raw[seen])
    assert not clip.keypoints[~seen].any()


def test_clips_without_keypoints_are_refused(tmp_path):
    with pytest.raises(UserError, match="--pose"):
        simulate(["--cues", "order", "--pose", "--to", str(tmp_path / "data")])
    assert not (tmp_path / "data").exists()


def test_a_layout_without_a_form_and_parts_of_pixels_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"kinect_20.*no form"):
        write_pose(tmp_path / "a.pose", np.ones((1, 20, 4)), layout("kinect_20"), 25.0, (9, 9))
    with pytest.raises(UserError, match="whole pixels"):
        write_pose(tmp_path / "a.pose", drawn(LAYOUTS[1]), layout(LAYOUTS[1]), 25.0, (1, 1))
