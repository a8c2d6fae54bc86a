"""Write a data folder (keypoints, manifests and contract) atomically."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.lines import (
    CONTRACT_FILE,
    SPLITS,
    parse_sample,
    sample_line,
    write_manifest,
)
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import follow_umask


class FolderWriter:
    """Stream clips into a data folder; the files appear together when the block ends normally.

    Clips go to `<split>.npy` and `<split>.jsonl` in the order of the calls; `keypoints.json` is the
    contract. After an exception, the folder is unchanged. Existing splits that are not written are
    kept if their contract is the same. `further_splits` are names of splits besides train, dev and
    test.

    >>> import os, tempfile, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.manifest import FolderWriter
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = os.path.join(parent, "data")
    ...     with FolderWriter(folder, contract("kinect_20")) as writer:
    ...         writer.add("dev", id="a", glosses=["RAIN"], keypoints=np.ones((9, 20, 4)))
    ...     sorted(os.listdir(folder))
    ['dev.jsonl', 'dev.npy', 'keypoints.json']
    """

    def __init__(
        self, folder: str | Path, contract: KeypointContract, further_splits: Sequence[str] = ()
    ):
        self._known = (*SPLITS, *further_splits)
        self.folder = Path(folder)
        self.contract = contract
        self._shape = (len(contract.source.points), len(contract.source.channels))
        self._temporary: Path | None = None
        self._arrays: dict[str, IO[bytes]] = {}
        self._frames: dict[str, int] = {}
        self._samples: dict[str, list[Sample]] = {}
        self._ids: dict[str, set[str]] = {}

    def __enter__(self) -> "FolderWriter":
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"{self.folder}: is a file; give the path of a folder")
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # On the same file system as the folder, so that renaming is atomic.
        beside = self.folder if self.folder.exists() else self.folder.parent
        name = tempfile.mkdtemp(dir=beside, prefix=f".{self.folder.name}-")
        self._temporary = Path(name)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for file in self._arrays.values():
                # Closing may fail on a full disk; the temporary files are removed in any case.
                with contextlib.suppress(OSError):
                    file.close()
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def add(
        self,
        split: str,
        /,
        *,
        id: str,
        glosses: Sequence[str],
        keypoints: np.ndarray,
        signer: str = "",
        fps: float | None = None,
        text: str = "",
        **extra: Any,
    ) -> None:
        """Append a clip to a split.

        Args:
            split: "train", "dev" or "test".
            id: name of the clip, unique within the split.
            glosses: glosses in order.
            keypoints: (frames, source points, source channels), raw, as the contract describes.
            signer, fps, text: see `Sample`; fps defaults to the rate of the contract.
            extra: further keys of the manifest's line.

        Raises:
            UserError: split, shape, id or glosses are wrong; names the sample.
        """
        if self._temporary is None:
            raise RuntimeError("add clips inside the writer's with block")
        where = f"{self.folder / split}.jsonl: sample {id!r}"
        if split not in self._known:
            raise UserError(f"{where}: unknown split {split!r}; it must be train, dev or test")
        keypoints = np.asarray(keypoints)
        if keypoints.ndim != 3 or keypoints.shape[1:] != self._shape:
            raise UserError(
                f"{where}: keypoints have shape {keypoints.shape}, but layout "
                f"{self.contract.source.name!r} has (frames, {self._shape[0]}, {self._shape[1]})"
            )
        if id in self._ids.setdefault(split, set()):
            raise UserError(f"{where}: the split already has this id; ids must be unique")
        sample = Sample(
            id=id,
            glosses=tuple(glosses),
            frames=len(keypoints),
            signer=signer,
            fps=self.contract.fps if fps is None else float(fps),
            text=text,
            split=split,
            keypoints=f"{split}.npy",
            start=self._frames.get(split, 0),
            extra=extra,
        )
        parse_sample(sample_line(sample), f"{self.folder / split}.jsonl")
        if split not in self._arrays:
            # Open until the last clip; __exit__ closes the file.
            self._arrays[split] = open(self._temporary / f"{split}.npy", "wb")  # noqa: SIM115
            self._arrays[split].write(npy_header((0, *self._shape), "<f4"))
        self._arrays[split].write(np.ascontiguousarray(keypoints, "<f4").tobytes())
        self._frames[split] = self._frames.get(split, 0) + len(keypoints)
        self._samples.setdefault(split, []).append(sample)
        self._ids[split].add(id)

    def path(self, name: str) -> Path:
        """Path for writing a further file, which appears in the folder with the others.

        Args:
            name: path relative to the folder; missing parent folders are created.
        """
        if self._temporary is None:
            raise RuntimeError("ask for paths inside the writer's with block")
        path = self._temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _finish(self) -> None:
        self._check_other_splits()
        for split, file in self._arrays.items():
            file.seek(0)
            file.write(npy_header((self._frames[split], *self._shape), "<f4"))
            file.flush()
            os.fsync(file.fileno())
            write_manifest(self._temporary / f"{split}.jsonl", self._samples[split])
        self.contract.write(self._temporary / CONTRACT_FILE)
        follow_umask(self._temporary)
        if not self.folder.exists():
            self._temporary.rename(self.folder)
            return
        # Manifests last, so that they never refer to missing files.
        order = {".json": 1, ".jsonl": 2}
        files = (path for path in self._temporary.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: order.get(path.suffix, 0)):
            target = self.folder / path.relative_to(self._temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)

    def _check_other_splits(self) -> None:
        others = [s for s in SPLITS if (self.folder / f"{s}.jsonl").exists() and s not in self._ids]
        if others and (self.folder / CONTRACT_FILE).exists():
            KeypointContract.read(self.folder / CONTRACT_FILE).require_same(
                self.contract, f"{self.folder} (split {others[0]})", "the new data"
            )


def npy_header(shape: tuple[int, ...], kind: str) -> bytes:
    """A `.npy` header (version 1) of fixed length, so that the frame count can be set at the end.

    Args:
        shape: shape of the array.
        kind: NumPy's name of the dtype, such as "<f4".

    >>> from slr_keras.data.writer import npy_header
    >>> len(npy_header((0, 133, 3), "<f4")) == len(npy_header((250000, 133, 3), "<f4"))
    True
    """
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"
