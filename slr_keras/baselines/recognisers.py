"""Baseline recognisers of isolated signs and sentences: nearest template, and bag of frames."""

from itertools import product
from typing import Any

import numpy as np

from slr_keras.baselines.bag import FrameClassifier, collapse, smooth
from slr_keras.baselines.base import Baseline, Glosses, Pieces, Progress
from slr_keras.baselines.connected import ConnectedWarper
from slr_keras.baselines.dtw import TemplateBank, dtw_distances
from slr_keras.baselines.metric import LinearMetric
from slr_keras.baselines.segments import REST


class DtwBaseline(Baseline):
    """Nearest template by dynamic time warping.

    Isolated signs get the label of the nearest training clip, sentences the sequence of templates
    with the lowest cost. Where it mirrors, the mirrored clip is compared as well, and the nearer of
    both counts, because a template fits one dominant hand only.

    Args:
        metric: "plain" compares the features, "learned" their `LinearMetric` projection.
        band: see `dtw_distances`; for isolated signs.
        shared: see `Baseline`.
    """

    def __init__(self, metric: str = "plain", band: float = 0.25, **shared):
        super().__init__(**shared)
        self.metric, self.band = metric, band

    def _default_per_gloss(self) -> int:
        return 60 if self.isolated else 12

    def _build(self, pieces, progress) -> None:
        labelled = pieces()
        signs = [(label, piece) for label, piece in labelled if label != REST]
        if self.isolated:
            labelled = signs
        self.project = LinearMetric().fit(signs) if self.metric == "learned" else lambda view: view
        self.bank = TemplateBank(
            [self.project(piece) for _, piece in labelled], [label for label, _ in labelled]
        )
        self.warper = ConnectedWarper(self.bank)
        self.options = {"mirror": self.mirrors[0], "penalty": 0.0}

    def _evidence(self, prepared) -> list[np.ndarray]:
        directions = (False, True) if True in self.mirrors else (False,)
        views = [self.project(self.features(prepared, mirrored)) for mirrored in directions]
        if self.isolated:
            return [dtw_distances(view, self.bank, self.band) for view in views]
        return [self.bank.local_distances(view) for view in views]

    def _stages(self, evidence) -> list[list[dict[str, Any]]]:
        mirror = self._mirror_stage()
        if self.isolated:
            return [mirror]
        unit = float(np.mean([views[0].min(axis=1).mean() for views in evidence]))
        steps = (0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 12)
        return [[{"penalty": unit * step} for step in steps], mirror]

    def _decode(self, evidence, mirror: bool, penalty: float) -> Glosses:
        views = evidence if mirror else evidence[:1]
        if self.isolated:
            nearest = min(views, key=np.min)
            return (self.bank.labels[int(nearest.argmin())],)
        paths = [self.warper.recognise(local, penalty) for local in views]
        return min(paths, key=lambda path: path.cost).glosses


class BagBaseline(Baseline):
    """Bag of frames: frames are classified independently, smoothed and collapsed to glosses.

    Where it mirrors, the classifier is also trained on mirrored clips, which generalises from
    right-handed to left-handed signers.

    Args:
        hidden: width of the classifier's hidden layer; 0 for softmax regression.
        epochs: over the training frames.
        shared: see `Baseline`.
    """

    def __init__(self, hidden: int = 128, epochs: int = 12, **shared):
        super().__init__(**shared)
        self.hidden, self.epochs = hidden, epochs

    def _default_per_gloss(self) -> int:
        return 40

    def _build(self, pieces, progress) -> None:
        plain = pieces()
        self.classes = tuple(sorted({label for label, _ in plain}))
        self.classifiers = {
            mirror: self._trained(plain + (pieces(mirrored=True) if mirror else []), progress)
            for mirror in self.mirrors
        }
        self.options = {"mirror": self.mirrors[0], "window": 7, "shortest": 4, "rest": 0.0}

    def _trained(self, pieces: Pieces, progress: Progress) -> FrameClassifier:
        index = {label: k for k, label in enumerate(self.classes)}
        labels = np.repeat([index[label] for label, _ in pieces], [len(p) for _, p in pieces])
        classifier = FrameClassifier(self.classes, self.hidden, self.epochs, seed=self.seed)
        return classifier.fit(
            np.concatenate([piece for _, piece in pieces]),
            labels,
            lambda epochs: progress(epochs, "training"),
        )

    def _evidence(self, prepared) -> dict[bool, np.ndarray]:
        view = self.features(prepared)
        return {
            mirror: classifier.log_probabilities(view)
            for mirror, classifier in self.classifiers.items()
        }

    def _stages(self, evidence) -> list[list[dict[str, Any]]]:
        mirror = self._mirror_stage()
        if self.isolated:
            return [mirror]
        grid = product((1, 3, 5, 7, 9, 13), (1, 2, 3, 4, 6), (-1.0, 0.0, 1.0, 2.0))
        return [mirror, [{"window": w, "shortest": s, "rest": r} for w, s, r in grid]]

    def _decode(self, evidence, mirror: bool, window: int, shortest: int, rest: float) -> Glosses:
        resting = np.array([label == REST for label in self.classes])
        frames = evidence[mirror]
        if self.isolated:
            total = np.where(resting, -np.inf, frames.sum(axis=0))
            return (self.classes[int(total.argmax())],)
        votes = smooth(frames + rest * resting, window).argmax(axis=1)
        return collapse([self.classes[k] for k in votes], shortest)
