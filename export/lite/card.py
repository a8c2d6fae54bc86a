"""MODEL_CARD.md of a bundle: purpose, accuracy, latency and limits."""

from collections.abc import Mapping
from typing import Any

from export.lite import profile
from export.lite.latency import table


def model_card(metadata: Mapping[str, Any]) -> str:
    """The text of the card.

    Args:
        metadata: see `export.lite.metadata`.
    """
    run, vocabulary = metadata["run"], metadata["vocabulary"]
    single = metadata["task"] == "sign"
    lines = [
        f"# {run['name']}: {run['model']} as TFLite",
        "",
        f"Recognises {'single signs' if single else 'signed sentences as glosses'} from keypoints "
        f"at {metadata['fps']:g} frames a second, {vocabulary['labels']} classes. Feed raw "
        "landmarks, decode log-probabilities; `metadata.json` names the inputs and outputs, "
        "`keypoints.json` the points, `labels.txt` the classes, `golden.json` expected results.",
        "",
        "## Accuracy",
        "",
        *_verification(metadata["verification"], single),
        "",
        "## Files",
        "",
        *_files(metadata),
        "",
        "## Latency",
        "",
        *_latency(metadata["latency"]),
        "",
        "## Limits",
        "",
        "* The model knows only the signs of its training data and reads every other sign as one "
        "of these.",
        "* The model was trained on the points of one detector; those of another detector differ. "
        "Expect more errors for signers, cameras and dialects that the training data lacks.",
        "* A gloss sequence is not a sentence of a spoken language.",
        *_windows(metadata, single),
        "",
        "## Origin",
        "",
        f"* slr_keras {metadata['slr_keras']}, "
        + ", ".join(f"{name} {version}" for name, version in metadata["packages"].items()),
        f"* ran in {', '.join(metadata['runtimes'].values())}",
        f"* weights SHA-256 `{run['weights']}`, heads {', '.join(metadata['heads'])}",
    ]
    return "\n".join(lines) + "\n"


def _verification(verification: Mapping[str, Any], single: bool) -> list[str]:
    if verification["status"] != "verified":
        return ["**Unverified**: exported with `--no-verify`; nothing was compared with Keras."]
    metric = "error rate" if single else "WER"
    lines = [
        f"`{verification['manifest']}`, {verification['clips']} clips, {verification['words']} "
        f"glosses; Keras: {verification['keras_wer']:.2f} % {metric}. One gloss is "
        f"{100 / verification['words']:.2f} points.",
        "",
        f"| precision | {metric} % | change, points | limit | relative error of scores | "
        "equal best class, steps |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    limits = verification["limits"]["wer_points"]
    for name, row in verification["precisions"].items():
        lines.append(
            f"| {name} | {row['wer']:.2f} | {row['change']:+.2f} | {limits[name]:g} | "
            f"{row['relative_error']:.2g} | {_percent(row['argmax_agreement'])} |"
        )
    return lines


def _files(metadata: Mapping[str, Any]) -> list[str]:
    lines = ["| file | frames | bytes | SHA-256 |", "| --- | ---: | ---: | --- |"]
    for precision in metadata["precisions"].values():
        for bucket, entry in precision["files"].items():
            lines.append(
                f"| {entry['file']} | {bucket} | {entry['bytes']:,} | `{entry['sha256'][:16]}` |"
            )
    return lines


def _latency(latency: Mapping[str, Any] | None) -> list[str]:
    if latency is None:
        return ["Not measured."]
    machine = latency["machine"]
    return [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, load "
        f'{machine["load"]} during the measurement. "of peak" is the fraction of the throughput '
        "that the same runtime reaches on matrix products alone, measured just before and after; "
        "memory excludes the memory of the runtime.",
        "",
        table(latency["rows"]),
        "",
        *_profile(latency["profile"]),
    ]


def _profile(profiled: Mapping[str, Any]) -> list[str]:
    return [
        f"Profile of `{profiled['file']}` on one thread: each operation timed alone, "
        f"{profiled['sum_ms']:.1f} ms in total; the complete file takes "
        f"{profiled['whole_ms']:.1f} ms.",
        "",
        profile.table(profiled),
    ]


def _windows(metadata: Mapping[str, Any], single: bool) -> list[str]:
    longest = metadata["buckets"][-1]
    if single:
        return [f"* Of clips of more than {longest} frames, {longest} evenly spaced ones are read."]
    return [
        f"* Clips of more than {longest} frames are read in overlapping windows, each with its own "
        "means over time."
    ]


def _percent(fraction: float | None) -> str:
    return "not compared" if fraction is None else f"{100 * fraction:.2f} %"
