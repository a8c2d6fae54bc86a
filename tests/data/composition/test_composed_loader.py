"""The training loader of composed sentences."""

import numpy as np
import pytest
from composition_data import FPS, SIGNS, recording, six_points

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.composition.rest import without_rest
from slr_keras.data.loaders.composed import ComposedLoader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.segments import Segments
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

VOCABULARY = Vocabulary(("TEA", "MILK", "WATER", "BYE"))


def composed(manifest, augmentation=None, batch_size=4, options=None, **settings):
    config = CompositionConfig(**{"fraction": 1.0, "sentences": 24, **settings})
    given = {"composition": config, "spans": True, **(options or {})}
    return ClipDataset(
        manifest,
        VOCABULARY,
        manifest.contract,
        batch_size,
        training=True,
        options=ClipOptions(augmentation or AugmentationConfig(), **given),
    )


@pytest.fixture
def train(isolated):
    return without_rest(read_folder(isolated)["train"], "-")


def test_planned_lengths_are_the_lengths_of_the_rendered_sentences(train):
    data = composed(train, fraction=0.5)
    for epoch in range(3):
        lengths = data.lengths(epoch)
        assert len(lengths) == len(data) == 24
        for batch in data.numpy_batches(epoch):
            assert np.array_equal(lengths[batch["index"]], batch["frames"])
    assert not np.array_equal(data.lengths(0), data.lengths(1))


def test_a_sentence_depends_on_seed_epoch_and_number_alone(train):
    def clips(data, epoch):
        return {
            int(row): batch["keypoints"][place, : batch["frames"][place]]
            for batch in data.numpy_batches(epoch)
            for place, row in enumerate(batch["index"])
        }

    first = clips(composed(train), 1)
    other_order = clips(composed(train, batch_size=7), 1)
    assert all(np.array_equal(first[row], other_order[row]) for row in first)
    for other in (clips(composed(train), 2), clips(composed(train, options={"seed": 1}), 1)):
        assert not any(np.array_equal(first[row], other[row]) for row in first)


def test_labels_and_spans_of_a_batch_are_those_of_the_plans(train):
    data = composed(train, rest_ends=1)
    specification = data.element_spec()
    assert specification["spans"].shape.as_list() == [None, None, 2]
    for batch in data.epoch(0):
        batch = {name: value.numpy() for name, value in batch.items()}
        assert batch["spans"].shape == (*batch["labels"].shape, 2)
        assert batch["spans"].dtype == np.int32
        for place, row in enumerate(batch["index"]):
            plan = data.clips.plan(0, int(row))
            count = batch["label_lengths"][place]
            assert VOCABULARY.decode(batch["labels"][place, :count]) == plan.glosses
            assert batch["spans"][place, :count].tolist() == [list(span) for span in plan.spans]
            assert (batch["spans"][place, count:] == 0).all()


def test_batches_without_spans_are_as_before(train):
    data = composed(train, options={"spans": False})
    assert "spans" not in data.element_spec()
    assert all("spans" not in batch for batch in data.numpy_batches(0))


def test_sentences_have_signs_of_one_signer(train):
    loader = composed(train).clips
    for row in range(24):
        glosses = set(loader.plan(0, row).glosses)
        assert any(glosses <= set(signs) for signs in SIGNS.values())


def test_the_fraction_of_sentences_is_kept_and_clips_come_equally_often(train):
    data = composed(train, fraction=0.25, sentences=32)
    loader = data.clips
    assert (loader.sentences, len(loader)) == (8, 32)
    used = [loader.manifest_row(row, epoch) for epoch in range(7) for row in range(8, 32)]
    counts = np.bincount(used, minlength=len(train))
    assert counts.sum() == 7 * 24
    assert counts.max() - counts.min() <= 1
    names = [data.clip_id(row, 3) for row in range(32)]
    assert names[0] == "composed-4-0"
    assert names[8] == train[loader.manifest_row(8, 3)].id


def test_clips_of_the_manifest_are_loaded_with_their_own_labels(train):
    data = composed(train, fraction=0.5, options={"spans": True})
    for batch in data.numpy_batches(2):
        for place, row in enumerate(batch["index"]):
            if row < data.clips.sentences:
                continue
            sample = train[data.clips.manifest_row(int(row), 2)]
            count = batch["label_lengths"][place]
            assert VOCABULARY.decode(batch["labels"][place, :count]) == sample.glosses
            assert (batch["spans"][place] == 0).all()


