"""Keypoint extraction from video: MediaPipe Holistic in a separate process, offline.

`landmark_frames` gives the landmarks of a recording or a camera, one frame after another;
`slr extract` makes data folders of many recordings.
"""

from slr_keras.extraction.frames import LandmarkFrame, LandmarkFrames, landmark_frames
from slr_keras.extraction.settings import LAYOUT, Settings

__all__ = ["LAYOUT", "LandmarkFrame", "LandmarkFrames", "Settings", "landmark_frames"]
