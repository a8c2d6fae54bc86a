"""Save a batch whose loss is not finite for inspection."""

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
    """Save a batch whose loss or gradient is not finite, and return the error to raise.

    `bad_batch.npz` in the run folder holds the arrays of the batch as the model read them, and
    the ids of the clips as `ids`. `np.load` reads the file without pickles.

    Args:
        folder: run folder.
        batch: arrays of the batch by name; see `slr_keras.data.pipeline.ClipDataset`.
        ids: ids of the clips, in the order of the batch.
        where: numbers of the epoch and of the batch, from 1.
        outcome: `loss` and `gradient_norm` of the step.

    Returns:
        The error, which names the clips and the file.
    """
    with atomic_path(folder.bad_batch) as temporary:
        np.savez_compressed(temporary, ids=np.array(ids, dtype=np.str_), **batch)
    epoch, number = where
    return UserError(
        f"epoch {epoch}, batch {number}: the loss is {outcome['loss']:g}, its gradient norm "
        f"{outcome['gradient_norm']:g}; clips: {', '.join(ids)}. The batch was saved to "
        f"{folder.bad_batch}; the weights of this step were not saved. Check these clips, lower "
        "training.learning_rate or set training.clip_norm"
    )
