"""A damaged TF_CONFIG ended in a traceback of TensorFlow.

Eight of ten kinds of damage did: an index out of range or a word, an unknown type, no worker, no
port, an empty cluster. The variable is now checked once, in words.
"""

import json
import socket

import pytest

from slr_keras.config.schema import DistributionConfig
from slr_keras.training.distribution import is_chief, make_strategy
from slr_keras.utils.errors import UserError

WORKERS = ["localhost:2001", "localhost:2002"]
TASK = {"type": "worker", "index": 0}


def config(cluster=None, task=TASK):
    return json.dumps(
        {"cluster": {"worker": WORKERS} if cluster is None else cluster, "task": task}
    )


DAMAGED = {
    "no JSON": ("{", "not valid JSON"),
    "deep JSON": ("[" * 100_000, "not valid JSON"),
    "a list": ("[]", "there is no cluster"),
    "cluster of a list": (config(cluster=[]), "there is no cluster"),
    "index out of range": (config(task={"type": "worker", "index": 2}), "index 2 is no number"),
    "index below 0": (config(task={"type": "worker", "index": -1}), "index -1 is no number"),
    "index a word": (config(task={"type": "worker", "index": "first"}), "'first' is no number"),
    "index true": (config(task={"type": "worker", "index": True}), "True is no number"),
    "no index": (config(task={"type": "worker"}), "None is no number"),
    "unknown type": (config(task={"type": "boss", "index": 0}), "'boss' is none of worker"),
    "type a list": (config(task={"type": [], "index": 0}), "is none of worker"),
    "no task": (json.dumps({"cluster": {"worker": WORKERS}}), "there is no task"),
    "task a list": (config(task=[]), "there is no task"),
    "empty cluster": (config(cluster={}), "the cluster has no machine"),
    "no worker": (config(cluster={"worker": []}), "worker is no list of addresses"),
    "a text of workers": (config(cluster={"worker": "localhost:1"}), "no list of addresses"),
    "unknown job": (config(cluster={"boss": WORKERS}), "'boss' is none of chief, worker"),
    "no port": (config(cluster={"worker": ["localhost"]}), "'localhost' is no address"),
    "port a word": (config(cluster={"worker": ["localhost:ssh"]}), "is no address"),
    "port too large": (config(cluster={"worker": ["localhost:70000"]}), "is no address"),
    "address a number": (config(cluster={"worker": [2001]}), "'2001' is no address"),
    "twice": (config(cluster={"worker": WORKERS[:1] * 2}), "stands for two machines"),
    "two chiefs": (config(cluster={"chief": WORKERS}), "several chiefs"),
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("read", [is_chief, make_strategy])
def test_a_damaged_description_of_the_cluster_is_refused_in_words(damage, read, monkeypatch):
    text, problem = DAMAGED[damage]
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG") as caught:
        read(DistributionConfig(strategy="multi_worker"))
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("cluster", "task", "chief"),
    [
        ({"worker": WORKERS}, TASK, True),
        ({"worker": WORKERS}, {"type": "worker", "index": "1"}, False),
        ({"chief": WORKERS[:1], "worker": WORKERS[1:]}, TASK, False),
        ({"chief": WORKERS[:1], "worker": WORKERS[1:]}, {"type": "chief", "index": 0}, True),
        ({"worker": ["[::1]:2001", f"{socket.gethostname()}:2002"]}, TASK, True),
    ],
)
def test_a_whole_description_says_which_machine_writes(cluster, task, chief, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config(cluster, task))
    assert is_chief(DistributionConfig(strategy="multi_worker")) is chief
