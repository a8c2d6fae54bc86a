"""Make a bundle: convert, check, compare, measure, describe; then show it under its name."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.common.clips import golden_clips, inputs_of, representative
from export.common.comparison import relative_error
from export.lite import metadata
from export.lite.card import model_card
from export.lite.checks import require_builtin, run_cases
from export.lite.conversion import FLOAT32, INT8, convert
from export.lite.golden import write_golden
from export.lite.latency import Peak, measure
from export.lite.network import (
    FLOAT_OPERATIONS,
    PREPARATION_SCOPE,
    chosen_heads,
    network,
    require_exportable,
)
from export.lite.plan import Plan
from export.lite.profile import profile
from export.lite.streaming import write_streaming
from export.lite.verification import (
    Reference,
    keras_reference,
    require_within,
    verify,
)
from slr_keras.bundle import bundle as parts
from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.interpreter import ELSEWHERE, SHIPPED, has_runtime, runtime_version
from slr_keras.bundle.scorer import SCORES
from slr_keras.streaming.loading import require_streamable
from slr_keras.training.data import read_split
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import follow_umask, write_json, write_text

THREADS = (1, 2)
PROFILED_FRAMES = 128


def build(
    path: str | Path, plan: Plan, to: Path, tell: Callable[[str], None] = lambda text: None
) -> Path:
    """Write the bundle of a run.

    Args:
        path: of the run.
        plan: what to export.
        to: the bundle's folder; a bundle that is there is replaced, anything else refused.
        tell: told what is being done.

    Returns:
        The folder.

    Raises:
        UserError: the run's model does not fit into a bundle, its data is not there, or a check
            failed; nothing is written then.
    """
    run = Run.load(path)
    require_exportable(run)
    if plan.streaming:
        require_streamable(run)
    if not has_runtime(SHIPPED):
        raise UserError("files are checked in ai-edge-litert: pip install ai-edge-litert")
    for runtime in filter(has_runtime, ELSEWHERE):
        runtime_version(runtime)
    _require_free(to)
    splits = _Splits(run, plan)
    with _appearing(to) as folder:
        _Builder(run, plan, splits, folder, tell).build()
    return to


class _Splits:
    """The data that a plan needs, found before anything is converted."""

    def __init__(self, run: Run, plan: Plan):
        import dataclasses

        data = run.config.data
        if plan.data:
            data = dataclasses.replace(data, folder=plan.data)
        self.dev = self.train = None
        try:
            if plan.verified:
                self.dev = read_split(data, data.dev)
            if INT8 in plan.precisions:
                self.train = read_split(data, data.train)
        except UserError as error:
            raise UserError(
                f"{error} (--data names another folder; --no-verify needs no dev split)"
            ) from None
        if self.dev is not None and plan.clips:
            self.dev = self.dev.subset(range(min(plan.clips, len(self.dev))))
        self.folder = data.folder


class _Builder:
    """One export, step by step, in a folder that nobody sees yet."""

    def __init__(
        self, run: Run, plan: Plan, splits: _Splits, folder: Path, tell: Callable[[str], None]
    ):
        self.run, self.plan, self.splits = run, plan, splits
        self.folder, self.tell = folder, tell
        self.model = run.model()
        self.heads = chosen_heads(run, self.model, plan.head)
        self.float_scopes = (PREPARATION_SCOPE, *run.family.float_scopes)
        self.golden = golden_clips(run.contract, plan.buckets)
        self.files: dict[str, dict[int, dict[str, Any]]] = {}

    def build(self) -> None:
        """Everything; what it leaves in the folder is the bundle."""
        reference = self._reference()
        self._describe_contract()
        outputs = self._convert()
        value = metadata.describe(
            self.run, self.plan, self.heads, self.files, self.splits.folder, self.model.stride
        )
        if self.plan.streaming:
            value["streaming"] = self._stream(self.plan.streaming)
        self._write(value)
        bundle = Bundle.load(self.folder)
        write_golden(bundle, self.golden, outputs)
        if reference is not None:
            value["verification"] = self._verify(bundle, reference)
        if self.plan.repeats:
            value["latency"] = self._measure()
        self._write(value)
        write_text(self.folder / parts.MODEL_CARD, model_card(value))

    def _reference(self) -> Reference | None:
        if self.splits.dev is None:
            return None
        self.tell(f"recognising {len(self.splits.dev)} clips with Keras")
        return keras_reference(self.run, self.heads, self.splits.dev)

    def _describe_contract(self) -> None:
        run = self.run
        run.contract.write(self.folder / parts.CONTRACT)
        labels = parts.labels(run.vocabulary, run.output)
        write_text(self.folder / parts.LABELS, "\n".join(labels) + "\n")
        if (language_model := run.language_model()) is not None:
            language_model.save(self.folder / parts.LANGUAGE_MODEL)

    def _convert(self) -> dict[str, dict[str, np.ndarray]]:
        """All files; gives the scores of the golden clips by precision and clip."""
        plan, outputs = self.plan, {precision: {} for precision in self.plan.precisions}
        for bucket in plan.buckets:
            function = network(self.model, self.run.contract, self.heads, bucket)
            clips = {
                name: clip
                for name, clip in self.golden.items()
                if _bucket_of(len(clip), plan.buckets) == bucket
            }
            for precision in plan.precisions:
                self.tell(f"converting to {precision}, {bucket} frames")
                examples = None
                if precision == INT8:
                    examples = representative(self.splits.train, bucket, plan.calibration_clips)
                file = convert(function, precision, examples, self.float_scopes, FLOAT_OPERATIONS)
                path = self.folder / f"model_{precision}_{bucket}.tflite"
                require_builtin(file, path.name)
                path.write_bytes(file)
                found = self._run(path, clips, bucket)
                self._compare(found, function, clips, bucket, precision)
                outputs[precision] |= {name: found[SHIPPED][name] for name in clips}
                entry = metadata.describe_file(path, file, tuple(found))
                self.files.setdefault(precision, {})[bucket] = entry
        return outputs

    def _stream(self, policy: str) -> dict[str, Any]:
        plan = self.plan
        parity = plan.parity_limit if plan.verified else None
        clip = self.golden["full"][: plan.buckets[0]]
        return write_streaming(
            self.run,
            self.model,
            self.heads,
            policy,
            plan.precisions,
            clip,
            self.folder,
            parity,
            self.tell,
        )

    def _run(
        self, path: Path, clips: Mapping[str, np.ndarray], bucket: int
    ) -> dict[str, dict[str, np.ndarray]]:
        """Scores by runtime and clip; a bucket without golden clips still has to run."""
        some = clips or {"": self.golden["full"][:bucket]}
        cases = {name: inputs_of(clip, bucket) for name, clip in some.items()}
        return {
            runtime: {name: outputs[SCORES] for name, outputs in of.items()}
            for runtime, of in run_cases(path, cases).items()
        }

    def _compare(self, found, function, clips, bucket: int, precision: str) -> None:
        """Refuse an fp32 file that gives other scores than Keras for a golden clip."""
        import tensorflow as tf

        if precision != FLOAT32 or not self.plan.verified:
            return
        for name, clip in clips.items():
            inputs = {key: tf.constant(value) for key, value in inputs_of(clip, bucket).items()}
            expected = function(**inputs)[SCORES].numpy()
            for runtime, scores in found.items():
                error = relative_error(scores[name], expected)
                if error > self.plan.parity_limit:
                    raise UserError(
                        f"{precision}, {bucket} frames, in {runtime}: the scores of the golden "
                        f"clip {name!r} differ from Keras by {error:.2g} of the largest, limit "
                        f"{self.plan.parity_limit:g} (--parity); nothing was written"
                    )

    def _verify(self, bundle: Bundle, reference: Reference) -> dict[str, Any]:
        found = {}
        for precision in self.plan.precisions:
            found[precision] = verify(bundle, reference, precision)
            of = found[precision]
            self.tell(f"{precision}: dev WER {of['wer']:.2f} % ({of['change']:+.2f} points)")
            require_within(
                of,
                precision,
                reference.total.references,
                self.plan.wer_limits,
                self.plan.parity_limit,
            )
        return metadata.describe_verification(self.plan, reference, found)

    def _measure(self) -> dict[str, Any]:
        rows = []
        with Peak() as peak:
            for bucket in self.plan.buckets:
                inputs = inputs_of(self.golden["full"][:bucket], bucket)
                for precision in self.plan.precisions:
                    path = self.folder / self.files[precision][bucket]["file"]
                    self.tell(f"timing {precision}, {bucket} frames")
                    for threads in THREADS:
                        row = measure(path, precision, inputs, threads, peak, self.plan.repeats)
                        rows.append({"precision": precision, "frames": bucket, **row})
        return metadata.describe_latency(rows, self._profile())

    def _profile(self) -> dict[str, Any]:
        """Of one file, by operation: fp32 where there is one, of about the usual length."""
        plan = self.plan
        precision = FLOAT32 if FLOAT32 in plan.precisions else plan.precisions[0]
        bucket = min(plan.buckets, key=lambda frames: abs(frames - PROFILED_FRAMES))
        self.tell(f"profiling {precision}, {bucket} frames")
        path = self.folder / self.files[precision][bucket]["file"]
        found = profile(path, inputs_of(self.golden["full"][:bucket], bucket))
        return {"file": path.name, **found}

    def _write(self, value: Mapping[str, Any]) -> None:
        write_json(self.folder / parts.METADATA, value)


def _bucket_of(frames: int, buckets: tuple[int, ...]) -> int:
    return next(bucket for bucket in buckets if bucket >= frames)


def _require_free(to: Path) -> None:
    if to.is_dir() and any(to.iterdir()) and not is_bundle(to):
        raise UserError(f"{to}: the folder holds other files and no bundle; name another with --to")
    if to.exists() and not to.is_dir():
        raise UserError(f"{to}: is a file; name a folder with --to")


@contextlib.contextmanager
def _appearing(to: Path) -> Iterator[Path]:
    """A folder that takes the name `to` when the block ends well, and else is gone."""
    to.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}-"))
    try:
        yield work
        follow_umask(work)
        if to.is_dir():
            old = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}-old-"))
            os.replace(to, old)
            os.replace(work, to)
            shutil.rmtree(old)
        else:
            os.replace(work, to)
    finally:
        if work.exists():
            shutil.rmtree(work)
