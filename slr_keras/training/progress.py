"""Progress display of a training: a bar in a terminal, and a line per epoch."""

import sys
import time
from typing import Any

BAR = (
    "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} clips {elapsed}<{remaining} "
    "{rate_fmt}{postfix}"
)


class Progress:
    """Displays the progress of a training.

    Args:
        epochs: epochs of the run.
        clips: clips per epoch.
        quiet: show nothing, as in processes that are not the chief.
        bar: show a bar; by default only if standard error is a terminal.
    """

    def __init__(self, epochs: int, clips: int, quiet: bool = False, bar: bool | None = None):
        self.epochs = epochs
        self.clips = clips
        self.quiet = quiet
        self._wants_bar = not quiet and (sys.stderr.isatty() if bar is None else bar)
        self._bar = None
        self._best = ""
        self._started = time.monotonic()
        self._done = 0.0
        self._epoch = 0

    def say(self, text: str) -> None:
        """Print a line."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        print(text, flush=True)

    def epoch(self, epoch: int, clips_before: int = 0) -> None:
        """Begin an epoch; epochs count from 0, `clips_before` clips are already done."""
        self._epoch = epoch
        if self._wants_bar:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self.clips,
                initial=clips_before,
                desc=f"epoch {epoch + 1}/{self.epochs}",
                unit="clips",
                bar_format=BAR,
                leave=False,
                dynamic_ncols=True,
            )

    def step(self, clips: int, loss: float) -> None:
        """Count a finished batch."""
        self._done += clips / self.clips
        if self._bar is not None:
            text = f"loss {loss:.3f}{self._best}, {self.time_left()} left"
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(clips)

    def finish_epoch(self, record: dict[str, Any], best: dict[str, Any]) -> None:
        """Print the line of a finished and evaluated epoch."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._best, score, lowest = _scores(record["dev"], best["wer"])
        self.say(
            f"epoch {record['epoch']:>{len(str(self.epochs))}}/{self.epochs}  "
            f"loss {record['loss']:.3f}  {score}  best {lowest:.2f} after "
            f"{best['epoch']}  rate {record['learning_rate']:.2e}  "
            f"{record['clips_per_second']:.1f} clips/s  left {self.time_left()}"
        )

    def time_left(self) -> str:
        """Estimated time until the last epoch ends, at the speed so far."""
        if not self._done:
            return "?"
        passed = time.monotonic() - self._started
        # A bar counts clips within the epoch; without a bar, only finished epochs count.
        left = max(self._remaining(), 0.0) * passed / self._done
        return duration(left)

    def _remaining(self) -> float:
        within = (self._bar.n / self.clips) if self._bar is not None else 1.0
        return self.epochs - self._epoch - within


PARTS = ("deletions", "insertions", "substitutions")


def _scores(dev: dict[str, Any], lowest: float) -> tuple[str, str, float]:
    """Text for the bar, text for the line of an epoch, and the best score so far.

    The scores are error rates or, for isolated signs, accuracies.
    """
    if "top_1" in dev:
        top = dev["top_1"]["ensemble"]
        text = f"dev top-1 {top:.2f}"
        return f", {text}", f"{text} (top-5 {dev['top_5']:.1f})", 100 - lowest
    text = f"dev WER {dev['wer']['ensemble']:.2f}"
    parts = " ".join(f"{k[:3]} {dev[k]:.1f}" for k in PARTS)
    return f", {text}", f"{text} ({parts})", lowest


def duration(seconds: float) -> str:
    """Format a duration in seconds.

    >>> from slr_keras.training.progress import duration
    >>> duration(42), duration(600), duration(7500)
    ('42 s', '10 min', '2 h 05 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
