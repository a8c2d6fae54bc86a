"""The recogniser of the public interface: of a run, a bundle or a preset; of arrays or files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.named import model_path
from slr_keras.bundle.scorer import BundleScorer
from slr_keras.hub.shipped import DEFAULT
from slr_keras.recognition import recogniser
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.result import Recognition
from slr_keras.utils.errors import UserError


class Recogniser(recogniser.Recogniser):
    """Recognises clips with a run, a bundle or a preset; a context manager.

    See `slr_keras.recognition.recogniser.Recogniser` for arguments and further methods.

    Example::

        from slr_keras import Recogniser

        with Recogniser.from_preset("asl-words") as recogniser:
            print(recogniser.recognise("clip.mp4").glosses)
    """

    @classmethod
    def from_preset(
        cls, preset: str | Path = DEFAULT, precision: str | None = None, threads: int = 1
    ) -> Self:
        """A recogniser with the TFLite files of a preset, which need no TensorFlow.

        Args:
            preset: name, folder or address of a preset (`slr presets` lists the installed ones); or
                the folder of a bundle or of a run.
            precision: of the files, such as "int8"; None: the first, "fp32" of installed presets.
            threads: of the runtime.

        Raises:
            UserError: there is no such preset, or it is damaged or has no such precision.

        >>> import numpy as np
        >>> from slr_keras import Recogniser
        >>> with Recogniser.from_preset("asl-words") as recogniser:
        ...     points = np.random.default_rng(0).uniform(100, 300, (20, 75, 4))
        ...     result = recogniser.recognise(points)
        >>> len(result.glosses), result.glosses[0] in recogniser.trained.vocabulary.glosses
        (1, True)
        """
        path = model_path(str(preset))
        if is_bundle(path):
            bundle = Bundle.load(path)
            return cls(bundle, scorer=BundleScorer(bundle, precision, threads=threads))
        if precision:
            raise UserError(f"precision {precision!r}: {path} is no bundle")
        from slr_keras.training.run import Run

        return cls(Run.load(path))

    def recognise(
        self, raw: str | Path | np.ndarray | Iterable[np.ndarray], fps: float | None = None
    ) -> Recognition:
        """Recognise one clip: an array, or a file as `slr predict` reads them.

        Args:
            raw: raw keypoints `(frames, source points, channels)` or pictures `(frames, height,
                width, 3)`; or the path of a clip.
            fps: frames per second; None: those of the file, or of the contract.

        Raises:
            UserError: the clip cannot be read or recognised; or a path holds several clips.
        """
        if not isinstance(raw, str | Path):
            return super().recognise(raw, fps)
        from slr_keras.recognition.find_clips import find_clips
        from slr_keras.recognition.modality.factory import modality_for

        overrides = Overrides(fps=fps)
        clips = find_clips([raw], self.trained.contract, overrides=overrides)
        if len(clips) != 1:
            raise UserError(f"{raw}: holds {len(clips)} clips; use slr_keras.recognition")
        modality = modality_for(self.trained.contract, overrides)
        footage = modality.footage(clips[0], self.preparation)
        (result,) = self.recognise_prepared([footage.frames])
        if isinstance(result, UserError):
            raise result
        return result
