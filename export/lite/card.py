"""MODEL_CARD.md: what a bundle is for, how well and how fast it does it, and what it cannot."""

from collections.abc import Mapping
from typing import Any

from export.lite import profile
from export.lite.latency import table


def model_card(metadata: Mapping[str, Any]) -> str:
    """The card, from `metadata.json` alone.

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
        "`keypoints.json` the points, `labels.txt` the classes, `golden.json` what must come out.",
        "",
        "## How well",
        "",
        *_verification(metadata["verification"], single),
        "",
        "## Files",
        "",
        *_files(metadata),
        "",
        "## How fast",
        "",
        *_latency(metadata["latency"]),
        "",
        "## Limits",
        "",
        "* It knows the signs that it was trained on, and takes anything else for one of them.",
        "* It was trained on the points of one detector; another one's differ. Expect more errors "
        "on signers, cameras and dialects that training did not show.",
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


def _verification(found: Mapping[str, Any], single: bool) -> list[str]:
    if found["status"] != "verified":
        return ["**Unverified**: exported with `--no-verify`; nothing was compared with Keras."]
    metric = "error rate" if single else "WER"
    lines = [
        f"`{found['manifest']}`, {found['clips']} clips, {found['words']} glosses; Keras: "
        f"{found['keras_wer']:.2f} % {metric}. One gloss is {100 / found['words']:.2f} points.",
        "",
        f"| precision | {metric} % | change, points | limit | relative error of scores | "
        "equal best class, steps |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    limits = found["limits"]["wer_points"]
    for name, of in found["precisions"].items():
        lines.append(
            f"| {name} | {of['wer']:.2f} | {of['change']:+.2f} | {limits[name]:g} | "
            f"{of['relative_error']:.2g} | {100 * of['argmax_agreement']:.2f} % |"
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


def _latency(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return ["Not measured."]
    machine = found["machine"]
    return [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, load "
        f'{machine["load"]} when it was measured. "of peak" is the share of what the same '
        "runtime reaches on matrix products alone, measured just before and after; memory is "
        "beyond the runtime's own.",
        "",
        table(found["rows"]),
        "",
        *_profile(found["profile"]),
    ]


def _profile(found: Mapping[str, Any]) -> list[str]:
    return [
        f"Where the time of `{found['file']}` goes on one thread: each operation cut out and timed "
        f"alone, {found['sum_ms']:.1f} ms in all; the whole takes {found['whole_ms']:.1f} ms.",
        "",
        profile.table(found),
    ]


def _windows(metadata: Mapping[str, Any], single: bool) -> list[str]:
    longest = metadata["buckets"][-1]
    if single:
        return [f"* Clips of more than {longest} frames give {longest} evenly spaced ones."]
    return [
        f"* Clips of more than {longest} frames are read in overlapping windows, each with means "
        "of its own."
    ]
