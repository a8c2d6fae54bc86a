"""Score a trained run again: on another split, with other decoding, or with keypoints removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slr_keras.config import Config, DataConfig, override
from slr_keras.data.manifest import Manifest
from slr_keras.data.robustness import DegradedManifest
from slr_keras.decoding import DecodingConfig
from slr_keras.training.data import read_split
from slr_keras.training.evaluation import Evaluation, Predictor
from slr_keras.training.final_evaluation import score, write_scores
from slr_keras.training.model import make_decoder
from slr_keras.training.provenance import provenance
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class DroppedPoints:
    """Keypoints to remove from the clips of a split, for a test of robustness.

    Attributes:
        points: number of random points that are removed from each clip.
        hand: fraction of the frames of each clip in which a hand is removed, 0 to 1.
        seed: of the random choices.
    """

    points: int = 0
    hand: float = 0.0
    seed: int = 0

    def __bool__(self) -> bool:
        return bool(self.points or self.hand)

    def facts(self) -> dict[str, float]:
        """Numbers of removed points and the seed, for the record; empty if nothing is removed.

        >>> from slr_keras.training.split_scoring import DroppedPoints
        >>> DroppedPoints(points=2, seed=5).facts(), DroppedPoints(seed=5).facts()
        ({'drop_points': 2, 'seed': 5}, {})
        """
        amounts = {"drop_points": self.points, "drop_hand": self.hand}
        amounts = {name: value for name, value in amounts.items() if value}
        return {**amounts, "seed": self.seed} if amounts else {}

    def name(self, split: str) -> str:
        """Name of the files that store the score of a split.

        >>> from slr_keras.training.split_scoring import DroppedPoints
        >>> DroppedPoints(points=2).name("test"), DroppedPoints().name("test")
        ('test_drop_points-2', 'test')
        """
        facts = {name: value for name, value in self.facts().items() if name != "seed"}
        return "_".join([split, *(f"{name}-{value:g}" for name, value in facts.items())])


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
    data: DataConfig, split: str, folder: str | None = None, dropped: DroppedPoints | None = None
) -> Manifest:
    """Open a split of a recipe's data folder or of another folder.

    Args:
        data: data section of the recipe.
        split: name of the split.
        folder: replaces the recipe's data folder.
        dropped: keypoints to remove from the clips.

    Raises:
        UserError: the split does not exist, or the points cannot be removed.
    """
    manifest = read_split(replace(data, folder=folder) if folder else data, split)
    if not dropped:
        return manifest
    return DegradedManifest(manifest, dropped.points, dropped.hand, dropped.seed)


def score_run(
    run: Run,
    manifest: Manifest,
    decoding: DecodingConfig,
    name: str,
    facts: dict[str, float],
    advance: Callable[[int], None],
) -> tuple[Evaluation, Path]:
    """Score the best weights of a run on a split, and write scores and predictions into the run.

    Args:
        run: the run to score.
        manifest: clips of the split.
        decoding: decoding options.
        name: name of the files that store the scores.
        facts: changes to the clips, for the record.
        advance: called with the clip count after each batch.

    Returns:
        The evaluation, and the path of the predictions or, for isolated signs, of the report.
    """
    # Computed before the weights are read, so that later changes of weights or clips show.
    digests = provenance(run, manifest, decoding)
    model = run.model()
    decoder = make_decoder(model, replace(run.config, decoding=decoding))
    predictor = Predictor(model, decoder=decoder)
    evaluation = score(run, predictor, manifest, decoding, advance)
    predictions = write_scores(run, name, evaluation, decoding, digests, **facts)
    return evaluation, run.folder.sign_report(name) if evaluation.signs else predictions
