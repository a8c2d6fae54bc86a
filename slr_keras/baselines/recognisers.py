"""Baseline recognisers: training on a manifest, tuning, and recognition of clips."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from slr_keras.baselines.bag import FrameClassifier, collapse, smooth
from slr_keras.baselines.connected import ConnectedWarper
from slr_keras.baselines.dtw import TemplateBank, dtw_distances
from slr_keras.baselines.features import Features
from slr_keras.baselines.metric import LinearMetric
from slr_keras.baselines.segments import REST, Segment, choose_templates, segments_of
from slr_keras.data.manifest import Manifest
from slr_keras.utils.errors import UserError

Glosses = tuple[str, ...]
Pieces = list[tuple[str, np.ndarray]]
Progress = Callable[..., Iterable[Any]]
TUNING_CLIPS = 60


def no_progress(items: Iterable[Any], description: str = "") -> Iterable[Any]:
    """Return the items unchanged, without a progress bar."""
    return items


class Baseline:
    """Base class of the baselines: features, segments of the training clips, tuning.

    Args:
        per_gloss: training segments used per gloss; 0 means all, None the method's default.
        stride: frames averaged into one.
        use_spans: train on the spans of the samples. If False, sentences are cut into equal parts,
            so that the baseline has the same supervision as a CTC model.
        seed: seed of all random choices.
    """

    #: Maximum number of dev clips for tuning; None for all.
    tuning_clips: int | None = TUNING_CLIPS

    def __init__(
        self,
        per_gloss: int | None = None,
        stride: int = 2,
        use_spans: bool = True,
        seed: int = 0,
    ):
        self.per_gloss, self.stride, self.seed = per_gloss, stride, seed
        self.use_spans = use_spans
        self.isolated = False
        self.options: dict[str, Any] = {}

    def fit(
        self, train: Manifest, dev: Manifest | None = None, progress: Progress = no_progress
    ) -> "Baseline":
        """Train on the training clips and tune on dev (without dev on held-out training clips).

        Args:
            train: training split.
            dev: development split, or None.
            progress: wraps iterables, for a progress bar.

        Raises:
            UserError: no labelled training clip, or an unreadable one.
        """
        labelled = [row for row, sample in enumerate(train) if sample.glosses and sample.frames]
        if not labelled:
            raise UserError(f"{train.path}: no clip with glosses, which a baseline needs to train")
        self.isolated = all(len(train[row].glosses) == 1 for row in labelled)
        rng = np.random.default_rng(self.seed)
        most = self.tuning_clips
        tuning = _random_rows(dev, rng, most) if dev is not None else None
        training = labelled
        if not tuning:
            tuning, dev = sorted(rng.permutation(labelled)[: len(labelled) // 5][:most]), train
            training = [row for row in labelled if row not in set(tuning)]
        self._train(train, training, progress)
        if tuning:
            self._tune(dev.subset(tuning), progress)
        if dev is train and tuning:
            options = self.options
            self._train(train, labelled, progress)
            self.options = options
        return self

    def recognise(self, prepared: np.ndarray) -> Glosses:
        """Recognise the glosses of one clip.

        Args:
            prepared: `(frames, points, channels)` from `KeypointContract.prepare`.
        """
        if len(prepared) == 0:
            return ()
        return self._decode(self._evidence(prepared), **self.options)

    def _train(self, train: Manifest, rows: Sequence[int], progress: Progress) -> None:
        rng = np.random.default_rng(self.seed)
        train = train.subset(rows)
        per_gloss = self._default_per_gloss() if self.per_gloss is None else self.per_gloss
        chosen = choose_templates(segments_of(train, self.use_spans), train, per_gloss, rng)
        needed = sorted({segment.sample for segment in chosen})
        prepared = {
            row: train.contract.prepare(train.load(row))
            for row in progress(needed, "reading train")
        }
        self.features = Features(train.contract, self.stride).fit(prepared.values())

        def pieces(mirrored: bool = False) -> Pieces:
            views = {row: self.features(clip, mirrored) for row, clip in prepared.items()}
            return [
                (segment.gloss, self._cut(views[segment.sample], segment)) for segment in chosen
            ]

        self._build(pieces, progress)

    def _cut(self, view: np.ndarray, segment: Segment) -> np.ndarray:
        start = min(segment.start // self.stride, len(view) - 1)
        return view[start : max(start + 1, -(-segment.end // self.stride))]

    def _tune(self, manifest: Manifest, progress: Progress) -> None:
        """In each stage keep the options with the fewest errors; of equal ones the first."""
        from slr_keras.metrics import word_error_rate

        evidence = [
            self._evidence(manifest.contract.prepare(manifest.load(row)))
            for row in progress(range(len(manifest)), "reading dev")
        ]
        references = [sample.glosses for sample in manifest]
        for stage in self._stages(evidence):
            errors = []
            for choice in progress(stage, "tuning"):
                hypotheses = [self._decode(e, **(self.options | choice)) for e in evidence]
                errors.append(word_error_rate(references, hypotheses).errors)
            self.options |= stage[int(np.argmin(errors))]

    def _default_per_gloss(self) -> int:
        raise NotImplementedError

    def _build(self, pieces: Callable[..., Pieces], progress: Progress) -> None:
        raise NotImplementedError

    def _evidence(self, prepared: np.ndarray) -> Any:
        raise NotImplementedError

    def _stages(self, evidence: list[Any]) -> list[list[dict[str, Any]]]:
        raise NotImplementedError

    def _decode(self, evidence: Any, **options: Any) -> Glosses:
        raise NotImplementedError


class DtwBaseline(Baseline):
    """Nearest template by dynamic time warping.

    Isolated signs get the label of the nearest training clip, sentences the sequence of templates
    with the lowest cost. If it reduces the errors on the tuning clips, the mirrored clip is
    compared as well, because a template fits one dominant hand only.

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
        self.options = {"mirror": True, "penalty": 0.0}

    def _evidence(self, prepared) -> list[np.ndarray]:
        views = [self.project(self.features(prepared, mirrored)) for mirrored in (False, True)]
        if self.isolated:
            return [dtw_distances(view, self.bank, self.band) for view in views]
        return [self.bank.local_distances(view) for view in views]

    def _stages(self, evidence) -> list[list[dict[str, Any]]]:
        mirror = [{"mirror": False}, {"mirror": True}]
        if self.isolated:
            return [mirror]
        unit = float(np.mean([plain.min(axis=1).mean() for plain, _ in evidence]))
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

    Two classifiers are trained, the second also on mirrored clips, which generalises from
    right-handed to left-handed signers; the better one on the tuning clips is used.

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
        self.classifiers = [
            self._trained(chosen, progress) for chosen in (plain, plain + pieces(mirrored=True))
        ]
        self.options = {"mirror": True, "window": 7, "shortest": 4, "rest": 0.0}

    def _trained(self, pieces: Pieces, progress: Progress) -> FrameClassifier:
        index = {label: k for k, label in enumerate(self.classes)}
        labels = np.repeat([index[label] for label, _ in pieces], [len(p) for _, p in pieces])
        classifier = FrameClassifier(self.classes, self.hidden, self.epochs, seed=self.seed)
        return classifier.fit(
            np.concatenate([piece for _, piece in pieces]),
            labels,
            lambda epochs: progress(epochs, "training"),
        )

    def _evidence(self, prepared) -> list[np.ndarray]:
        view = self.features(prepared)
        return [classifier.log_probabilities(view) for classifier in self.classifiers]

    def _stages(self, evidence) -> list[list[dict[str, Any]]]:
        mirror = [{"mirror": False}, {"mirror": True}]
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


def _random_rows(manifest: Manifest, rng: np.random.Generator, most: int | None) -> list[int]:
    """A random choice of at most `most` rows with glosses."""
    rows = [row for row, sample in enumerate(manifest) if sample.glosses and sample.frames]
    return sorted(rng.permutation(rows)[:most].tolist())