def test_signs_are_cut_out_of_sentences_by_their_spans(tmp_path):
    rng = np.random.default_rng(0)
    clip = recording(rng, 40)
    clip[:, 5] = 0
    clip[10:20, 5] = (100, 100, 0, 1)
    with FolderWriter(tmp_path / "d", six_points()) as writer:
        writer.add(
            "train",
            id="a",
            glosses=["TEA", "MILK"],
            keypoints=clip,
            signer="ann",
            spans=[[10, 20], [22, 38]],
        )
    train = read_folder(tmp_path / "d")["train"]
    loader = composed(train).clips
    assert [(unit.gloss, unit.frames) for unit in loader.pool.clips] == [("TEA", 10), ("MILK", 16)]
    prepared = train.contract.prepare(train.load(0))
    assert np.array_equal(loader.pool.keypoints(0), prepared[10:20])
    assert np.array_equal(loader.pool.keypoints(1), prepared[22:38])


@pytest.mark.parametrize("fps", [30.0, 60.0, 25.0])
def test_spans_of_real_clips_are_resampled_like_their_frames(tmp_path, fps):
    clip = recording(np.random.default_rng(0), 60)
    spans = [(7, 20), (26, 51)]
    # z of the thumb counts the frames of the file.
    clip[:, 5, 2] = np.arange(60)
    layout = six_points(normalisation="image", image_size=(2, 2))
    with FolderWriter(tmp_path / "d", layout) as writer:
        extra = {"spans": [list(span) for span in spans]}
        writer.add("train", id="a", glosses=["TEA", "MILK"], keypoints=clip, fps=fps, **extra)
    train = read_folder(tmp_path / "d")["train"]
    quiet = AugmentationConfig(rotation=0, drop_points=0, drop_spans=0, drop_hand=0)
    for training in (True, False):
        data = ClipDataset(train, VOCABULARY, layout, 1, training, ClipOptions(quiet, spans=True))
        for epoch in range(5):
            (batch,) = data.numpy_batches(epoch)
            numbers = batch["keypoints"][0, :, 5, 2]
            for (start, end), (first, last) in zip(spans, batch["spans"][0]):
                inside = (numbers >= start) & (numbers < end)
                assert np.array_equal(np.flatnonzero(inside), np.arange(first, last))
    assert layout.fps == FPS


def test_lengths_of_later_epochs_fit_the_buckets(train):
    data = composed(train, options={"max_frames": 160}, words=(1, 8), sentences=2)
    data.pad_to_boundary = True
    for epoch in range(30):
        for batch in data.plan(epoch):
            assert max(data.lengths(epoch)[list(batch.rows)]) <= batch.frames <= 160


def test_points_are_lost_after_composition_and_short_gaps_are_filled(train):
    lossy = AugmentationConfig(drop_points=0, drop_spans=1.0, drop_spans_most=1, drop_hand=0)
    data = composed(train, lossy)
    scores = np.concatenate(
        [b["keypoints"][b["mask"] > 0][..., 3].ravel() for b in data.numpy_batches(0)]
    )
    assert (scores == 0).any()
    assert np.isclose(scores, train.contract.interpolated_score).any()


def test_an_order_of_sentences_without_sentences_is_refused(train):
    with pytest.raises(UserError, match=r"composition\.grammar, or set composition\.order"):
        composed(train, order="ngram")


def test_a_grammar_orders_the_signs(train, tmp_path):
    (tmp_path / "orders.txt").write_text("TEA MILK WATER\nTEA BYE\n")
    data = composed(train, order="sentences", grammar=str(tmp_path / "orders.txt"))
    drawn = {data.clips.plan(0, row).glosses for row in range(24)}
    assert drawn == {("TEA", "MILK", "WATER"), ("TEA", "BYE")}


def test_a_fixed_number_of_frames_is_refused(train):
    with pytest.raises(UserError, match=r"data\.clip_frames"):
        composed(train, options={"segments": Segments(16)})


def test_sentences_without_spans_cannot_be_composed(tmp_path):
    with FolderWriter(tmp_path / "d", six_points()) as writer:
        keypoints = recording(np.random.default_rng(0), 20)
        writer.add("train", id="a", glosses=["TEA", "MILK"], keypoints=keypoints)
    with pytest.raises(UserError, match="no clip shows a single sign"):
        composed(read_folder(tmp_path / "d")["train"])


def test_a_loader_of_sentences_is_chosen_by_the_options(train):
    assert isinstance(composed(train).clips, ComposedLoader)
