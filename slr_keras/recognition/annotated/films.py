"""Write the annotated video of every clip while clips are recognised."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.encoding import require_encoder, write_video
from slr_keras.recognition.annotated.caption import Caption, lacks_characters
from slr_keras.recognition.annotated.pictures import Scene, scene_of_points, scene_of_video
from slr_keras.recognition.clip import Clip, Failure, Pictures, Points, Prediction
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.writers import clip_paths
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import as_user_error
from slr_keras.utils.progress import noted

SUFFIX = ".mp4"


class Films:
    """Annotated videos of clips.

    The points of a clip are those that were recognised: they are not found again.

    Args:
        to: video of a single clip, or folder of the videos; None: no video is written.
        clips: clips to recognise.
        contract: of the run.
        overrides: properties of the clips that the user states.

    Attributes:
        clips: the clips to give to the recogniser, in the same order.

    Raises:
        UserError: `to` has another suffix or is an input, several clips have no folder, or PyAV is
            not installed.
    """

    def __init__(
        self,
        to: str | Path | None,
        clips: Sequence[Clip],
        contract: KeypointContract | FrameContract,
        overrides: Overrides,
    ):
        self.clips = list(clips)
        self._paths: dict[tuple[str, str], Path] = {}
        if to is None:
            return
        require_encoder()
        self._paths = _paths(to, clips)
        self._contract, self._overrides = contract, overrides
        self._originals = {(clip.id, clip.source): clip for clip in clips}
        self._read: dict[tuple[str, str], Points | Pictures] = {}
        self.clips = [replace(clip, read=self._reader(clip)) for clip in clips]

    def drawn(self, results: Iterable[Prediction | Failure]) -> Iterator[Prediction | Failure]:
        """Pass results on, and write the video of each prediction before.

        A video that cannot be drawn becomes a notice of the prediction.
        """
        for result in results:
            yield self._filmed(result) if self._paths else result

    def _reader(self, clip: Clip):
        def read() -> Points | Pictures:
            self._read[clip.id, clip.source] = found = clip.read()
            return found

        return read

    def _filmed(self, result: Prediction | Failure) -> Prediction | Failure:
        key = result.id, result.source
        found = self._read.pop(key, None)
        if isinstance(result, Failure):
            return result
        try:
            scene = self._scene(self._originals[key], found, result)
            pictures = noted(_captioned(scene, result), f"{result.id}: drawing frame")
            write_video(self._paths[key], pictures, scene.fps)
        except OSError:
            raise
        except Exception as error:
            reason = as_user_error(error, str(self._paths[key]))
            return _noticed(result, f"no video drawn: {reason}")
        lacking = lacks_characters(result)
        if lacking:
            what = f"no font here shows {lacking} in the video; install one that does"
            return _noticed(result, what)
        return result

    def _scene(self, clip: Clip, found: Points | Pictures, prediction: Prediction) -> Scene:
        if isinstance(found, Pictures):
            return scene_of_video(found, prediction, self._overrides.fps)
        return scene_of_points(clip, found, prediction, self._contract, self._overrides)


def _captioned(scene: Scene, prediction: Prediction) -> Iterator[np.ndarray]:
    """The pictures of a scene with the caption below, all of the first one's size."""
    from PIL import Image

    caption = framed = None
    for number, picture in enumerate(scene.pictures):
        if caption is None:
            width, height = picture.size
            caption = Caption(prediction, width, height)
            # Encoders want even sides.
            size = (width + width % 2, height + caption.height + (height + caption.height) % 2)
            framed = Image.new("RGB", size)
        if picture.size != (width, height):
            picture = picture.resize((width, height))
        framed.paste(picture)
        framed.paste(caption.drawn(float((number + 0.5) / scene.fps)), (0, height))
        yield np.asarray(framed)


def _paths(to: str | Path, clips: Sequence[Clip]) -> dict[tuple[str, str], Path]:
    path = Path(to)
    if len(clips) > 1 and path.suffix.lower() == SUFFIX and not path.is_dir():
        raise UserError(f"--video {path}: {len(clips)} clips make several videos; name a folder")
    paths = clip_paths(to, clips, SUFFIX, "--video")
    inputs = [place for clip in clips for place in (clip.video, Path(clip.source)) if place]
    known = {place.resolve() for place in inputs}
    for path in paths.values():
        if path.suffix.lower() != SUFFIX:
            raise UserError(f"--video {path}: the format is mp4; name a {SUFFIX} file or a folder")
        if path.resolve() in known or any(_same(path, place) for place in inputs):
            raise UserError(f"--video {path}: is an input, which is not replaced; name another")
    return paths


def _same(path: Path, other: Path) -> bool:
    """Whether two names are one file, such as a hard link."""
    return path.exists() and other.exists() and path.samefile(other)


def _noticed(prediction: Prediction, notice: str) -> Prediction:
    return replace(prediction, notices=(*prediction.notices, f"{prediction.source}: {notice}"))
