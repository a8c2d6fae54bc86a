"""Warping against plain loops and against enumeration of every path."""

import numpy as np
import pytest

from slr_keras.baselines.connected import ConnectedWarper
from slr_keras.baselines.dtw import TemplateBank, dtw_distances
from slr_keras.baselines.segments import REST


def plain_dtw(a, b, band=None):
    """Symmetric warping, cell by cell."""
    n, m = len(a), len(b)
    width = np.inf if band is None or min(n, m) == 1 else max(band, 1 / (min(n, m) - 1))
    total = np.full((n, m), np.inf)
    for i in range(n):
        for j in range(m):
            if abs(i / max(1, n - 1) - j / max(1, m - 1)) > width + 1e-9:
                continue
            cost = np.linalg.norm(a[i] - b[j])
            if i == j == 0:
                total[i, j] = 2 * cost
                continue
            total[i, j] = min(
                total[i - 1, j] + cost if i else np.inf,
                total[i, j - 1] + cost if j else np.inf,
                total[i - 1, j - 1] + 2 * cost if i and j else np.inf,
            )
    return total[-1, -1] / (n + m)


def random_bank(rng, count, longest, features=3):
    templates = [rng.normal(size=(rng.integers(1, longest + 1), features)) for _ in range(count)]
    return templates, TemplateBank(templates, [str(k) for k in range(count)])


@pytest.mark.parametrize("seed", range(20))
def test_distances_equal_plain_loops_for_templates_of_any_length(seed):
    rng = np.random.default_rng(seed)
    templates, bank = random_bank(rng, 9, 8)
    query = rng.normal(size=(rng.integers(1, 9), 3))
    expected = [plain_dtw(query, template) for template in templates]
    np.testing.assert_allclose(dtw_distances(query, bank, band=1.0), expected, rtol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_band_forbids_the_same_cells_as_plain_loops(seed):
    rng = np.random.default_rng(100 + seed)
    templates, bank = random_bank(rng, 9, 12)
    query = rng.normal(size=(rng.integers(1, 13), 3))
    expected = [plain_dtw(query, template, 0.2) for template in templates]
    np.testing.assert_allclose(dtw_distances(query, bank, band=0.2), expected, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 17, 60])
def test_every_pair_of_lengths_has_a_path_within_any_band(frames):
    lengths = [1, 2, 3, 5, 16, 40, 61]
    bank = TemplateBank([np.ones((n, 2)) for n in lengths], list("abcdefg"))
    assert np.isfinite(dtw_distances(np.zeros((frames, 2)), bank, band=0.01)).all()


def test_a_slower_copy_is_nearer_than_another_sign():
    path = np.sin(np.linspace(0, 6, 30))[:, None]
    bank = TemplateBank([path, -path], ["wave", "other"])
    near, far = dtw_distances(np.repeat(path, 2, axis=0)[5:55], bank)
    assert near < 0.1 * far


def test_many_templates_are_split_into_chunks_without_mixing_them_up():
    rng = np.random.default_rng(0)
    templates, bank = random_bank(rng, 600, 5)
    distances = dtw_distances(templates[431], bank)
    assert distances.argmin() == 431
    assert distances[431] == pytest.approx(0, abs=1e-3)


def every_path_cost(local, bank, penalty):
    """Cheapest string of templates by recursion over all legal state sequences."""
    frames = len(local)
    last = bank.starts + bank.lengths - 1

    def toll(k):
        return penalty * (bank.labels[k] != REST)

    def walk(t, k, state):
        """Cheapest cost of frames t.. when frame t is in this state of template k."""
        here = local[t, state]
        if t == frames - 1:
            return here if state == last[k] else np.inf
        moves = [walk(t + 1, k, s) for s in (state, state + 1, state + 2) if s <= last[k]]
        if state == last[k]:
            moves += [toll(j) + walk(t + 1, j, bank.starts[j]) for j in range(len(bank))]
        return here + min(moves)

    return min(toll(k) + walk(0, k, bank.starts[k]) for k in range(len(bank)))


@pytest.mark.parametrize("seed", range(40))
def test_connected_cost_equals_the_cheapest_of_all_strings_of_templates(seed):
    rng = np.random.default_rng(seed)
    templates = [rng.normal(size=(n, 2)) for n in (3, 1, 2)]
    bank = TemplateBank(templates, ["A", REST, "B"])
    local = bank.local_distances(rng.normal(size=(rng.integers(1, 6), 2)))
    penalty = rng.choice([0.0, 0.3, 2.0])
    path = ConnectedWarper(bank).recognise(local, penalty)
    assert path.cost == pytest.approx(every_path_cost(local, bank, penalty), abs=1e-4)


def test_connected_signs_are_found_with_their_frames_and_rest_is_silent():
    a, b, rest = np.array([[0.0], [1], [2]]), np.array([[9.0], [8], [7]]), np.array([[20.0]])
    bank = TemplateBank([a, b, rest], ["A", "B", REST])
    sentence = np.concatenate([rest, rest, a, a, rest, np.repeat(b, 2, axis=0), rest])
    path = ConnectedWarper(bank).recognise(bank.local_distances(sentence), penalty=0.1)
    assert path.glosses == ("A", "A", "B")
    assert path.spans == ((2, 5), (5, 8), (9, 15))
    assert path.cost == pytest.approx(0.3, abs=1e-2)


def test_greater_penalty_never_finds_more_signs():
    rng = np.random.default_rng(3)
    templates = [rng.normal(size=(3, 4)) for _ in range(6)]
    bank = TemplateBank(templates, list("ABCDEF"))
    local = bank.local_distances(rng.normal(size=(40, 4)))
    warper = ConnectedWarper(bank)
    counts = [len(warper.recognise(local, p).glosses) for p in (0.0, 0.5, 1.0, 2.0, 5.0, 50.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 1


def test_a_clip_too_short_for_any_template_gets_the_best_begun():
    bank = TemplateBank([np.full((6, 1), 5.0), np.zeros((7, 1))], ["A", "B"])
    path = ConnectedWarper(bank).recognise(bank.local_distances(np.zeros((2, 1))), 1.0)
    assert path.glosses == ("B",)
    assert path.spans == ((0, 2),)
