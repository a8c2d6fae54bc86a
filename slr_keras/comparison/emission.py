"""Emission probabilities of a run's glosses over the time of one clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slr_keras.comparison.recognised import Recognised
from slr_keras.data.times import clip_length
from slr_keras.metrics import Alignment, align


@dataclass(frozen=True)
class Emission:
    """Glosses that a run emits in one clip, over time.

    Attributes:
        alignment: reference and hypothesis before equal neighbours are merged and the sentence is
            cleaned up; its errors may therefore differ from the counted ones.
        probabilities: `(steps, glosses)`, probability that a step emits each of the glosses.
        spans: steps (start, end) of each gloss in the most probable alignment.
        edges: `(steps + 1,)` seconds at which the steps begin, and the end of the last step.
    """

    alignment: Alignment
    probabilities: np.ndarray
    spans: tuple[tuple[int, int], ...]
    edges: np.ndarray

    @property
    def glosses(self) -> list[tuple[str, bool]]:
        """Emitted glosses, each with whether it is correct."""
        return [(p.hypothesis, p.operation == "=") for p in self.alignment.pairs if p.hypothesis]

    @property
    def deleted(self) -> list[str]:
        """Deleted glosses of the reference."""
        return [p.reference for p in self.alignment.pairs if p.operation == "D"]


def emission(side: Recognised, row: int) -> Emission:
    """Run a model on one clip and compute its emission probabilities.

    Args:
        side: the run and its split.
        row: row of the clip in the manifest.
    """
    from slr_keras.decoding.outputs import ENSEMBLE
    from slr_keras.training.data import contract_of, evaluation_dataset
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.model import make_decoder

    run, manifest = side.run, side.manifest.subset([row])
    config = run.config
    model = run.model()
    decoder = make_decoder(model, config)
    contract = contract_of(side.manifest, run.modality)
    fps = run.contract.fps
    dataset = evaluation_dataset(config, manifest, run.vocabulary, contract, fps=fps)
    ((_, (steps,), scores),) = Predictor(model, decoder=decoder)(dataset)
    scores = scores[ENSEMBLE][0, :steps]
    decoding = replace(run.decoding, collapse_repeats=False)
    language_model = run.language_model(decoding)
    (hypothesis,) = decoder.decode(scores[None], [steps], decoding, language_model)
    glosses = cleaned_singly(run.vocabulary.decode(hypothesis.ids), config.data.scoring)
    kept = [index for index, gloss in enumerate(glosses) if gloss]
    rate = manifest[0].fps or contract.fps
    length = clip_length(manifest[0], rate, fps)
    first = max(length - config.data.max_frames, 0) // 2
    if decoder.names_one_sign:
        # An isolated sign has one step, which covers all frames that the model sees.
        first = 0 if getattr(model, "clip_frames", 0) else first
        frames = np.array([first, length - first])
    else:
        frames = np.minimum(first + model.stride * np.arange(steps + 1), length)
    return Emission(
        align(side.references[row], [glosses[index] for index in kept]),
        decoder.emission(scores, hypothesis.ids, decoding)[:, kept],
        tuple(hypothesis.spans[index] for index in kept),
        frames / fps,
    )


def cleaned_singly(glosses: Sequence[str], rules: str) -> list[str]:
    """Clean up glosses one by one, so that each keeps its position; removed glosses become "".

    >>> from slr_keras.comparison.emission import cleaned_singly
    >>> cleaned_singly(["__ON__", "loc-NORD"], "phoenix2014t")
    ['', 'NORD']
    """
    from slr_keras.text.phoenix import CLEAN_UP

    return [" ".join(CLEAN_UP[rules]((gloss,))) for gloss in glosses]
