"""Export of a run as a TFLite bundle: convert, verify, measure, describe and publish."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.common.clips import golden_clips, representative
from export.common.comparison import relative_error, useless_model
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
from export.lite.plan import BundlePlan
from export.lite.profile import profile
from export.lite.splits import Splits
from export.lite.streaming import write_streaming
from export.lite.verification import Reference, keras_reference, require_within, verify
from slr_keras.bundle.bundle import METADATA, MODEL_CARD, Bundle, is_bundle
from slr_keras.bundle.exported_files import write_exported_files
from slr_keras.bundle.interpreter import ELSEWHERE, SHIPPED, has_runtime, runtime_version
from slr_keras.bundle.scorer import SCORES, padded_inputs
from slr_keras.streaming.loading import policy_of, step_model_of
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json, write_text
from slr_keras.utils.published_folder import published_folder, require_no_file

THREADS = (1, 2)
PROFILED_FRAMES = 128


def build(
    path: str | Path,
    plan: BundlePlan,
    to: Path,
    report: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the bundle of a run.

    Args:
        path: of the run.
        plan: what to export.
        to: folder of the bundle; an existing bundle is replaced.
        report: called with a message before each step.

    Returns:
        The folder.

    Raises:
        UserError: the model cannot be exported as a bundle, data is missing, a check failed, or
            `to` holds other files. Nothing is written in these cases.
    """
    run = Run.load(path)
    require_exportable(run)
    policy = None if plan.streaming is None else policy_of(run, plan.streaming)
    if not has_runtime(SHIPPED):
        raise UserError("files are checked in ai-edge-litert: pip install ai-edge-litert")
    for runtime in filter(has_runtime, ELSEWHERE):
        runtime_version(runtime)
    require_no_file(to, "name a folder with --to")
    if to.is_dir() and any(to.iterdir()) and not is_bundle(to):
        raise UserError(
            f"{to}: the folder holds other files and no bundle; name another folder with --to"
        )
    splits = Splits.read(run, plan)
    with published_folder(to) as folder:
        folder.mkdir()
        _Builder(run, plan, policy, splits, folder, report).build()
    return to


