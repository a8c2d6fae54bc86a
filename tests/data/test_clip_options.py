"""Options of clips: refused where they make no sense, and the same for every kind of clip."""

import dataclasses

import numpy as np
import pytest

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.contract import contract
from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.segments import Segments
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

CONTRACT = contract("boston_3")
GLOSSES = Vocabulary(("RAIN",))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"max_frames": 50}, "max_frames is 50"),
        ({"unknown": "ignore"}, "unknown is 'ignore'; choose one of error, unk"),
        ({"stream": "optical"}, "stream is 'optical'; choose one of rgb, flow"),
    ],
)
def test_an_option_that_means_nothing_is_refused(option, message):
    with pytest.raises(UserError, match=message):
        ClipOptions(**option)


def test_every_option_changes_what_a_loader_gives(tmp_path):
    with FolderWriter(tmp_path / "data", CONTRACT) as writer:
        clip = np.random.default_rng(0).uniform(1, 200, (60, 3, 2))
        writer.add("train", id="a", glosses=["RAIN", "RAIN"], keypoints=clip)
        writer.add("dev", id="a", glosses=["SNOW"], keypoints=clip)
    splits = read_folder(tmp_path / "data")
    plain = ClipOptions(AugmentationConfig())

    def clip_of(options):
        return loader_for(splits["train"], GLOSSES, CONTRACT, options).load(0, epoch=0)[0].tolist()

    for change in (
        {"augmentation": None},
        {"seed": 7},
        {"max_frames": 20},
        {"segments": Segments(8)},
    ):
        assert clip_of(dataclasses.replace(plain, **change)) != clip_of(plain), change
    with pytest.raises(UserError, match="gloss 'SNOW' is not in the vocabulary"):
        loader_for(splits["dev"], GLOSSES, CONTRACT, plain)
    mapped = loader_for(splits["dev"], GLOSSES, CONTRACT, ClipOptions(unknown="unk"))
    assert mapped.labels == [[Vocabulary.UNKNOWN_ID]]
    needed = [
        loader_for(splits["train"], GLOSSES, CONTRACT, ClipOptions(ctc_epochs=n)).required()[0]
        for n in (None, 0)
    ]
    assert needed == [12, 8]
