"""Windows of some videos began one picture early, or were refused.

After a seek, pictures were numbered by their times, counted from the time at which the file says to
begin. In AVI files the first picture may have a later time; where the rate varied, an error was
raised.
"""

import itertools

import numbered_film
import numpy as np
import pytest

from slr_keras.data.video.opening import Video
from slr_keras.data.video.windows import window_frames

pytest.importorskip("av")

STEADY = list(range(0, 9000, 40))
# As many pictures as at 25 per second, but the times of some are exchanged for others.
BALANCED = sorted({*STEADY, 1020, 1060} - {4000, 4040})
UNEVEN = np.cumsum(np.random.default_rng(0).integers(2, 90, 225)).tolist()
# For formats and codecs that store a rate.
RATE = {"moments": range(225), "per_second": 25}
FILMS = {
    "b-frames.avi": {"codec": "mpeg4", "options": {"bf": "2"}, **RATE},
    "gaps.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "b-frames.mkv": {"codec": "mpeg4", "options": {"bf": "2"}},
    "b-frames.mp4": {"codec": "mpeg4", "options": {"bf": "2"}},
    "balanced.mp4": {"moments": BALANCED},
    "balanced.mkv": {"moments": BALANCED},
    "uneven.mkv": {"moments": UNEVEN},
    "open.mp4": {"options": {"x264-params": "open-gop=1:bframes=3"}},
    "refreshed.mp4": {"options": {"x264-params": "intra-refresh=1:bframes=0:keyint=40"}},
    "late.mp4": {"moments": [5000 + moment for moment in STEADY], "sound_from": 0},
    "stream.ts": {},
    "stream.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}, **RATE},
    "flash.flv": {},
    "motion.avi": {"codec": "mjpeg", "colours": "yuvj420p", **RATE},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16"}},
}


@pytest.mark.parametrize("name", FILMS)
def test_a_window_has_the_pictures_of_sequential_reading(tmp_path, name):
    options = {"moments": STEADY, **FILMS[name]}
    path = numbered_film.write_film(tmp_path / name, **options)
    with Video(path) as video:
        sequence = numbered_film.numbers(map(video.upright, video.frames()))
    assert len(sequence) > 215
    for first in (0, 96, 101, 110, 149, 150, 151, 200, len(sequence) - 5):
        window = [frame for _, frame in window_frames(path, first, 5, range(5))]
        assert numbered_film.numbers(window) == sequence[first : first + 5]


def test_a_seek_that_leads_astray_after_the_first_pictures_is_noticed(tmp_path, monkeypatch):
    """The times after a seek are wrong from some picture on, as in a damaged index."""
    path = numbered_film.write_film(tmp_path / "a.mp4", STEADY)
    original = Video.frames

    def wrong(video, limited=True):
        frames = original(video, limited)
        if not video.sought:
            return frames
        return itertools.chain(itertools.islice(frames, 25), itertools.islice(frames, 1, None))

    def seek(video, time, original=Video.seek):
        video.sought = True
        original(video, time)

    monkeypatch.setattr(Video, "sought", False, raising=False)
    monkeypatch.setattr(Video, "frames", wrong)
    monkeypatch.setattr(Video, "seek", seek)
    window = [frame for _, frame in window_frames(path, 170, 9, range(9))]
    assert numbered_film.numbers(window) == list(range(170, 179))