class _Builder:
    """The steps of one export, in a working folder."""

    def __init__(
        self,
        run: Run,
        plan: BundlePlan,
        policy: str | None,
        splits: Splits,
        folder: Path,
        report: Callable[[str], None],
    ):
        self.run, self.plan, self.splits = run, plan, splits
        self.folder, self.report = folder, report
        self.model = run.model()
        self.heads = chosen_heads(run, self.model, plan.head)
        # An option that a stream does not allow is found before anything is converted.
        self.policy = policy
        self.step_model = None if policy is None else step_model_of(run, policy, self.heads)
        self.float_scopes = (PREPARATION_SCOPE, *run.family.float_scopes)
        self.golden = golden_clips(run.contract, plan.buckets)
        self.files: dict[str, dict[int, dict[str, Any]]] = {}

    def build(self) -> None:
        """Write all files of the bundle into the working folder."""
        reference = self._reference()
        write_exported_files(self.run, self.folder)
        outputs = self._convert()
        value = metadata.describe(
            self.run, self.plan, self.heads, self.files, self.splits.folder, self.model.stride
        )
        if self.step_model is not None:
            value["streaming"] = self._stream()
        self._write(value)
        bundle = Bundle.load(self.folder)
        write_golden(bundle, self.golden, outputs)
        if reference is not None:
            value["verification"] = self._verify(bundle, reference)
        if self.plan.repeats:
            value["latency"] = self._measure()
        self._write(value)
        write_text(self.folder / MODEL_CARD, model_card(value))

    def _reference(self) -> Reference | None:
        if self.splits.dev is None:
            return None
        self.report(f"recognising {len(self.splits.dev)} clips with Keras")
        return keras_reference(self.run, self.heads, self.splits.dev)

    def _convert(self) -> dict[str, dict[str, np.ndarray]]:
        """Convert and check all files; returns golden scores by precision and clip."""
        plan, outputs = self.plan, {precision: {} for precision in self.plan.precisions}
        for bucket in plan.buckets:
            function = network(self.model, self.run.contract, self.heads, bucket)
            clips = {
                name: clip
                for name, clip in self.golden.items()
                if _bucket_of(len(clip), plan.buckets) == bucket
            }
            for precision in plan.precisions:
                self.report(f"converting to {precision}, {bucket} frames")
                examples = None
                if precision == INT8:
                    examples = representative(self.splits.train, bucket, plan.calibration_clips)
                file = convert(function, precision, examples, self.float_scopes, FLOAT_OPERATIONS)
                path = self.folder / f"model_{precision}_{bucket}.tflite"
                require_builtin(file, path.name)
                path.write_bytes(file)
                scores = self._run(path, clips, bucket)
                self._compare(scores, function, clips, bucket, precision)
                outputs[precision] |= {name: scores[SHIPPED][name] for name in clips}
                entry = metadata.describe_file(path, file, tuple(scores))
                self.files.setdefault(precision, {})[bucket] = entry
        return outputs

    def _stream(self) -> dict[str, Any]:
        plan = self.plan
        return write_streaming(
            self.step_model,
            self.run.contract,
            self.policy,
            plan.precisions,
            self.golden["full"][: plan.buckets[0]],
            self.folder,
            plan.parity_limit if plan.verified else None,
            self.report,
        )

    def _run(
        self, path: Path, clips: Mapping[str, np.ndarray], bucket: int
    ) -> dict[str, dict[str, np.ndarray]]:
        """Scores by runtime and clip; a bucket without golden clips runs on a part of one."""
        chosen = clips or {"": self.golden["full"][:bucket]}
        cases = {name: padded_inputs(clip, bucket) for name, clip in chosen.items()}
        return {
            runtime: {name: outputs[SCORES] for name, outputs in by_clip.items()}
            for runtime, by_clip in run_cases(path, cases).items()
        }

    def _compare(self, by_runtime, function, clips, bucket: int, precision: str) -> None:
        """Refuse an fp32 file whose scores of a golden clip differ from those of Keras."""
        import tensorflow as tf

        if precision != FLOAT32 or not self.plan.verified:
            return
        for name, clip in clips.items():
            inputs = {key: tf.constant(value) for key, value in padded_inputs(clip, bucket).items()}
            expected = function(**inputs)[SCORES].numpy()
            for runtime, scores in by_runtime.items():
                error = relative_error(scores[name], expected)
                if error > self.plan.parity_limit:
                    raise UserError(
                        f"{precision}, {bucket} frames, in {runtime}: the scores of the golden "
                        f"clip {name!r} differ from Keras by {error:.2g} of the largest, limit "
                        f"{self.plan.parity_limit:g} (--parity); nothing was written"
                    )

    def _verify(self, bundle: Bundle, reference: Reference) -> dict[str, Any]:
        results = {}
        if warning := useless_model(reference.total.wer):
            self.report(warning)
        for precision in self.plan.precisions:
            results[precision] = result = verify(bundle, reference, precision)
            self.report(
                f"{precision}: dev WER {result['wer']:.2f} % ({result['change']:+.2f} points)"
            )
            require_within(
                result,
                precision,
                reference.total.references,
                self.plan.wer_limits,
                self.plan.parity_limit,
            )
        return metadata.describe_verification(self.plan, reference, results)

    def _measure(self) -> dict[str, Any]:
        rows = []
        with Peak() as peak:
            for bucket in self.plan.buckets:
                inputs = padded_inputs(self.golden["full"][:bucket], bucket)
                for precision in self.plan.precisions:
                    path = self.folder / self.files[precision][bucket]["file"]
                    self.report(f"timing {precision}, {bucket} frames")
                    for threads in THREADS:
                        row = measure(path, precision, inputs, threads, peak, self.plan.repeats)
                        rows.append({"precision": precision, "frames": bucket, **row})
        return metadata.describe_latency(rows, self._profile())

    def _profile(self) -> dict[str, Any]:
        """Profile of one file by operation: fp32 if possible, about `PROFILED_FRAMES` long."""
        plan = self.plan
        precision = FLOAT32 if FLOAT32 in plan.precisions else plan.precisions[0]
        bucket = min(plan.buckets, key=lambda frames: abs(frames - PROFILED_FRAMES))
        self.report(f"profiling {precision}, {bucket} frames")
        path = self.folder / self.files[precision][bucket]["file"]
        return {
            "file": path.name,
            **profile(path, padded_inputs(self.golden["full"][:bucket], bucket)),
        }

    def _write(self, value: Mapping[str, Any]) -> None:
        write_json(self.folder / METADATA, value)


def _bucket_of(frames: int, buckets: tuple[int, ...]) -> int:
    return next(bucket for bucket in buckets if bucket >= frames)
