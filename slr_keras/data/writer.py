"""Write a data folder (keypoints, manifests and contract) atomically."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.fingerprints import fingerprints_of
from slr_keras.data.lines import (
    CONTRACT_FILE,
    SPLITS,
    parse_sample,
    sample_line,
    write_manifest,
)
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError
from slr_keras.utils.published_folder import published_folder


class FolderWriter:
    """Stream clips into a data folder; the files appear together when the block ends normally.

    Clips go to `<split>.npy` and `<split>.jsonl` in the order of the calls; `keypoints.json` is the
    contract. After an exception, and after the death of the process, the folder is unchanged.
    Existing splits that are not written are kept if their contract is the same, and so are other
    files. `further_splits` are names of splits besides train, dev and test; `removed` are names of
    files that do not stay.

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
        self,
        folder: str | Path,
        contract: KeypointContract,
        further_splits: Sequence[str] = (),
        removed: Sequence[str] = (),
    ):
        self._known = (*SPLITS, *further_splits)
        self._removed = removed
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
        self._writing = self._write()
        self._writing.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> bool | None:
        return self._writing.__exit__(kind, error, trace)

    @contextlib.contextmanager
    def _write(self) -> Iterator[None]:
        try:
            with published_folder(self.folder, lambda name: name not in self._removed) as fresh:
                fresh.mkdir()
                self._temporary = fresh
                try:
                    yield
                    self._finish()
                finally:
                    for file in self._arrays.values():
                        # Closing may fail on a full disk, which the first error says.
                        with contextlib.suppress(OSError):
                            file.close()
        finally:
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
            samples = self._samples[split]
            names = {str(place) for s in samples for place in (s.keypoints, s.extra.get("video"))}
            published = fingerprints_of(self._temporary, names)
            write_manifest(self._temporary / f"{split}.jsonl", samples, published)
        self.contract.write(self._temporary / CONTRACT_FILE)

    def _check_other_splits(self) -> None:
        others = [
            split
            for split in SPLITS
            if split not in self._ids
            and f"{split}.jsonl" not in self._removed
            and (self.folder / f"{split}.jsonl").exists()
        ]
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
