"""The recogniser of the public interface: of a run, bundle, preset or enrolled signs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.named import model_path
from slr_keras.bundle.scorer import BundleScorer
from slr_keras.enrolment.encoding import Encoder
from slr_keras.enrolment.model import EnrolledModel, EnrolmentScorer
from slr_keras.enrolment.storage import is_enrolment
from slr_keras.hub.shipped import DEFAULT
from slr_keras.recognition import recogniser
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.result import Recognition
from slr_keras.utils.errors import UserError


class Recogniser(recogniser.Recogniser):
    """Recognises clips with a run, a bundle, a preset or enrolled signs; a context manager.

    See `slr_keras.recognition.recogniser.Recogniser` for arguments and further methods.

    Example::

        from slr_keras import Recogniser

        with Recogniser.from_preset("asl-words") as recogniser:
            print(recogniser.recognise("clip.mp4").glosses)
    """

    @classmethod
    def from_preset(
        cls,
        preset: str | Path = DEFAULT,
        precision: str | None = None,
        threads: int = 1,
        accept: float | None = None,
        encoder: Encoder | str | Path | None = None,
    ) -> Self:
        """A recogniser with the TFLite files of a preset, which need no TensorFlow.

        Args:
            preset: name, folder or address of a preset (`slr presets` lists the installed ones);
                the folder of a bundle or of a run; or an enrolment file of `slr enrol` (`.slr`).
            precision: of the files, such as "int8"; None: the first, "fp32" of installed presets.
            threads: of the runtime.
            accept: of enrolled signs: fraction of unknown clips that may be accepted; None: 0.05.
            encoder: of enrolled signs: an encoder, or its name or folder; None: that of the file.

        Raises:
            UserError: there is no such preset, or it is damaged or has no such precision; or an
                option does not go with it.

        >>> import numpy as np
        >>> from slr_keras import Recogniser
        >>> with Recogniser.from_preset("asl-words") as recogniser:
        ...     points = np.random.default_rng(0).uniform(100, 300, (20, 75, 4))
        ...     result = recogniser.recognise(points)
        >>> len(result.glosses), result.glosses[0] in recogniser.trained.vocabulary.glosses
        (1, True)
        """
        path = model_path(str(preset))
        if is_enrolment(path):
            if precision:
                raise UserError(f"precision {precision!r}: {path} is no bundle")
            model = EnrolledModel.load(path, encoder, accept)
            return cls(model, scorer=EnrolmentScorer(model))
        if accept is not None or encoder is not None:
            raise UserError(f"accept and encoder go with enrolled signs (.slr); {path} has none")
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
