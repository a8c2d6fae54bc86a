"""When a run emits its glosses in one clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slr_keras.comparison.recognised import Recognised
from slr_keras.data.rates import frames_at_rate
from slr_keras.metrics import Alignment, align


@dataclass(frozen=True)
class Emission:
    """One clip over time, as a run sees it.

    Attributes:
        alignment: the reference with what was emitted; before neighbours are merged and sentences
            cleaned up, if the run's recipe does so, so that its errors may not be those counted.
        probabilities: `(steps, glosses)`, that a step emits each of the glosses.
        spans: for each gloss its steps (start, end) in the most probable alignment.
        edges: `(steps + 1,)` seconds at which steps begin and the last one ends.
    """

    alignment: Alignment
    probabilities: np.ndarray
    spans: tuple[tuple[int, int], ...]
    edges: np.ndarray

    @property
    def glosses(self) -> list[tuple[str, bool]]:
        """What was emitted, and whether it is right."""
        return [(p.hypothesis, p.operation == "=") for p in self.alignment.pairs if p.hypothesis]

    @property
    def missed(self) -> list[str]:
        """Glosses of the reference for which nothing was emitted."""
        return [p.reference for p in self.alignment.pairs if p.operation == "D"]


def emission(side: Recognised, row: int) -> Emission:
    """Run a model on one clip and find out when it emits which gloss.

    Args:
        side: the run and its split.
        row: of the clip in the manifest.
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
    (found,) = decoder.decode(scores[None], [steps], decoding, language_model)
    glosses = cleaned_singly(run.vocabulary.decode(found.ids), config.data.scoring)
    kept = [place for place, gloss in enumerate(glosses) if gloss]
    rate = manifest[0].fps or contract.fps
    length = frames_at_rate(manifest[0].frames, rate, fps)
    first = max(length - config.data.max_frames, 0) // 2
    if decoder.names_one_sign:
        # The one step of a clip of one sign is all that the model sees.
        first = 0 if getattr(model, "clip_frames", 0) else first
        frames = np.array([first, length - first])
    else:
        frames = np.minimum(first + model.stride * np.arange(steps + 1), length)
    return Emission(
        align(side.references[row], [glosses[place] for place in kept]),
        decoder.emission(scores, found.ids, decoding)[:, kept],
        tuple(found.spans[place] for place in kept),
        frames / fps,
    )


def cleaned_singly(glosses: Sequence[str], rules: str) -> list[str]:
    """Glosses cleaned up one by one, so that each keeps its place in time; "" where the rules
    leave nothing of one, as of `__ON__`.

    >>> from slr_keras.comparison.emission import cleaned_singly
    >>> cleaned_singly(["__ON__", "loc-NORD"], "phoenix2014t")
    ['', 'NORD']
    """
    from slr_keras.text.phoenix import CLEAN_UP

    return [" ".join(CLEAN_UP[rules]((gloss,))) for gloss in glosses]
