"""The run folder: its files, its lock, and the check of whether a command may continue a run."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from slr_keras.config import Config, differences, read_run_config, to_yaml
from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import rename, write_text
from slr_keras.utils.working_folder import remove_leftovers

# Sections that may differ when a run continues: they change where training runs and how outputs are
# decoded, not the weights.
FREE_SECTIONS = ("distribution", "decoding")
# Keys of these sections that must not differ: the choice of the best epoch depends on them.
FIXED = ("decoding.heads",)


class RunFolder:
    """Paths of a run's files.

    >>> from slr_keras.training.folder import RunFolder
    >>> RunFolder("runs/demo").best.as_posix()
    'runs/demo/checkpoints/best.npz'
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.vocabulary = self.path / "vocabulary.txt"
        self.contract = self.path / "keypoints.json"
        self.frame_contract = self.path / "frames.json"
        self.model = self.path / "model.json"
        self.last = self.path / "checkpoints" / "last.npz"
        self.best = self.path / "checkpoints" / "best.npz"
        self.next_best = self.path / "checkpoints" / "next_best.npz"
        self.bad_batch = self.path / "bad_batch.npz"
        self.metrics = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.curves = self.path / "curves.png"
        self.language_model = self.path / "language_model.json"
        self.saved_model = self.path / "model.keras"
        self.report = self.path / "report.md"

    def predictions(self, split: str) -> Path:
        """Predictions of a split."""
        return self.path / f"{split}_predictions.jsonl"

    def scores(self, split: str) -> Path:
        """Word error rates of a split."""
        return self.path / f"{split}_scores.json"

    def log_probabilities(self, split: str) -> Path:
        """Log-probabilities of every clip of a split; models of isolated signs only."""
        return self.path / f"{split}_log_probabilities.npz"

    def sign_report(self, split: str) -> Path:
        """Accuracy, confusions and calibration of a split; models of isolated signs only."""
        return self.path / f"{split}_signs.md"

    def confusion(self, split: str) -> Path:
        """Figure of the most confused signs of a split; models of isolated signs only."""
        return self.path / f"{split}_confusion.png"

    def reliability(self, split: str) -> Path:
        """Reliability diagram of a split; models of isolated signs only."""
        return self.path / f"{split}_reliability.png"

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.config.is_file()

    def open(self, config: Config, restart: bool = False, resume: bool = False) -> str:
        """Create the folder for a config, or continue the run in the folder.

        Args:
            config: config of the command.
            restart: move an existing run aside and start a new one.
            resume: require an existing run.

        Returns:
            A message that says which of these was done.

        Raises:
            UserError: the existing run has another config; the folder holds other files; or
                `resume` is set and there is no run.
        """
        remove_leftovers(self.path, recursive=True)
        done = f"new run in {self.path}"
        if self.exists and restart:
            with self.locked():
                pass
            aside = self._move_aside()
            done = f"new run in {self.path}; the previous run was moved to {aside}"
        if self.exists:
            self._require_same(config)
            write_text(self.config, to_yaml(config))
            return f"continuing the run in {self.path}"
        if resume:
            raise UserError(f"{self.path}: there is no run to resume; remove --resume")
        if self.path.is_dir() and any(p.name != ".lock" for p in self.path.iterdir()):
            raise UserError(
                f"{self.path}: the folder holds other files and no run; give another with --to"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config, to_yaml(config))
        return done

    def settle_best(self, epochs: int) -> None:
        """Make `next_best` the best weights if its epoch is saved, and drop it otherwise.

        A run that was stopped between the two repeats the epoch.

        Args:
            epochs: number of finished epochs in the last checkpoint.
        """
        if not self.next_best.is_file():
            return
        if read_record(self.next_best)["epoch"] <= epochs:
            rename(self.next_best, self.best)
        else:
            self.next_best.unlink()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run against other processes; the lock ends with this process.

        Raises:
            UserError: another process holds the lock.
        """
        try:
            import fcntl
        except ImportError:  # Not on Windows.
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"{self.path}: another process is training this run; wait for it or stop it"
                ) from error
            yield

    def _require_same(self, config: Config) -> None:
        changed = [
            line
            for line in differences(read_run_config(self.config), config)
            if line.partition(".")[0] not in FREE_SECTIONS or line.startswith(FIXED)
        ]
        if changed:
            raise UserError(
                f"{self.path}: this run began with another config ({'; '.join(changed)}); "
                "use that config, give another folder with --to, or start over with --restart"
            )

    def _move_aside(self) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.{number}")).exists():
            number += 1
        os.rename(self.path, aside)
        self.path.mkdir()
        return aside
