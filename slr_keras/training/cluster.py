"""The machines of a training: the environment variable TF_CONFIG, checked."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from slr_keras.utils.errors import UserError

_FORM = (
    '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}, with a '
    "list of addresses and the place of this machine in it"
)
# A chief trains like a worker; an evaluator or a parameter server has no part in this training.
_JOBS = ("chief", "worker")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


@dataclass(frozen=True)
class Cluster:
    """The machines of a training, and which of them this one is.

    Attributes:
        jobs: addresses `host:port` by kind of job, "chief" or "worker".
        job: kind of this machine's job.
        index: place of this machine's address.
    """

    jobs: Mapping[str, tuple[str, ...]]
    job: str
    index: int

    @property
    def chief(self) -> bool:
        """Whether this machine writes the run."""
        return self.job == "chief" or ("chief" not in self.jobs and self.index == 0)


def read_cluster() -> Cluster:
    """Read and check TF_CONFIG.

    Raises:
        UserError: it is absent or does not describe a cluster; names what is wrong.

    >>> import json, os
    >>> from slr_keras.training.cluster import read_cluster
    >>> value = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    >>> os.environ["TF_CONFIG"] = json.dumps(value)
    >>> read_cluster().chief
    False
    >>> del os.environ["TF_CONFIG"]
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise UserError(
            "distribution.strategy: multi_worker needs the environment variable TF_CONFIG with "
            "the addresses of all workers and this one's task; set it, or use strategy single"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse(f"not valid JSON ({error})", text)
    if not isinstance(value, dict) or not isinstance(value.get("cluster"), dict):
        _refuse("there is no cluster", text)
    jobs = {name: _addresses(name, given) for name, given in value["cluster"].items()}
    every = [address for addresses in jobs.values() for address in addresses]
    if not every:
        _refuse("the cluster has no machine", text)
    for address in every:
        if every.count(address) > 1:
            _refuse(f"{address} stands for two machines", text)
    if len(jobs.get("chief", ())) > 1:
        _refuse("the cluster has several chiefs", text)
    task = value.get("task")
    if not isinstance(task, dict):
        _refuse("there is no task", text)
    job, index = task.get("type"), _index(task.get("index"))
    if not isinstance(job, str) or job not in jobs:
        _refuse(f"the task's type {job!r} is none of {', '.join(jobs)}", text)
    if index is None or not 0 <= index < len(jobs[job]):
        last = len(jobs[job]) - 1
        _refuse(f"the task's index {task.get('index')!r} is no number from 0 to {last}", text)
    return Cluster(jobs, job, index)


def _addresses(job: str, given: Any) -> tuple[str, ...]:
    if job not in _JOBS:
        _refuse(f"the job {job[:40]!r} is none of {', '.join(_JOBS)}", "")
    if not isinstance(given, list) or not given:
        _refuse(f"{job} is no list of addresses", "")
    for address in given:
        match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if match is None or not 0 < int(match[1]) < 65536:
            _refuse(f"{str(address)[:80]!r} is no address host:port", "")
    return tuple(given)


def _index(given: Any) -> int | None:
    """The index as a number; launchers also write it as a text."""
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,9}", given):
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _refuse(problem: str, text: str) -> NoReturn:
    got = f"; got {text[:200]}" if text else ""
    raise UserError(f"TF_CONFIG: {problem[:300]}; expected {_FORM}{got}")
