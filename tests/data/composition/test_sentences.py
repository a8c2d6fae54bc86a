"""Composed sentences: plans and their rendering."""

import dataclasses
import itertools

import numpy as np
import pytest

from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.composition.grammar import NgramOrder, RandomOrder, make_order, read_grammar
from slr_keras.data.composition.plan import Part, Planner, SentencePlan
from slr_keras.data.composition.pool import ClipPool, pool_clip
from slr_keras.data.composition.rendering import render
from slr_keras.utils.errors import UserError

FPS = 30.0
EXACT = CompositionConfig(
    speed=(1, 1), sign_speed=0, warp=0, cut=0, yaw=0, rest_ends=0, rest_between=0, words=(2, 4)
)


def pool_of(clips, glosses, groups=None, root=()):
    groups = groups or ["s"] * len(clips)
    return ClipPool(
        [
            pool_clip(str(row), gloss, group, clip, hands=[1], root=root)
            for row, (clip, gloss, group) in enumerate(zip(clips, glosses, groups))
        ],
        clips.__getitem__,
    )


@pytest.fixture
def clips():
    """12 clips of 3 points with x, y, z, score."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(12):
        clip = rng.normal(0, 0.5, (int(rng.integers(14, 30)), 3, 4)).astype(np.float32)
        clip[..., 3] = rng.uniform(0.3, 1, clip.shape[:2])
        made.append(clip)
    return made


@pytest.fixture
def pool(clips):
    glosses = ["A", "B", "C", ""] * 3
    return pool_of(clips, glosses, ["s"] * 8 + ["t"] * 4)


def plans(planner, count=60):
    return [planner.draw(np.random.default_rng([0, number])) for number in range(count)]


def test_the_same_seed_gives_the_same_sentence_and_another_seed_another(pool):
    planner = Planner(pool, CompositionConfig(), FPS, 400)
    first, again, other = (render(planner.draw(np.random.default_rng(s)), pool) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_rendered_sentence_has_the_length_of_its_plan_a_multiple_of_four_within_the_limit(pool):
    lengths = set()
    for plan in plans(Planner(pool, CompositionConfig(words=(1, 9)), FPS, 120)):
        assert len(render(plan, pool)) == plan.frames <= 120
        assert plan.frames % 4 == 0
        lengths.add(plan.frames)
    assert len(lengths) > 5


def test_spans_hold_the_frames_of_the_clips_of_their_glosses(pool, clips):
    config = dataclasses.replace(EXACT, rest_ends=1, rest_between=1)
    for plan in plans(Planner(pool, config, FPS, 400)):
        sentence = render(plan, pool)
        assert len(plan.glosses) == len(plan.spans) >= 2
        for gloss, (row, start, end) in zip(plan.glosses, plan.signs):
            assert pool.clips[row].gloss == gloss
            np.testing.assert_allclose(sentence[start:end], clips[row], atol=1e-5)
        flat = [frame for span in plan.spans for frame in span]
        assert flat == sorted(flat)


def test_a_sentence_is_made_of_clips_of_one_group(pool):
    for plan in plans(Planner(pool, CompositionConfig(), FPS, 400)):
        assert len({pool.clips[part.row].group for part in plan.parts}) == 1


def test_rests_and_held_poses_yield_no_gloss_and_lie_outside_the_spans(pool):
    config = dataclasses.replace(EXACT, rest_ends=1, rest_between=1)
    rests = holds = 0
    for plan in plans(Planner(pool, config, FPS, 400)):
        assert "" not in plan.glosses
        # The limits of the rests hold the frames before the first and after the last sign.
        assert plan.spans[0][0] > 0
        assert plan.spans[-1][1] < plan.frames
        for part in plan.parts:
            rests += not pool.clips[part.row].gloss
            holds += bool(pool.clips[part.row].gloss) and not part.gloss
    assert rests > 20
    assert holds > 20


def test_silent_sentences_are_rests_alone(pool):
    silent = plans(Planner(pool, CompositionConfig(silent=0.5), FPS, 400))
    assert 15 < sum(plan.glosses == () for plan in silent) < 45
    for plan in silent:
        if not plan.glosses:
            assert {pool.clips[part.row].gloss for part in plan.parts} == {""}
            assert len(render(plan, pool)) == plan.frames


def test_silent_sentences_without_clips_of_rest_are_refused(clips):
    pool = pool_of(clips, ["A", "B"] * 6)
    with pytest.raises(UserError, match=r"silent is 0\.1, but no clip shows a rest"):
        Planner(pool, CompositionConfig(silent=0.1), FPS, 400)


def test_transitions_move_with_the_profile_of_least_jerk_and_the_lower_score(pool):
    seen = 0
    for plan in plans(Planner(pool, EXACT, FPS, 400), 20):
        sentence = render(plan, pool)
        for part, end in zip(plan.parts, plan.ends):
            first = int(end) - len(part.positions)
            before, after = sentence[first - part.before - 1], sentence[first]
            between = sentence[first - part.before : first]
            for number, pose in enumerate(between, start=1):
                time = number / (part.before + 1)
                way = 10 * time**3 - 15 * time**4 + 6 * time**5
                np.testing.assert_allclose(
                    pose[:, :3], before[:, :3] + way * (after - before)[:, :3], atol=1e-5
                )
                assert np.array_equal(pose[:, 3], np.minimum(before[:, 3], after[:, 3]))
                seen += 1
            # No step is larger than the steepest of the profile, 15/8 of the mean.
            steps = np.abs(np.diff(sentence[first - part.before - 1 : first + 1, :, :3], axis=0))
            if part.before:
                most = 1.875 / (part.before + 1) * np.abs(after - before)[:, :3]
                assert (steps <= most + 1e-5).all()
    assert seen > 100


def test_the_duration_of_a_transition_grows_with_the_distance_within_limits():
    still = np.ones((12, 2, 4), np.float32)
    durations = []
    for distance in (0.1, 0.5, 1.0, 1.5, 9.0):
        other = still.copy()
        other[:, 1, 0] += distance
        config = dataclasses.replace(
            EXACT, words=(2, 2), transition=(0.1, 0.6), transition_speed=(3, 3)
        )
        plan = Planner(pool_of([still, other], ["A", "B"]), config, FPS, 400).draw(
            np.random.default_rng(0)
        )
        durations.append(plan.parts[1].before)
    assert durations == [3, 5, 10, 15, 18]


def test_missing_points_stay_missing():
    rng = np.random.default_rng(0)
    clips = [np.ones((20, 3, 4), np.float32) + rng.normal(0, 0.1, (20, 3, 4)) for _ in range(4)]
    clips = [clip.astype(np.float32) for clip in clips]
    for clip in clips:
        clip[..., 3] = 1
        clip[:, 2] = 0
    clips[0][-5:, 1] = 0
    pool = pool_of(clips, ["A", "B", "A", "B"])
    for plan in plans(Planner(pool, CompositionConfig(words=(3, 3)), FPS, 400)):
        sentence = render(plan, pool)
        assert (sentence[:, 2] == 0).all()
        assert (sentence[:, 0, 3] == 1).all()
        lost = sentence[:, 1, 3] == 0
        assert (sentence[lost, 1] == 0).all()
        # A transition from a missing to a seen point shows nothing.
        for part, end in zip(plan.parts, plan.ends):
            first = int(end) - len(part.positions)
            if part.before and (lost[first - part.before - 1] or lost[first]):
                assert lost[first - part.before : first].all()


def test_the_body_stays_in_one_place_when_clips_are_moved(clips):
    places = [clip + np.array([5.0 * row, 0, 0, 0], np.float32) for row, clip in enumerate(clips)]
    pool = pool_of(places, ["A", "B"] * 6, root=[0])
    for plan in plans(Planner(pool, EXACT, FPS, 400), 10):
        sentence = render(plan, pool)
        medians = [np.median(sentence[a:b, 0, :3], axis=0) for a, b in plan.spans]
        np.testing.assert_allclose(
            medians, np.broadcast_to(medians[0], (len(medians), 3)), atol=1e-5
        )


def test_yaw_turns_x_and_z_about_the_vertical_axis_and_leaves_y(clips):
    pool = pool_of(clips, ["A", "B"] * 6)
    part = Part(0, "A", np.arange(len(clips[0]), dtype=float), yaw=np.pi / 2)
    turned = render(SentencePlan((part,)), pool)
    np.testing.assert_allclose(turned[..., 0], clips[0][..., 2], atol=1e-5)
    np.testing.assert_allclose(turned[..., 2], -clips[0][..., 0], atol=1e-5)
    np.testing.assert_allclose(turned[..., [1, 3]], clips[0][..., [1, 3]], atol=1e-6)


def test_speed_warp_and_cut_change_lengths_and_stay_within_the_clip(pool):
    slow, fast = (
        np.mean(
            [p.frames for p in plans(Planner(pool, dataclasses.replace(EXACT, speed=s), FPS, 900))]
        )
        for s in ((0.5, 0.5), (2, 2))
    )
    assert slow > 1.8 * fast
    config = CompositionConfig(cut=0.3, warp=0.5)
    for plan in plans(Planner(pool, config, FPS, 400)):
        for part in plan.parts:
            last = pool.clips[part.row].frames - 1
            assert (np.diff(part.positions) >= 0).all()
            assert part.positions[0] >= 0
            assert part.positions[-1] <= last
            if part.gloss:
                assert part.positions[0] <= 0.3 * last
                assert part.positions[-1] >= 0.7 * last - 1e-9


def test_no_sign_comes_twice_in_a_row_and_all_signs_are_equally_frequent():
    order, counts = RandomOrder(list("ABCDE"), (1, 6)), dict.fromkeys("ABCDE", 0)
    rng = np.random.default_rng(0)
    for _ in range(2000):
        sentence = order.draw(rng)
        assert 1 <= len(sentence) <= 6
        assert all(a != b for a, b in itertools.pairwise(sentence))
        for gloss in sentence:
            counts[gloss] += 1
    assert min(counts.values()) > 0.9 * max(counts.values())


def test_sentences_of_a_grammar_are_taken_as_they_are_and_only_where_every_sign_is_there():
    sentences = [("A", "B"), ("B", "B", "A"), ("A", "Z")]
    order = make_order("sentences", {"A", "B"}, (1, 9), sentences)
    rng = np.random.default_rng(0)
    assert {order.draw(rng) for _ in range(50)} == set(sentences[:2])
    assert make_order("sentences", {"Z"}, (1, 9), sentences) is None


def test_every_bigram_of_an_ngram_sentence_occurs_in_the_grammar():
    sentences = [("I", "GO", "HOME"), ("YOU", "GO", "SHOP"), ("GO", "YOU")]
    allowed = {pair for s in sentences for pair in itertools.pairwise(s)}
    order = NgramOrder(sentences, 2, {"I", "GO", "HOME", "SHOP", "YOU"}, (2, 4))
    rng = np.random.default_rng(0)
    drawn = {order.draw(rng) for _ in range(200)}
    assert any(sentence not in sentences for sentence in drawn)
    for sentence in drawn:
        assert 2 <= len(sentence) <= 4
        assert set(itertools.pairwise(sentence)) <= allowed
        assert sentence[0] in ("I", "YOU", "GO")


def test_a_grammar_of_other_signs_is_refused(pool):
    with pytest.raises(UserError, match="no sentence of the grammar"):
        Planner(pool, CompositionConfig(order="ngram"), FPS, 400, [("X", "Y")])


def test_an_empty_grammar_file_is_refused(tmp_path):
    path = tmp_path / "grammar.txt"
    path.write_text("# nothing\n\n")
    with pytest.raises(UserError, match=r"grammar\.txt: no gloss sequence"):
        read_grammar(path)
    path.write_text("# orders\nI GO\n\nGO HOME NOW\n")
    assert read_grammar(path) == [("I", "GO"), ("GO", "HOME", "NOW")]


def test_one_sign_cannot_make_a_sentence_of_several(clips):
    pool = pool_of(clips, ["A"] * 12)
    with pytest.raises(UserError, match="clips of a second sign"):
        Planner(pool, dataclasses.replace(EXACT, words=(2, 3)), FPS, 400)
    single = plans(Planner(pool, dataclasses.replace(EXACT, words=(1, 3)), FPS, 400))
    assert {plan.glosses for plan in single} == {("A",)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fraction": 1.5}, "fraction is 1.5; it must be between 0 and 1"),
        ({"words": (3, 2)}, "words is"),
        ({"words": (0, 2)}, "words is"),
        ({"speed": (0, 1)}, "speed is"),
        ({"order": "rando"}, "choose one of random"),
        ({"sentences": 0}, "sentences is 0; it must be between 1"),
        ({"cut": 0.5}, "cut is 0.5"),
    ],
)
def test_options_out_of_range_are_refused(values, message):
    with pytest.raises(UserError, match=message):
        CompositionConfig(**values)
