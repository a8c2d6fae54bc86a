"""Word error rates of a model on a split, for the ensemble (the reported result) and each head."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from slr_keras.data.manifest import Manifest
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, Hypothesis, NgramLanguageModel
from slr_keras.decoding.outputs import (
    ENSEMBLE,
    CtcDecoder,
    Decoder,
)
from slr_keras.metrics.false_words import FalseWords, false_words
from slr_keras.metrics.isolated.score import head_accuracies
from slr_keras.metrics.wer import ErrorCounts, bootstrap_interval, sentence_counts
from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.training.data_checks import require_lengths, require_single_glosses
from slr_keras.training.distribution import across_machines
from slr_keras.training.objectives.base import clip_inputs
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write


class Predictor:
    """Computes the scores of every clip of a dataset, for each head and for their ensemble.

    Args:
        model: returns logits by head.
        strategy: distributes the clips over its replicas if it has several in this process.
        decoder: converts the model's outputs to scores and decodes them; by default CTC with the
            mean of all heads.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy | None = None,
        decoder: Decoder | None = None,
    ):
        self.model = model
        self.decoder = decoder or CtcDecoder()
        # A model with one output step per clip need not have a stride.
        self.stride = getattr(model, "stride", 1)
        # Across machines only the chief evaluates, and must not wait for the others.
        spread = strategy and strategy.num_replicas_in_sync > 1 and not across_machines(strategy)
        self.strategy = strategy if spread else None
        self._functions: dict[tuple, Callable] = {}

    @property
    def replicas(self) -> int:
        """Number by which the batch size must be divisible."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    def __call__(
        self, dataset: ClipDataset
    ) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        """Score a dataset batch by batch; fillers are left out.

        Yields:
            rows of the manifest `(batch,)`, output steps of each clip `(batch,)`, and by head the
            scores `(batch, steps, classes)`.
        """
        require_lengths(self.model, dataset)
        with dataset.user_errors():
            if self.strategy is None:
                batches = dataset.epoch(0)
            else:
                parts = range(self.replicas)
                batches = self.strategy.distribute_datasets_from_function(
                    lambda context: dataset.epoch(0, parts=parts)
                )
            function = self._function(batches.element_spec)
            for batch in batches:
                outputs = function(batch)
                yield from self._local(batch, outputs)

    def _local(self, batch, outputs):
        for values, scores in zip(self._parts(batch), self._parts(outputs)):
            rows = values["index"].numpy()
            real = rows >= 0
            steps = self.decoder.steps(values["frames"].numpy(), self.stride)
            if real.any():
                arrays = {name: value.numpy()[real] for name, value in scores.items()}
                yield rows[real], steps[real], arrays

    def _parts(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.strategy is None:
            return [dict(values)]
        local = {k: self.strategy.experimental_local_results(v) for k, v in values.items()}
        return [dict(zip(local, part)) for part in zip(*local.values())]

    def _function(self, spec: Mapping[str, Any]) -> Callable:
        # Distributed specs are not hashable; their text names every shape.
        key = str(spec)
        if key not in self._functions:
            run = self._scores if self.strategy is None else self._scores_on_replicas
            self._functions[key] = tf.function(run, input_signature=[spec], autograph=False)
        return self._functions[key]

    def _scores_on_replicas(self, batch):
        return self.strategy.run(self._scores, (batch,))

    def _scores(self, batch):
        return self.decoder.scores(self.model(clip_inputs(self.model, batch), training=False))


@dataclass(frozen=True)
class Evaluation:
    """A scored split.

    Attributes:
        manifest: the clips.
        references: reference glosses of each clip after clean-up.
        hypotheses: decoded hypothesis of each clip, by output (`ensemble`, then the heads).
        glosses: decoded glosses of each clip after clean-up, by output.
        counts: errors of each clip, by output.
        signs: log-probabilities `(clips, classes)` by output, for models of isolated signs;
            empty for others.
        classes: gloss of each class of `signs`.
        seconds: length of each clip as the model saw it; empty: the length of its file.
    """

    manifest: Manifest
    references: tuple[tuple[str, ...], ...]
    hypotheses: Mapping[str, tuple[Hypothesis, ...]]
    glosses: Mapping[str, tuple[tuple[str, ...], ...]]
    counts: Mapping[str, tuple[ErrorCounts, ...]]
    signs: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()

    @property
    def has_references(self) -> bool:
        """Whether any clip has reference glosses."""
        return any(self.references)

    def false_words(self, name: str = ENSEMBLE) -> FalseWords:
        """Glosses that are output in the clips without reference glosses."""
        seconds = self.seconds or [s.frames / self.manifest.rate(s) for s in self.manifest]
        return false_words(self.references, self.glosses[name], seconds)

    def total(self, name: str = ENSEMBLE) -> ErrorCounts:
        """Errors summed over all clips."""
        return sum(self.counts[name], ErrorCounts())

    def interval(self, name: str = ENSEMBLE) -> tuple[float, float]:
        """95 % bootstrap interval of the WER, in percent."""
        return bootstrap_interval(self.counts[name])

    def summary(self) -> dict[str, dict[str, Any]]:
        """WER, its interval, its parts and the rate of correct clips, in percent, by output.

        Clips without reference glosses add their false words; a split of such clips has no WER.
        """
        rows = {}
        for name, counts in self.counts.items():
            rest, total = self.false_words(name), self.total(name)
            silence = {
                "false_words": rest.words,
                "rest_minutes": round(rest.minutes, 4),
                "false_words_per_minute": round(rest.per_minute, 4),
            }
            faultless = round(100 * sum(c.errors == 0 for c in counts) / len(counts), 4)
            if not self.has_references:
                rows[name] = {"clips": len(counts), "faultless": faultless, **silence}
                continue
            low, high = self.interval(name)
            rows[name] = {
                "wer": round(total.wer, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "substitutions": round(total.percent(total.substitutions), 4),
                "deletions": round(total.percent(total.deletions), 4),
                "insertions": round(total.percent(total.insertions), 4),
                "words": total.references,
                "clips": len(counts),
                "faultless": faultless,
                **(silence if rest.clips else {}),
            }
        return rows

    def write_predictions(self, path: str | Path) -> None:
        """Write one JSON object per clip: reference, glosses by output, times, confidences."""
        import json

        with atomic_write(path) as file:
            for row, sample in enumerate(self.manifest):
                best = self.hypotheses[ENSEMBLE][row]
                record = {
                    "id": sample.id,
                    "reference": list(self.references[row]),
                    "hypothesis": list(self.glosses[ENSEMBLE][row]),
                    "errors": self.counts[ENSEMBLE][row].errors,
                    "spans": [list(span) for span in best.spans],
                    "confidences": [round(value, 4) for value in best.confidences],
                    "heads": {n: list(g[row]) for n, g in self.glosses.items() if n != ENSEMBLE},
                }
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def evaluate(
    predictor: Predictor,
    dataset: ClipDataset,
    vocabulary: Vocabulary,
    decoding: DecodingConfig,
    scoring: str = "plain",
    language_model: NgramLanguageModel | None = None,
    advance: Callable[[int], None] = lambda clips: None,
) -> Evaluation:
    """Decode and score a dataset.

    Args:
        predictor: computes the scores and holds the decoder.
        dataset: clips in evaluation form; with `failures`, clips that cannot be loaded are left
            out of the result.
        vocabulary: vocabulary of the model.
        decoding: decoding options, used for every output.
        scoring: clean-up rules, a key of `slr_keras.text.phoenix.CLEAN_UP`.
        language_model: language model that `decoding` asks for.
        advance: called with the clip count after each batch.

    Raises:
        UserError: the model's output is not a number, or a model of isolated signs gets a clip
            that does not have one gloss.
    """
    manifest = dataset.manifest
    single = predictor.decoder.names_one_sign
    if single:
        require_single_glosses(manifest)
    signs: dict[str, np.ndarray] = {}
    by_output: dict[str, dict[int, Hypothesis]] = {}
    for rows, steps, scores in predictor(dataset):
        for name, values in scores.items():
            _check_finite(values, steps, rows, manifest)
            decoded = predictor.decoder.decode(values, steps, decoding, language_model, name)
            by_output.setdefault(name, {}).update(zip(rows.tolist(), decoded))
            if single:
                logits = values[:, 0, Vocabulary.FIRST_GLOSS_ID :]
                kept = signs.setdefault(name, np.empty((len(manifest), logits.shape[1])))
                kept[rows] = logits
        advance(len(rows))
    seconds = dataset.seconds()
    failures = dataset.failures
    if failures:
        scored = sorted(next(iter(by_output.values()), {}))
        if not scored:
            raise UserError(f"{manifest.path}: no clip can be scored; {failures.failed[0].reason}")
        manifest, seconds = manifest.subset(scored), seconds[scored]
        by_output = {
            name: {place: by_row[row] for place, row in enumerate(scored)}
            for name, by_row in by_output.items()
        }
        signs = {name: values[scored] for name, values in signs.items()}
    clean = CLEAN_UP[scoring]
    references = tuple(clean(sample.glosses) for sample in manifest)
    hypotheses = {
        n: tuple(by_row[row] for row in range(len(manifest))) for n, by_row in by_output.items()
    }
    glosses = {
        name: tuple(clean(vocabulary.decode(hypothesis.ids)) for hypothesis in all_clips)
        for name, all_clips in hypotheses.items()
    }
    counts = {n: tuple(sentence_counts(references, decoded)) for n, decoded in glosses.items()}
    classes = vocabulary.glosses if single else ()
    lengths = tuple(seconds.tolist())
    return Evaluation(manifest, references, hypotheses, glosses, counts, signs, classes, lengths)


def accuracies(evaluation: Evaluation) -> dict[str, Any]:
    """Top-1 accuracy by output and top-5 of the ensemble; empty for models of sentences."""
    if not evaluation.signs:
        return {}
    signed = [sample.glosses[0] for sample in evaluation.manifest]
    by_head = head_accuracies(evaluation.signs, signed, evaluation.classes)
    return {"top_1": {n: top[1] for n, top in by_head.items()}, "top_5": by_head[ENSEMBLE][5]}


def _check_finite(
    scores: np.ndarray, steps: Sequence[int], rows: Sequence[int], manifest: Manifest
) -> None:
    for place, length in enumerate(steps):
        if np.isnan(scores[place, :length]).any():
            raise UserError(
                f"{manifest.where(int(rows[place]))}: the model's output is not a number; "
                "training has diverged, or the weights are damaged"
            )
