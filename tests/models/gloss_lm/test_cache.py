"""The cache of prefix vectors."""

import numpy as np
import pytest

from slr_keras.models.gloss_lm import CausalLanguageModel, PrefixCache


class Counter:
    """Gives [length, sum] and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, prefixes):
        self.asked.append(list(prefixes))
        return np.array([[len(prefix), sum(prefix)] for prefix in prefixes], np.float64)


def test_each_prefix_is_computed_once():
    count = Counter()
    cache = PrefixCache(count, width=2)
    first = cache.vectors([(3, 4), (), (3, 4), (5,)])
    np.testing.assert_array_equal(first, [[2, 7], [0, 0], [2, 7], [1, 5]])
    np.testing.assert_array_equal(cache.vectors([(5,), (3, 4)]), [[1, 5], [2, 7]])
    assert count.asked == [[(3, 4), (), (5,)]]
    assert (cache.hits, cache.misses, len(cache)) == (2, 3, 3)
    assert first.dtype == np.float32


def test_the_least_recently_used_is_forgotten_first():
    count = Counter()
    cache = PrefixCache(count, width=2, limit=2)
    cache.vectors([(1,), (2,)])
    cache.vectors([(1,)])
    cache.vectors([(3,)])
    assert (1,) in cache
    assert (2,) not in cache
    # More at once than fit are still all answered.
    np.testing.assert_array_equal(cache.vectors([(7,), (8,), (9,)])[:, 1], [7, 8, 9])
    assert len(cache) == 2


def test_prefixes_of_a_batch_end_with_their_sentence():
    cache = PrefixCache(Counter(), width=2)
    vectors = cache.encode_prefixes(np.array([[3, 4], [5, 9]]), np.array([2, 1]))
    np.testing.assert_array_equal(vectors[..., 1], [[0, 3, 7], [0, 5, 5]])


def test_a_cached_model_answers_as_the_model_itself():
    model = CausalLanguageModel(9, width=8, heads=2, blocks=1, capacity=16)
    labels, lengths = np.random.default_rng(0).integers(1, 9, (9, 5)), np.arange(9) % 6
    cache = PrefixCache.of(model)
    expected = model.encode_prefixes(labels, lengths)
    np.testing.assert_allclose(cache.encode_prefixes(labels, lengths), expected, atol=1e-5)
    assert cache.misses == len(
        {tuple(row[:t]) for row, n in zip(labels, lengths) for t in range(n + 1)}
    )


def test_half_precision_is_kept_when_asked():
    cache = PrefixCache(lambda prefixes: np.full((len(prefixes), 1), 1 / 3), 1, dtype="float16")
    assert cache.vectors([()])[0, 0] == np.float16(1 / 3)


def test_a_cache_for_nothing_is_refused():
    with pytest.raises(ValueError, match="limit"):
        PrefixCache(Counter(), width=2, limit=0)
