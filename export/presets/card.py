"""The card and the NOTICE file of a preset."""

from collections.abc import Mapping, Sequence
from typing import Any

from export.presets.facts import PresetFacts
from export.presets.scores import CardScore


def preset_card(
    facts: PresetFacts,
    scores: Sequence[CardScore],
    accuracy: bool,
    glosses: Sequence[str],
    bundle: Mapping[str, Any],
) -> str:
    """Markdown of the card.

    Args:
        facts: of the preset.
        scores: lines of the table.
        accuracy: whether the scores are accuracies of single signs; otherwise word error rates.
        glosses: that the model knows.
        bundle: `metadata.json` of the bundle.
    """
    unit = "accuracy %" if accuracy else "WER %"
    table = [
        f"| system | clips | number | {unit} | 95 % interval |",
        "|---|---|---:|---:|---|",
        *(
            f"| {s.system} | {s.clips} | {s.count} | {s.value:.2f} | {s.low:.2f} to {s.high:.2f} |"
            for s in scores
        ),
    ]
    precisions = bundle["precisions"]
    sizes = ", ".join(
        f"{name} {sum(f['bytes'] for f in precisions[name]['files'].values()):,} bytes"
        for name in precisions
    )
    return "\n".join(
        [
            f"# {facts.name}",
            "",
            f"{facts.title}.",
            "",
            f"{facts.use}",
            "",
            f"* Sign language: {facts.language}",
            f"* Licence of the weights: {facts.licence}",
            f"* Model: `{bundle['run']['model']}`, keypoints at {bundle['fps']:g} frames a second",
            f"* TFLite files: {sizes}",
            f"* Glosses ({len(glosses)}): {', '.join(f'`{gloss}`' for gloss in glosses)}",
            "",
            "## Scores",
            "",
            "The model was not trained on these clips. Intervals are over clips, by bootstrap.",
            "",
            *table,
            "",
            *(f"{note}\n" for note in facts.notes),
            "## Training data",
            "",
            *(f"* {line}" for line in facts.data),
            "",
            "## Not tested on",
            "",
            *(f"* {line}" for line in facts.untested),
            "",
            "## Must not be used for",
            "",
            *(f"* {line}" for line in facts.not_for),
            "",
            "## Make it again",
            "",
            "`recipe.yaml` is the recipe; its header has the commands. On one machine they give "
            "equal weights, bit for bit.",
            "",
        ]
    )


def notice(facts: PresetFacts) -> str:
    """The NOTICE file: licence of the weights, and attribution of the data."""
    lines = [f"Weights of the preset {facts.name}: {facts.licence}.", "", "Trained on:"]
    return "\n".join([*lines, *(f"  {line}" for line in facts.attribution), ""])
