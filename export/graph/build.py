"""Make a version: save, describe, compare with Keras, warm up, seal; then publish it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.graph import description, verification
from export.graph.endpoints import Endpoints, require_servable, save
from export.graph.publication import (
    LARGEST_VERSION,
    appearing,
    next_version,
    require_free,
    write_manifest,
)
from export.graph.warmup import write_warmup
from slr_keras.data.sampling import REDUCTION
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json

if TYPE_CHECKING:
    import keras

    from slr_keras.data.manifest import Manifest

DEFAULT_BUCKETS = (64, 128, 256)
#: Keras' policy by precision. Weights stay in float32 and are cast as they are used: sums, norms
#: and masks that eight bits of mantissa or a small exponent do not hold are computed in float32.
POLICIES = {"float32": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


@dataclass(frozen=True)
class Plan:
    """What to export, and what it must withstand.

    Attributes:
        version: None for one more than the highest.
        precision: key of `POLICIES`.
        buckets: frames, ascending; None for 64, 128, 256 and the longest.
        longest: frames of a clip; None for the recipe's `data.max_frames`.
        verified: compare with Keras.
        parity: largest relative error on golden clips; None for that of the precision.
        limit: points of WER that may be lost on dev; None for that of the precision.
        clips: how many of the dev split, where its data is there; 0 leaves it alone.
        data: another data folder than the recipe's.
        warmup: write warm-up requests.
    """

    version: int | None = None
    precision: str = "float32"
    buckets: tuple[int, ...] | None = None
    longest: int | None = None
    verified: bool = True
    parity: float | None = None
    limit: float | None = None
    clips: int = 50
    data: str | None = None
    warmup: bool = True


def build(
    path: str | Path, plan: Plan, to: Path, tell: Callable[[str], None] = lambda text: None
) -> Path:
    """Publish a run as a version of a model.

    Args:
        path: of the run.
        plan: what to export.
        to: the model's folder.
        tell: told what is being done.

    Returns:
        The version's folder.

    Raises:
        UserError: the run cannot be served, the version is there, or a check failed; nothing is
            published then.

    Example::

        build("runs/demo", Plan(), Path("served/stark"))
    """
    run = Run.load(path)
    require_servable(run)
    version = next_version(to) if plan.version is None else plan.version
    if not 0 <= version <= LARGEST_VERSION:
        raise UserError(f"--version {version}: must be 0 to {LARGEST_VERSION}")
    require_free(to, version)
    model = run.model(POLICIES[plan.precision])
    longest = _longest(run, model, plan)
    endpoints = Endpoints(run, model, longest)
    buckets = _buckets(run, plan, longest, endpoints)
    with appearing(to, version) as folder:
        tell(f"saving {run.model_name} in {plan.precision}")
        signatures = save(endpoints, str(folder))
        value = description.describe(endpoints, signatures, buckets, plan.precision)
        description.write_assets(endpoints, folder / "assets")
        if plan.warmup:
            value["warmup_records"] = write_warmup(
                folder, signatures, buckets, endpoints.input.example_frame()
            )
        if plan.verified:
            value["verification"] = _verify(endpoints, plan, folder, tell)
        write_json(folder / "assets" / description.DESCRIPTION, value)
        write_manifest(folder)
    return to / str(version)


def _longest(run: Run, model: "keras.Model", plan: Plan) -> int:
    """Frames of a clip; a model with a table of positions has a bound of its own."""
    most = getattr(model, "frames_range", (1, None))[1]
    most = None if most is None else most // REDUCTION * REDUCTION
    wanted = plan.longest or run.config.data.max_frames
    if most is not None and wanted > most:
        if plan.longest:
            raise UserError(f"--longest {wanted}: {run.model_name} takes up to {most} frames")
        return most
    return wanted


def _buckets(run: Run, plan: Plan, longest: int, endpoints: Endpoints) -> tuple[int, ...]:
    if plan.buckets is None:
        chosen = {it for it in DEFAULT_BUCKETS if it < longest} | {longest}
        if endpoints.sampling.segments is not None:
            chosen |= {min(endpoints.sampling.segments.count, longest)}
        return tuple(sorted(chosen))
    for bucket in plan.buckets:
        if bucket > longest or bucket % REDUCTION:
            raise UserError(
                f"--frames {bucket}: must be a multiple of {REDUCTION} up to {longest}, the "
                "longest clip (--longest, data.max_frames)"
            )
    return tuple(sorted(set(plan.buckets)))


def _verify(
    endpoints: Endpoints, plan: Plan, folder: Path, tell: Callable[[str], None]
) -> dict[str, Any]:
    from slr_keras.recognition.recogniser import Recogniser

    tell("comparing with Keras in a process of its own")
    content = endpoints.input
    recogniser = Recogniser(endpoints.run)
    clips = content.golden_clips(endpoints.longest)
    expected = verification.expected_scores(recogniser, clips)
    found = verification.reloaded(folder, clips, content.name)
    parity = plan.parity or verification.PARITY[plan.precision]
    result: dict[str, Any] = {
        "status": "verified",
        "golden_clips": {name: list(clip.shape) for name, clip in clips.items()},
        "limit": parity,
        "relative_error": verification.compare(found, expected, parity),
    }
    if plan.precision == "float32":
        verification.compare_glosses(found, expected, recogniser)
    dev = _dev(endpoints, plan)
    if dev is None:
        return {**result, "dev": None}
    tell(f"recognising {len(dev)} dev clips with both")
    metric = verification.task_metric(folder, recogniser, dev, content, endpoints.longest)
    limit = verification.WER_LIMITS[plan.precision] if plan.limit is None else plan.limit
    verification.require_metric(metric, plan.precision, limit)
    return {**result, "dev": {**metric, "limit": limit}}


def _dev(endpoints: Endpoints, plan: Plan) -> "Manifest | None":
    """The first clips of the dev split; None where its data is not there and none was named."""
    from slr_keras.training.data import read_split

    if not plan.clips:
        return None
    run = endpoints.run
    data = run.config.data
    if plan.data:
        data = dataclasses.replace(data, folder=plan.data)
    elif not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        return None
    dev = read_split(data, data.dev)
    endpoints.input.require_same(dev, f"the run {run.path}")
    return dev.subset(range(min(plan.clips, len(dev))))
