"""Score a trained run again: on another split, with other decoding, or with changed clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from slr_keras.config import Config, DataConfig, override
from slr_keras.data.manifest import Manifest
from slr_keras.data.robustness import DegradedManifest
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.metrics.turn_cost import TurnCost
from slr_keras.training.data import read_split
from slr_keras.training.evaluation import Evaluation, Predictor
from slr_keras.training.final_evaluation import score, write_scores
from slr_keras.training.model import make_decoder
from slr_keras.training.provenance import provenance
from slr_keras.training.run import Run
from slr_keras.training.sign_files import score_signs
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures


@dataclass(frozen=True)
class ClipChanges:
    """Changes to the clips of a split, for a test of robustness.

    Attributes:
        points: number of random points that are removed from each clip.
        hand: fraction of the frames of each clip in which a hand is removed, 0 to 1.
        seed: of the random choices.
        turn: angle in degrees by which the body is turned about the vertical axis.
    """

    points: int = 0
    hand: float = 0.0
    seed: int = 0
    turn: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.points or self.hand or self.turn)

    def with_turns(self, degrees: float) -> "tuple[ClipChanges, ...]":
        """These changes alone and, unless `degrees` is 0, with a turn in both directions.

        >>> from slr_keras.training.split_scoring import ClipChanges
        >>> [changes.turn for changes in ClipChanges(points=1).with_turns(20)]
        [0.0, 20, -20]
        """
        return (self, *(replace(self, turn=turn) for turn in (degrees, -degrees) if degrees))

    def facts(self) -> dict[str, float]:
        """The changes, with the seed of random ones, for the record; empty if there are none.

        >>> from slr_keras.training.split_scoring import ClipChanges
        >>> ClipChanges(points=2, seed=5).facts(), ClipChanges(turn=-20, seed=5).facts()
        ({'drop_points': 2, 'seed': 5}, {'turn': -20})
        """
        amounts = {"drop_points": self.points, "drop_hand": self.hand, "turn": self.turn}
        amounts = {name: value for name, value in amounts.items() if value}
        return {**amounts, "seed": self.seed} if self.points or self.hand else amounts

    def name(self, split: str) -> str:
        """Name of the files that store the score of a split.

        >>> from slr_keras.training.split_scoring import ClipChanges
        >>> ClipChanges(points=2).name("test"), ClipChanges(turn=20).name("test")
        ('test_drop_points-2', 'test_turn+20')
        """
        dropped = {name: value for name, value in self.facts().items() if name.startswith("drop")}
        parts = [f"{name}-{value:g}" for name, value in dropped.items()]
        return "_".join([split, *parts, *([f"turn{self.turn:+g}"] if self.turn else [])])


Case = tuple[ClipChanges, Manifest]
"""Changes to the clips of a split, and the changed clips."""


def load_run(path: str | Path, scoring: str | None = None) -> Run:
    """Load a run; `scoring` replaces the clean-up rules of its recipe.

    Raises:
        UserError: the run or the rules do not exist.
    """
    run = Run.load(path)
    if scoring:
        run = replace(run, config=override(run.config, [f"data.scoring={scoring}"]))
    return run


def override_decoding(config: Config, overrides: Sequence[str]) -> Config:
    """Replace options of a recipe's decoding section, for example "decoding.beam=10".

    Raises:
        UserError: a key belongs to another section or does not exist.
    """
    for text in overrides:
        if not text.startswith("decoding."):
            raise UserError(
                f"--set {text}: only decoding.* can be changed here; other changes need a new "
                "training"
            )
    return override(config, overrides)


def open_split(
    data: DataConfig, split: str, folder: str | None = None, changes: ClipChanges | None = None
) -> Manifest:
    """Open a split of a recipe's data folder or of another folder.

    Args:
        data: data section of the recipe.
        split: name of the split.
        folder: replaces the recipe's data folder.
        changes: changes to the clips.

    Raises:
        UserError: the split does not exist, or the points cannot be removed.
    """
    manifest = read_split(replace(data, folder=folder) if folder else data, split)
    if not changes:
        return manifest
    return DegradedManifest(manifest, changes.points, changes.hand, changes.seed, changes.turn)


def open_cases(
    data: DataConfig, split: str, folder: str | None, changes: ClipChanges, degrees: float
) -> list[Case]:
    """Open a split with changed clips and, unless `degrees` is 0, also turned in both directions.

    Other arguments and errors as for `open_split`.
    """
    cases = changes.with_turns(degrees)
    return [(case, open_split(data, split, folder, case)) for case in cases]


def score_run(
    run: Run,
    cases: Sequence[Case],
    decoding: DecodingConfig,
    split: str,
    advance: Callable[[int], None],
    failures: Failures | None = None,
) -> tuple[list[Evaluation], Path]:
    """Score the best weights of a run on a split, and write scores and predictions into the run.

    Args:
        run: the run to score.
        cases: of `open_cases`; each is scored.
        decoding: decoding options.
        split: name of the split.
        advance: called with the clip count after each batch.
        failures: collects clips that cannot be read, which are left out of all cases; None: one
            raises.

    Returns:
        The evaluation of each case, and for the first one the path of the predictions or, for
        isolated signs, of the report.
    """
    # Computed before the weights are read, so that later changes of weights or clips show.
    digests = [provenance(run, manifest, decoding) for _, manifest in cases]
    model = run.model()
    decoder = make_decoder(model, replace(run.config, decoding=decoding))
    predictor = Predictor(model, decoder=decoder)
    evaluations, written = [], []
    for (changes, manifest), digest in zip(cases, digests, strict=True):
        evaluation = score(run, predictor, manifest, decoding, advance, failures)
        name = changes.name(split)
        path = write_scores(run, name, evaluation, decoding, digest, failures, **changes.facts())
        evaluations.append(evaluation)
        written.append(run.folder.sign_report(name) if evaluation.signs else path)
    return evaluations, written[0]


def turn_cost(degrees: float, evaluations: Sequence[Evaluation]) -> TurnCost | None:
    """Compare the evaluations of the cases of `open_cases`; None without a turn."""
    if not degrees:
        return None
    plain = evaluations[0]
    rotated = "z" in plain.manifest.contract.channels
    if plain.signs:
        errors = [~score_signs(evaluation).hits for evaluation in evaluations]
        return TurnCost.of(degrees, errors, np.ones(len(plain.manifest)), True, rotated)
    counts = [evaluation.counts[ENSEMBLE] for evaluation in evaluations]
    references = [count.references for count in counts[0]]
    errors = [[count.errors for count in case] for case in counts]
    return TurnCost.of(degrees, errors, references, False, rotated)
