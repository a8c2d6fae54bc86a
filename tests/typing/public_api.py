"""A program that uses the public API; `make lint` checks its types, nothing runs it."""

from pathlib import Path
from typing import assert_type

import numpy as np

import slr_keras


def names_of_a_clip(clip: Path) -> tuple[str, ...]:
    with slr_keras.Recogniser.from_preset("asl-words", threads=2) as recogniser:
        assert_type(recogniser.recognise(clip), slr_keras.Recognition)
        return recogniser.recognise(clip).glosses


def glosses_of_frames(frames: np.ndarray) -> list[str]:
    run = slr_keras.Run.load("runs/demo")
    assert_type(run.vocabulary, slr_keras.Vocabulary)
    hypothesis = slr_keras.greedy(frames)
    assert_type(hypothesis, slr_keras.Hypothesis)
    return list(run.vocabulary.decode(hypothesis.ids))


def samples_of_a_folder(folder: Path) -> int:
    manifests = slr_keras.read_folder(folder)
    for manifest in manifests.values():
        assert_type(manifest, slr_keras.Manifest)
    first = next(iter(manifests["train"]))
    assert_type(first, slr_keras.Sample)
    return len(first.glosses)


def error_rate(references: list[list[str]], hypotheses: list[list[str]]) -> float:
    counts = slr_keras.word_error_rate(references, hypotheses)
    assert_type(counts.errors, int)
    return counts.wer


def points_of_a_contract(name: str) -> tuple[str, ...]:
    contract = slr_keras.contract(name)
    assert_type(contract, slr_keras.KeypointContract)
    return contract.points
