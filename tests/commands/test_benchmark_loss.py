"""The loss benchmark: every contender reports, curves are drawn, mistakes are named."""

import json

import numpy as np
import pytest

from slr_keras import benchmark
from slr_keras.losses.cst.benchmark import Size, contenders, measure, scaling
from slr_keras.losses.cst.report import plot_scaling, table


def test_every_contender_reports_its_spread(capsys):
    arguments = ["cgd", "--size", "1", "4", "2", "6", "--repeats", "2", "--json"]
    assert benchmark.main(arguments) == 0
    (size,) = json.loads(capsys.readouterr().out)["sizes"]
    assert (size["batch"], size["steps"], size["labels"], size["classes"]) == (1, 4, 2, 6)
    assert {"additive, XLA", "additive, graph", "full, XLA", "tf CTC, graph"} <= set(size["ms"])
    for timing in size["ms"].values():
        assert 0 < timing["low"] <= timing["median"] <= timing["high"]


def test_contenders_compute_the_same_loss():
    found = contenders(Size(2, 5, 3, 7), ["additive, graph", "full, graph"])
    additive, full = (call()[0] for call in found.values())
    np.testing.assert_allclose(additive, full, rtol=1e-5)


def test_rounds_are_interleaved():
    seen = []
    calls = {name: lambda name=name: seen.append(name) for name in "ab"}
    timings = measure(calls, repeats=3)
    assert "".join(seen) == "ab" * 4
    assert timings["a"].memory is None


def test_curves_scale_one_axis_at_a_time_and_are_drawn(tmp_path):
    base = Size(1, 4, 2, 6)
    curves = scaling(base, repeats=1, names=["additive, graph"], factors=(1, 2))
    assert [[tuple(size) for size in sizes] for sizes in curves.values()] == [
        [(1, 4, 2, 6), (1, 8, 2, 6)],
        [(1, 4, 2, 6), (1, 4, 4, 6)],
        [(1, 4, 2, 6), (1, 4, 2, 12)],
    ]
    plot_scaling(tmp_path / "curves.png", curves)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_has_a_line_for_each_contender():
    timings = measure({"one": lambda: None, "two": lambda: None}, repeats=1)
    lines = table(Size(1, 2, 1, 3), timings).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["one", "two"]


def test_a_size_without_a_path_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["cgd", "--size", "1", "2", "3", "4"])
    assert "STEPS must be at least LABELS" in capsys.readouterr().err
