"""Playlists were read as videos: they name other files, which FFmpeg opened.

An `.m3u8` read local files, and an `ffconcat` script named .mp4 read a file beside it.
"""

import numbered_film
import pytest

from slr_keras.data.video.opening import stated
from slr_keras.data.video.recordings import is_readable, shown_in
from slr_keras.utils.errors import UserError

pytest.importorskip("av")

SCRIPTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "concat.mp4": "ffconcat version 1.0\nfile secret.mp4\n",
    "hidden.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "manifest.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>\n' * 40,
    "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="secret.png"/></svg>\n' * 9,
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "terminal.txt": "\x1b[31mred\n" * 99,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_file_that_names_others_is_no_video(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbered_film.write_film(tmp_path / "secret.mp4", range(0, 400, 40))
    (tmp_path / name).write_text(SCRIPTS[name])
    for read in (lambda path: list(shown_in(path, 25.0)), stated):
        with pytest.raises(UserError, match=r"not a video"):
            read(tmp_path / name)
    if not name.endswith(".mp4"):
        assert not is_readable(tmp_path / name)


@pytest.mark.parametrize(
    "suffix", ["mp4", "mov", "mkv", "avi", "ts", "flv", "mpg", "3gp", "ogv", "gif"]
)
def test_the_formats_of_recordings_are_read_whatever_their_names(tmp_path, suffix):
    codecs = {"mpg": "mpeg2video", "ogv": "libvpx", "gif": "gif", "3gp": "mpeg4"}
    codec = codecs.get(suffix, "libx264")
    path = numbered_film.write_film(
        tmp_path / f"a.{suffix}",
        range(30),
        codec,
        options={"g": "12"},
        per_second=25,
        colours="rgb8" if suffix == "gif" else "yuv420p",
    )
    unnamed = path.rename(tmp_path / "recording")
    assert is_readable(unnamed)
    assert len(list(shown_in(unnamed, 25.0))) == 30
