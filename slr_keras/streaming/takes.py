"""Record takes of a sign from a stream of landmarks: count-down, recording, trimming of rest."""

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import list_layouts
from slr_keras.enrolment.encoding import Encoder
from slr_keras.enrolment.recording import SHORTEST, Take, require_signing
from slr_keras.streaming.endpoint import RestConfig, RestDetector
from slr_keras.streaming.preview import Preview
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path, file_name

KEEP, AGAIN, STOP = "keep", "again", "stop"
# Frames of rest that stay before and after the movement.
_MARGIN = 3
# Takes in succession that show no sign, after which nobody seems to be there.
_MOST_REFUSED = 5


@dataclass(frozen=True)
class TakeConfig:
    """How takes are recorded.

    Attributes:
        takes: number of takes.
        countdown: seconds before each take.
        seconds: length of a take.
    """

    takes: int = 3
    countdown: float = 3.0
    seconds: float = 2.5


def trimmed(clip: np.ndarray, contract: KeypointContract) -> np.ndarray:
    """A raw recording without the rest before and after the sign.

    Where the hands never rest, or always, the recording stays as it is.

    Args:
        clip: `(frames, source points, channels)`, raw.
        contract: prepares it.
    """
    detector = RestDetector(contract, RestConfig())
    moving = np.flatnonzero([not detector(frame) for frame in contract.prepare(clip)])
    if not len(moving):
        return clip
    first, last = max(moving[0] - _MARGIN, 0), moving[-1] + 1 + _MARGIN
    return clip[first:last] if last - first >= SHORTEST else clip


class TakeRecorder:
    """Records takes of one sign.

    Args:
        sign: its name.
        encoder: whose contract the frames have.
        config: how takes are recorded.
        say: called with short texts for the signer.
        ask: called after each take with its number; returns `KEEP`, `AGAIN` or `STOP`.
        preview: shows the points; None: nothing is shown.
    """

    def __init__(
        self,
        sign: str,
        encoder: Encoder,
        config: TakeConfig,
        say: Callable[[str], None],
        ask: Callable[[int], str],
        preview: Preview | None = None,
    ):
        self.sign = sign
        self.config = config
        self._encoder = encoder
        self._contract = encoder.contract
        self._say = say
        self._ask = ask
        self._preview = preview

    def record(
        self, opened: Callable[[], Iterable[np.ndarray]], live: bool
    ) -> list[tuple[Take, np.ndarray]]:
        """Record takes until there are enough, the signer stops, a file ends, or nobody is seen.

        Args:
            opened: opens the source: raw frames `(source points, channels)` at the rate of the
                contract.
            live: whether the source is a camera. A camera is opened for each take, so that no
                frame is older than the question before it; a file goes on.

        Returns:
            Each take, and its raw frames.

        Raises:
            UserError: the source cannot be read.
        """
        kept: list[tuple[Take, np.ndarray]] = []
        frames = iter(opened())
        refused = 0
        while len(kept) < self.config.takes and refused < _MOST_REFUSED:
            number = len(kept) + 1
            raw = self._take(frames, number)
            if live:
                _close(frames)
            if raw is None:
                break
            take = self._checked(raw, number)
            refused = refused + 1 if take is None else 0
            answer = self._ask(number) if take is not None else AGAIN
            if answer == STOP:
                break
            if answer == KEEP and take is not None:
                kept.append((take, raw))
            if live and len(kept) < self.config.takes:
                frames = iter(opened())
        _close(frames)
        return kept

    def _take(self, frames: Iterator[np.ndarray], number: int) -> np.ndarray | None:
        """The frames of one take; None where the source ended before."""
        fps, config = self._contract.fps, self.config
        for place in range(round(config.countdown * fps)):
            frame = next(frames, None)
            if frame is None:
                return None
            left = config.countdown - place / fps
            if place % round(fps) == 0:
                self._say(f"{self.sign}, take {number} of {config.takes}: in {left:.0f} ...")
            self._show(frame, f"{left:.0f}")
        self._say("sign now")
        wanted = round(config.seconds * fps)
        clip = []
        while len(clip) < wanted and (frame := next(frames, None)) is not None:
            clip.append(frame)
            self._show(frame, self.sign)
        return np.stack(clip) if len(clip) >= SHORTEST else None

    def _checked(self, raw: np.ndarray, number: int) -> Take | None:
        where = f"take {number} of {self.sign}"
        clip = self._contract.prepare(trimmed(raw, self._contract))
        try:
            require_signing(clip, self._encoder, where)
        except UserError as error:
            self._say(f"again: {error}")
            return None
        today = datetime.date.today().isoformat()
        self._say(f"{where}: {len(clip) / self._contract.fps:.1f} s of signing")
        return Take(self.sign, clip, where, today)

    def _show(self, frame: np.ndarray, text: str) -> None:
        if self._preview is not None:
            self._preview.show(self._contract.select(frame[None])[0], text)


def keep_takes(
    takes: Iterable[tuple[Take, np.ndarray]], folder: Path, contract: KeypointContract
) -> None:
    """Write raw takes as `FOLDER/SIGN/DATE-N.npz`, which `slr enrol FOLDER` reads again.

    Args:
        takes: takes and their raw frames.
        folder: to write into; files that are there stay.
        contract: of the frames; a layout that is built in is stated in the file.
    """
    named = {"layout": np.array(contract.source.name)}
    about = named if contract.source.name in list_layouts() else {}
    for take, raw in takes:
        place = folder / file_name(take.sign)
        place.mkdir(parents=True, exist_ok=True)
        number = 1
        while (path := place / f"{take.date}-{number}.npz").exists():
            number += 1
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(
                file,
                keypoints=raw,
                fps=np.float64(contract.fps),
                image_size=np.array(contract.image_size, np.float64),
                **about,
            )


def _close(frames: Iterator[np.ndarray]) -> None:
    """End a source that holds a camera."""
    close = getattr(frames, "close", None)
    if close is not None:
        close()
