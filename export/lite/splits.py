"""Dev and train splits that a TFLite export reads."""

from dataclasses import dataclass

from export.common.splits import data_config, first_clips
from export.lite.conversion import INT8
from export.lite.plan import BundlePlan
from slr_keras.data.manifest import Manifest
from slr_keras.training.data import read_split
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class Splits:
    """Data of an export.

    Attributes:
        folder: data folder.
        dev: clips of the verification; None without verification.
        train: clips of the calibration; None without int8.
    """

    folder: str
    dev: Manifest | None
    train: Manifest | None

    @classmethod
    def read(cls, run: Run, plan: BundlePlan) -> "Splits":
        """Read the splits that a plan needs, before anything is converted.

        Raises:
            UserError: a split is missing.
        """
        data = data_config(run.config.data, plan.data)
        dev = train = None
        try:
            if plan.verified:
                dev = first_clips(read_split(data, data.dev), plan.clips)
            if INT8 in plan.precisions:
                train = read_split(data, data.train)
        except UserError as error:
            raise UserError(
                f"{error} (--data names another folder; --no-verify needs no dev split)"
            ) from None
        return cls(data.folder, dev, train)
