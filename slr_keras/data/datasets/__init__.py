"""Data sets: one module each, every one with a function that writes a data folder.

Data sets are never redistributed: a module reads the files as their makers give them out, from a
folder that the user names, and says what is missing and where it is obtained.
"""

import importlib

from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.utils.errors import UserError

__all__ = ["Dataset", "Option", "dataset", "list_datasets"]

_NAMES = (
    "phoenix2014t",
    "phoenix2014",
    "csl_daily",
    "npz",
    "pose_files",
    "elan",
    "mp_data",
    "kinect_isl30",
    "ksl13",
    "rwth_boston104",
    "phoenix14t_skeletons",
    "traduttore_asl",
    "asl_signwish",
    "holistic_full_sample",
    "msl150_sample",
    "wlasl",
    "isolated_csv",
    "bobsl",
    "folders",
)


def list_datasets() -> tuple[str, ...]:
    """Names of the data sets that can be prepared.

    >>> from slr_keras.data.datasets import list_datasets
    >>> "phoenix2014t" in list_datasets()
    True
    """
    return _NAMES


def dataset(name: str) -> Dataset:
    """A data set by name.

    >>> from slr_keras.data.datasets import dataset
    >>> dataset("csl_daily").title
    'CSL-Daily: continuous Chinese signing, 10 signers, 133 keypoints'

    Raises:
        UserError: no such data set.
    """
    if name not in _NAMES:
        raise UserError(f"unknown data set {name!r}; choose one of {', '.join(_NAMES)}")
    return importlib.import_module(f"{__name__}.{name}").DATASET
