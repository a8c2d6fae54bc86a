"""Extract keypoints from a video with MediaPipe, for runs that read keypoints."""

import hashlib
import json
import tempfile
from pathlib import Path

from slr_keras.data.layout import layout
from slr_keras.data.video.opening import reading_mark, stated
from slr_keras.extraction import LAYOUT, Settings, landmark_frames
from slr_keras.extraction.clip_files import is_made, read_clip_file, write_clip
from slr_keras.recognition.clip import Points
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256
from slr_keras.utils.progress import noted


def extract_keypoints(
    path: Path, fps: float, given: float | None = None, cache: Path | None = None
) -> Points:
    """Extract the keypoints of a video file.

    Args:
        path: the video; nothing is written next to it.
        fps: frames per second of the result, sampled by the times in the file.
        given: frame rate that replaces the times of the file; every picture then gives one frame.
        cache: folder that caches the keypoints.

    Returns:
        Points in the layout `mediapipe_holistic_543`, in pixels.

    Raises:
        UserError: MediaPipe is not installed, crashed or hung, or the video cannot be read.
    """
    settings = Settings(fps=None if given else fps)
    record = {**settings.to_json(), "rate": given, "source": sha256(path) + reading_mark(path)}
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:24]
    with tempfile.TemporaryDirectory() as temporary:
        file = (cache or Path(temporary)) / f"{digest}.npz"
        if not is_made(file, record):
            with landmark_frames(path, settings, rate=given) as frames:
                what = f"{path.name}: finding keypoints, frame"
                points = (
                    frame.points for frame in noted(frames, what, _expected(path, fps, given))
                )
                write_clip(file, points, given or fps, lambda: frames.image_size, record)
        keypoints, size = read_clip_file(file)
    return Points(keypoints, given or fps, layout(LAYOUT), size)


def _expected(path: Path, fps: float, given: float | None) -> int:
    """About how many frames there will be; 0 if the file does not say."""
    try:
        frames, rate = stated(path)
    except UserError:
        # Reading it reports what is wrong.
        return 0
    return frames if given or not rate else round(frames * fps / rate)
