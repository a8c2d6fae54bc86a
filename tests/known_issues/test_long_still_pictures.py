"""A still picture of over a minute in a screen recording was refused as "damaged times"."""

import numbered_film
import pytest

from slr_keras.data.rates import at_rate, indices_at_rate
from slr_keras.data.times import Times
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.viewing import open_sample
from slr_keras.utils.errors import UserError

pytest.importorskip("av")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "moments", [[0, 40, 80, 90_000, 90_040], [0, 600_000, 600_040], [70_000, 70_040]]
)
def test_a_picture_is_shown_as_long_as_the_file_says(tmp_path, moments, suffix):
    path = numbered_film.write_film(tmp_path / f"a.{suffix}", moments)
    seen = [int(number) for number in numbered_film.numbers(at_rate(shown_in(path, 25.0), 25.0))]
    starts = [moment - moments[0] for moment in moments]
    # 25 frames a second: a frame every 40 milliseconds, its middle 20 later.
    right = [
        max(n for n, start in enumerate(starts) if start <= 40 * frame + 20)
        for frame in range(starts[-1] // 40)
    ]
    assert seen[: len(right)] == right
    assert set(seen[len(right) :]) == {len(moments) - 1}


def test_a_long_still_takes_the_memory_of_one_picture(tmp_path):
    path = numbered_film.write_film(tmp_path / "a.mp4", [0, 120_000, 120_040])
    pictures = open_sample(path).drawing(100).pictures
    assert len(pictures) >= 3000
    assert len({id(picture) for picture in pictures}) == 3


def test_long_frames_of_keypoints_and_manifests_are_read():
    assert len(indices_at_rate(2, 1 / 90, 25.0)) == 4500
    assert Times(1, (100, 101)).indices(25.0).tolist() == [0] * 2500 + [1] * 25


def test_times_beyond_the_limit_of_frames_are_refused_with_the_limit(tmp_path, monkeypatch):
    path = numbered_film.write_film(tmp_path / "a.mp4", [0, 90_000, 90_040])
    monkeypatch.setenv("SLR_KERAS_MAX_FRAMES", "2000")
    with pytest.raises(UserError, match=r"a\.mp4: lasts 90 .* 2,000; .*SLR_KERAS_MAX_FRAMES"):
        list(at_rate(shown_in(path, 25.0), 25.0))
