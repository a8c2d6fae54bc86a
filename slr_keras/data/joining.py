"""Two splits of a data folder as one."""

from slr_keras.data.manifest import Manifest


def joined(first: Manifest, second: Manifest) -> Manifest:
    """The clips of two splits of the same folder; messages name the file of the first.

    >>> import tempfile, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.joining import joined
    >>> from slr_keras.data.manifest import FolderWriter, read_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FolderWriter(folder, contract("stark_79")) as writer:
    ...         for split in ("train", "dev"):
    ...             writer.add(split, id=split, glosses=["A"], keypoints=np.ones((9, 79, 3)))
    ...     splits = read_folder(folder)
    ...     [sample.id for sample in joined(splits["train"], splits["dev"])]
    ['train', 'dev']
    """
    both = first.relabelled((*first, *second))
    both.lines = (*first.lines, *second.lines)
    return both
