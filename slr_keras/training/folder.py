"""The run folder: its files, its lock, and the check of whether a command may continue a run."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO

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
# What a command does with a folder.
_NEW, _CONTINUE, _RESTART = "new", "continue", "restart"


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
        self._pending: str | None = None
        self._claim: tuple[Config, contextlib.ExitStack] | None = None

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

    @property
    def begun(self) -> bool:
        """Whether an epoch was recorded or a checkpoint written.

        Until then the folder keeps nothing of value, and a corrected command may take it.
        """
        return any(path.is_file() for path in (self.last, self.best, self.metrics))

    @property
    def resumable(self) -> bool:
        """Whether training goes on from the last checkpoint."""
        return self.last.is_file() and self._pending != _RESTART

    def open(self, config: Config, restart: bool = False, resume: bool = False) -> str:
        """Create the folder for a config, or continue the run in the folder, and release it.

        `claimed` describes the arguments and errors.

        Returns:
            A message that says which of these was done.
        """
        with self.claimed(config, restart, resume):
            return self.begin()

    @contextlib.contextmanager
    def claimed(
        self, config: Config, restart: bool = False, resume: bool = False, chief: bool = True
    ) -> Iterator[None]:
        """Lock the folder and decide what a command does with it; nothing is written yet.

        Check everything else inside the block, then call `begin`. A command that fails before
        leaves the folder as it was.

        Args:
            config: config of the command.
            restart: move an existing run aside and start a new one.
            resume: require an existing run.
            chief: whether this process writes the run; others look without a lock.

        Raises:
            UserError: another process trains the run; the run began with another config; the
                folder holds other files; or `resume` is set and there is no run.
        """
        if resume and not self.exists:
            raise UserError(f"{self.path}: there is no run to resume; remove --resume")
        with contextlib.ExitStack() as locks:
            if chief:
                locks.enter_context(self.locked())
                remove_leftovers(self.path, recursive=True)
            self._pending = self._decision(config, restart)
            self._claim = (config, locks)
            try:
                yield
            finally:
                self._pending = self._claim = None

    def begin(self) -> str:
        """Write what `claimed` decided: move a run aside, write the config.

        Returns:
            A message that says what was done; empty if the folder is not claimed or has begun.
        """
        if self._pending is None:
            return ""
        (config, locks), pending, self._pending = self._claim, self._pending, None
        done = f"new run in {self.path}"
        if pending == _RESTART:
            aside = self._move_aside()
            locks.enter_context(self.locked())
            done += f"; the previous run was moved to {aside}"
        elif pending == _CONTINUE:
            done = f"continuing the run in {self.path}"
        else:
            self._remove_description()
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

        A folder that was made for the lock, and in which no run began, is removed again.

        Raises:
            UserError: another process holds the lock.
        """
        try:
            import fcntl
        except ImportError:  # Not on Windows.
            self.path.mkdir(parents=True, exist_ok=True)
            yield
            return
        made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        fresh = not self._lock.exists()
        with self._lock_file(fcntl) as file:
            try:
                yield
            finally:
                if fresh and not self.exists and self._is_lock(file):
                    self._lock.unlink()
                    with contextlib.suppress(OSError):
                        for folder in made:
                            folder.rmdir()

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    def _lock_file(self, fcntl: ModuleType) -> IO[str]:
        while True:
            self.path.mkdir(parents=True, exist_ok=True)
            file = open(self._lock, "w")  # noqa: SIM115
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                raise UserError(
                    f"{self.path}: another process is training this run; wait for it or stop it"
                ) from error
            # Between the two calls, another process may have moved or removed the folder.
            if self._is_lock(file):
                return file
            file.close()

    def _is_lock(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.stat(self._lock))
        except FileNotFoundError:
            return False

    def _decision(self, config: Config, restart: bool) -> str:
        if self.exists and restart:
            return _RESTART
        if self.begun:
            self._require_same(config)
            if not self.last.is_file():
                raise UserError(
                    f"{self.path}: the run has no {self.last.name} from which training could go "
                    "on; give another folder with --to, or start over with --restart"
                )
            return _CONTINUE
        # Hidden files are the lock, and what an interrupted start has left.
        others = self.path.is_dir() and any(p.name[0] != "." for p in self.path.iterdir())
        if others and not self.exists:
            raise UserError(
                f"{self.path}: the folder holds other files and no run; give another with --to"
            )
        return _NEW

    def _remove_description(self) -> None:
        """Remove the description that an earlier command wrote before any checkpoint."""
        for path in (self.model, self.vocabulary, self.contract, self.frame_contract):
            path.unlink(missing_ok=True)
        self.bad_batch.unlink(missing_ok=True)

    def _require_same(self, config: Config) -> None:
        if not self.exists:
            raise UserError(
                f"{self.path}: the run has no {self.config.name}; restore it, or give another "
                "folder with --to"
            )
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
