"""The load test counts right answers as right, and others as wrong or lost."""

import numpy as np
import pytest

from export.serving.load_table import BATCHES, Row


def test_an_answer_of_another_clip_or_shape_is_not_the_same(little):
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    from export.serving.load import same
    from export.serving.tensors import fill_proto

    scores = np.log(np.random.default_rng(0).dirichlet(np.ones(5), (1, 3))).astype("float32")
    proto = PredictRequest().inputs["logits"]
    fill_proto(proto, scores)
    assert same(proto, scores)
    assert not same(proto, scores[:, ::-1])
    assert not same(proto, scores[:, :2])


@pytest.mark.long
def test_a_load_loses_nothing_and_sees_wrong_answers(little, published):
    from export.serving import load

    rows = load.measure(published / "2", 6, 2.0, 1, 8, 4, 1)
    assert all(row.answered for row in rows)
    assert [(row.wrong, row.lost) for row in rows] == [(0, 0)] * 4
    model = load.ServedModel(published / "2", 1)
    clips = load._clips(model, 8)
    others = load.Requests(
        [load._request("little", clip) for clip in clips],
        [model.run("", clip)["logits"] for clip in clips[::-1]],
    )
    row = Row(BATCHES)
    with load._server(published / "2", 4, 6, 1) as server:
        load._load(server, others, 6, 0.5, row)
    assert row.wrong == row.answered > 0
