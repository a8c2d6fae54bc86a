"""Keypoints of a video for a run that sees keypoints: found by MediaPipe while the clip is read."""

import hashlib
import json
import tempfile
from pathlib import Path

from slr_keras.data.layout import layout
from slr_keras.extraction import LAYOUT, Settings, landmark_frames
from slr_keras.extraction.clip_files import is_made, read_clip_file, write_clip
from slr_keras.recognition.clip import Points
from slr_keras.utils.files import sha256


def found_in(
    path: Path, fps: float, given: float | None = None, cache: Path | None = None
) -> Points:
    """The keypoints in a video file.

    Args:
        path: the video; nothing is written beside it.
        fps: frames a second to give, by the times in the file.
        given: rate of the pictures, whatever the file says; then every one of them gives a frame.
        cache: folder in which the keypoints are kept, and looked for first.

    Returns:
        Points in the layout `mediapipe_holistic_543`, in pixels.

    Raises:
        UserError: MediaPipe is not installed, died or hung, or the video cannot be read.
    """
    settings = Settings(fps=None if given else fps)
    record = {**settings.to_json(), "rate": given, "source": sha256(path)}
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:24]
    with tempfile.TemporaryDirectory() as temporary:
        file = (cache or Path(temporary)) / f"{digest}.npz"
        if not is_made(file, record):
            with landmark_frames(path, settings, rate=given) as frames:
                points = (frame.points for frame in frames)
                write_clip(file, points, given or fps, lambda: frames.image_size, record)
        keypoints, size = read_clip_file(file)
    return Points(keypoints, given or fps, layout(LAYOUT), size)
