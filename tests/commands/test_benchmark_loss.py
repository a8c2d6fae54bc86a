"""The loss benchmark: every contender reports, curves are drawn, mistakes are named."""

import json

import numpy as np
import pytest
import tensorflow as tf

from slr_keras import benchmark
from slr_keras.benchmarks.cst.benchmark import Timing, axis_sizes, libraries
from slr_keras.benchmarks.cst.contenders import FAST_RNNT, OURS, contenders
from slr_keras.benchmarks.cst.peers import fast_rnnt_available
from slr_keras.benchmarks.cst.problem import Size
from slr_keras.benchmarks.cst.report import plot_scaling, table
from slr_keras.benchmarks.cst.rounds import measured
from slr_keras.utils.errors import UserError


def test_every_contender_reports_its_spread_and_where_it_ran(capsys, tmp_path):
    arguments = ["cgd", "--size", "1", "4", "2", "6", "--repeats", "2", "--threads", "1"]
    assert benchmark.main([*arguments, "--json", "--to", str(tmp_path / "cgd.json")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "cgd.json").read_text()) == report
    (size,) = report["sizes"]
    assert (size["batch"], size["steps"], size["labels"], size["classes"]) == (1, 4, 2, 6)
    assert set(OURS) <= set(size["contenders"])
    assert ("fast_rnnt additive" in size["contenders"]) == fast_rnnt_available()
    for timing in size["contenders"].values():
        assert 0 < timing["low"] <= timing["median"] <= timing["high"]
    assert report["machine"]["threads"] == 1
    assert report["machine"]["versions"]["tensorflow"] == tf.__version__


def test_contenders_compute_the_same_loss():
    found = contenders(Size(2, 5, 3, 7), ["additive, graph", "full, graph"])
    additive, full = (call()[0] for call in found.values())
    np.testing.assert_allclose(additive, full, rtol=1e-5)


def test_rounds_are_interleaved_between_libraries():
    seen = []

    class Known:
        def __init__(self, name):
            self.name = name

        def ask(self, question, *values):
            seen.append(self.name + question[0])
            return [self.name] if question == "prepare" else {self.name: float(len(seen))}

    found = measured([Known("a"), Known("b")], (1, 2, 1, 3), repeats=3)
    assert seen == ["ap", "bp", *["ar", "br"] * 3]
    assert found.seconds == {"a": [3.0, 5.0, 7.0], "b": [4.0, 6.0, 8.0]}


def test_a_contender_that_fails_is_named_and_its_process_lives():
    with libraries(["additive, graph"], threads=1) as (library,):
        with pytest.raises(UserError, match=r"additive, graph.*try a smaller --size"):
            library.ask("prepare", (1, -1, 2, 6))
        assert library.ask("prepare", (1, 4, 2, 6)) == ["additive, graph"]
        library._process.kill()
        with pytest.raises(UserError, match="its process ended"):
            library.ask("round")


def test_curves_scale_one_axis_at_a_time_and_are_drawn(tmp_path):
    axes = axis_sizes(Size(1, 4, 2, 6), factors=(1, 2))
    assert [[tuple(size) for size in sizes] for sizes in axes.values()] == [
        [(1, 4, 2, 6), (1, 8, 2, 6)],
        [(1, 4, 2, 6), (1, 4, 4, 6)],
        [(1, 4, 2, 6), (1, 4, 2, 12)],
    ]
    timing = Timing(2.0, 1.0, 3.0, None)
    curves = {
        axis: {size: {"additive, XLA": timing, FAST_RNNT[0]: timing} for size in sizes}
        for axis, sizes in axes.items()
    }
    plot_scaling(tmp_path / "curves.png", curves, "here")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_compares_each_contender_with_the_peers():
    timings = {
        "additive, XLA": Timing(2.0, 1.0, 3.0, 672),
        FAST_RNNT[0]: Timing(5.0, 4.0, 9.0, None),
    }
    lines = table(Size(1, 4, 2, 6), timings).splitlines()
    # 7 rows of 6 classes are 168 bytes; with exponentials 336.
    assert lines[2].endswith("0.0 MiB      2.50          2.50 (4.00) x")
    assert lines[3].endswith("-         -          1.00 (1.00) x")


def test_a_size_without_a_path_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main(["cgd", "--size", "1", "2", "3", "4"])
    assert "STEPS must be at least LABELS" in capsys.readouterr().err
