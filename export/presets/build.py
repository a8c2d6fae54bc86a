"""Write the preset of a run."""

import shutil
from collections.abc import Callable
from pathlib import Path

from export.lite.build import build as build_bundle
from export.lite.plan import BundlePlan
from export.presets.card import notice, preset_card
from export.presets.facts import PresetFacts
from export.presets.scores import score_rows
from slr_keras.bundle.bundle import METADATA
from slr_keras.hub import preset as layout
from slr_keras.models.presets import save_preset_model
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json, write_text
from slr_keras.utils.published_folder import published_folder, require_no_file


def build_preset(
    path: str | Path,
    facts: PresetFacts,
    plan: BundlePlan,
    to: Path,
    report: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write a preset: model, vocabulary, contract, TFLite bundle, recipe, card and NOTICE.

    Args:
        path: of the run.
        facts: about the preset.
        plan: of the bundle.
        to: folder of the preset; an existing preset is replaced.
        report: called with a message before each step.

    Returns:
        The folder.

    Raises:
        UserError: the run cannot be exported, the folder holds something else, or the recipe or a
            file of predictions is missing.
    """
    run = Run.load(path)
    require_no_file(to, "name a folder")
    if to.is_dir() and any(to.iterdir()) and not layout.is_preset(to):
        raise UserError(f"{to}: is no preset and not empty; name another folder")
    accuracy = run.output == "sign"
    scores = score_rows(facts.scores, accuracy)
    recipe = Path(facts.recipe)
    if not recipe.is_file():
        raise UserError(f"{recipe}: the recipe that the facts name is missing")
    with published_folder(to) as folder:
        report("model")
        save_preset_model(run.model(), folder)
        run.vocabulary.write(folder / layout.VOCABULARY)
        run.contract.write(folder / layout.CONTRACT)
        shutil.copyfile(recipe, folder / layout.RECIPE)
        bundle = folder / layout.BUNDLE
        build_bundle(path, plan, bundle, report)
        metadata = read_json(bundle / METADATA)
        # The path on this machine means nothing elsewhere.
        metadata["data"]["folder"] = Path(metadata["data"]["folder"]).name
        write_json(bundle / METADATA, metadata)
        glosses = run.vocabulary.glosses
        card = preset_card(facts, scores, accuracy, glosses, metadata)
        write_text(folder / layout.CARD, card)
        write_text(folder / layout.NOTICE, notice(facts))
        layout.describe(
            folder,
            {
                "name": facts.name,
                "title": facts.title,
                "language": facts.language,
                "output": run.output,
                "glosses": len(glosses),
                "streaming": bool(plan.streaming),
                "licence": facts.licence,
                "attribution": list(facts.attribution),
                "model": run.model_name,
            },
        )
    return to
