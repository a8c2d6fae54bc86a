"""A batch whose loss is not finite, kept so that it can be looked at."""

from collections.abc import Mapping, Sequence

import numpy as np

from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path


def refuse_batch(
    folder: RunFolder,
    batch: Mapping[str, np.ndarray],
    ids: Sequence[str],
    where: tuple[int, int],
    outcome: Mapping[str, float],
) -> UserError:
    """Keep a batch whose loss or gradient is not finite, and return the error to raise.

    The file `bad_batch.npz` in the run holds the arrays of the batch as the model read them
    (`np.load` reads them without pickles), and the clips' ids as `ids`.

    Args:
        folder: of the run.
        batch: by name, the arrays of the batch; see `slr_keras.data.pipeline.ClipDataset`.
        ids: of the clips, in the order of the batch.
        where: number of the epoch and of the batch, from 1.
        outcome: `loss` and `gradient_norm` of the step.
    """
    with atomic_path(folder.bad_batch) as temporary:
        np.savez_compressed(temporary, ids=np.array(ids, dtype=np.str_), **batch)
    epoch, number = where
    return UserError(
        f"epoch {epoch}, batch {number}: the loss is {outcome['loss']:g}, its gradient "
        f"{outcome['gradient_norm']:g}; the clips: {', '.join(ids)}. The batch is kept in "
        f"{folder.bad_batch}; no weights of this step were saved. Check these clips, lower "
        "training.learning_rate or set training.clip_norm"
    )
