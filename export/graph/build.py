"""Export of a run as a version of a SavedModel: save, describe, verify and publish."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.common.comparison import useless_model
from export.common.splits import data_config, first_clips
from export.graph import description, verification
from export.graph.endpoints import Endpoints, require_servable, save
from export.graph.plan import VersionPlan
from export.graph.publication import (
    LARGEST_VERSION,
    next_version,
    published_version,
    require_free,
    write_manifest,
)
from export.graph.warmup import write_warmup
from slr_keras.bundle.exported_files import write_exported_files
from slr_keras.data.sampling import REDUCTION
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json

if TYPE_CHECKING:
    import keras

    from slr_keras.data.manifest import Manifest

DEFAULT_BUCKETS = (64, 128, 256)
#: Keras dtype policy by precision. Weights stay in float32 and are cast when used. Sums, norms and
#: masks need more mantissa or exponent bits than 16-bit floats have: the models compute these in
#: float32.
POLICIES = {"float32": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


def build(
    path: str | Path,
    plan: VersionPlan,
    to: Path,
    report: Callable[[str], None] = lambda text: None,
) -> Path:
    """Publish a run as a version of a model.

    Args:
        path: of the run.
        plan: what to export.
        to: folder of the model, which holds its versions.
        report: called with a message before each step.

    Returns:
        The folder of the version.

    Raises:
        UserError: the run cannot be served, the version exists, or a check failed. Nothing is
            published in these cases.

    Example::

        build("runs/demo", VersionPlan(), Path("served/stark"))
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
    with published_version(to, version) as folder:
        report(f"saving {run.model_name} in {plan.precision}")
        signatures = save(endpoints, str(folder))
        value = description.describe(endpoints, signatures, buckets, plan.precision)
        (folder / "assets").mkdir(exist_ok=True)
        write_exported_files(run, folder / "assets")
        if plan.warmup:
            value["warmup_records"] = write_warmup(
                folder, signatures, buckets, endpoints.input.example_frame()
            )
        if plan.verified:
            value["verification"] = _verify(endpoints, plan, folder, report)
        write_json(folder / "assets" / description.DESCRIPTION, value)
        write_manifest(folder)
    return to / str(version)


def _longest(run: Run, model: "keras.Model", plan: VersionPlan) -> int:
    """Frames of the longest clip; a table of positions in the model limits them."""
    limit = getattr(model, "frames_range", (1, None))[1]
    limit = None if limit is None else limit // REDUCTION * REDUCTION
    longest = plan.longest or run.config.data.max_frames
    if limit is not None and longest > limit:
        if plan.longest:
            raise UserError(f"--longest {longest}: {run.model_name} takes up to {limit} frames")
        return limit
    return longest


def _buckets(run: Run, plan: VersionPlan, longest: int, endpoints: Endpoints) -> tuple[int, ...]:
    if plan.buckets is None:
        chosen = {bucket for bucket in DEFAULT_BUCKETS if bucket < longest} | {longest}
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
    endpoints: Endpoints, plan: VersionPlan, folder: Path, report: Callable[[str], None]
) -> dict[str, Any]:
    from slr_keras.recognition.recogniser import Recogniser

    report("comparing with Keras in a separate process")
    content = endpoints.input
    recogniser = Recogniser(endpoints.run)
    clips = content.golden_clips(endpoints.longest)
    expected = verification.expected_scores(recogniser, clips)
    outputs = verification.reloaded(folder, clips, content.name)
    parity = plan.parity or verification.PARITY[plan.precision]
    result: dict[str, Any] = {
        "status": "verified",
        "golden_clips": {name: list(clip.shape) for name, clip in clips.items()},
        "limit": parity,
        "relative_error": verification.compare(outputs, expected, parity),
    }
    if plan.precision == "float32":
        verification.compare_glosses(outputs, expected, recogniser)
    dev = _dev(endpoints, plan)
    if dev is None:
        return {**result, "dev": None}
    report(f"recognising {len(dev)} dev clips with Keras and with the SavedModel")
    metric = verification.task_metric(folder, recogniser, dev, content, endpoints.longest)
    limit = verification.WER_LIMITS[plan.precision] if plan.limit is None else plan.limit
    if warning := useless_model(metric.get("keras_wer", 0.0)):
        report(warning)
    verification.require_metric(metric, plan.precision, limit)
    return {**result, "dev": {**metric, "limit": limit}}


def _dev(endpoints: Endpoints, plan: VersionPlan) -> "Manifest | None":
    """The first clips of the dev split; None if the recipe's data folder is missing."""
    from slr_keras.training.data import read_split

    if not plan.clips:
        return None
    run = endpoints.run
    data = data_config(run.config.data, plan.data)
    if not plan.data and not (Path(data.folder) / f"{data.dev}.jsonl").is_file():
        return None
    dev = read_split(data, data.dev)
    endpoints.input.require_same(dev, f"the run {run.path}")
    return first_clips(dev, plan.clips)
