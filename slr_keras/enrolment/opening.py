"""Open what a command is given as a model: a run, a bundle, or enrolled signs."""

import dataclasses
from typing import TYPE_CHECKING, cast

from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.enrolment.model import EnrolledModel, EnrolmentScorer
from slr_keras.enrolment.storage import is_enrolment
from slr_keras.recognition.trained_model import TrainedModel
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.recognition.recogniser import Recogniser


def open_model(
    path: str,
    precision: str | None = None,
    accept: float | None = None,
    encoder: str | None = None,
) -> TrainedModel:
    """Open a model.

    Args:
        path: of a run, of a bundle or of an enrolment file.
        precision: of a bundle.
        accept, encoder: of enrolled signs, see `EnrolledModel.load`.

    Raises:
        UserError: the model cannot be read, or an option does not go with it.
    """
    bundle, enrolled = is_bundle(path), is_enrolment(path)
    if precision and not bundle:
        raise UserError(
            f"--precision {precision}: {path} is no bundle; `slr tflite` makes one of a run"
        )
    for option, value in (("accept", accept), ("encoder", encoder)):
        if value is not None and not enrolled:
            raise UserError(
                f"--{option} {value}: goes with enrolled signs (.slr), and {path} is another model"
            )
    if enrolled:
        return EnrolledModel.load(path, encoder, accept)
    if bundle:
        return Bundle.load(path)
    from slr_keras.training.run import Run

    return Run.load(path)


def open_recogniser(
    trained: TrainedModel,
    head: str = ENSEMBLE,
    precision: str | None = None,
    beam: int | None = None,
) -> "Recogniser":
    """The recogniser of a model, a context manager.

    Args:
        trained: of `open_model`.
        head: whose scores are decoded.
        precision: of a bundle.
        beam: width of the decoder; None: that of the recipe.

    Raises:
        UserError: the model has no such head, or no beam.
    """
    from slr_keras.recognition.recogniser import Recogniser

    decoding = trained.decoding
    if beam is not None:
        if decoding.method == "single" or trained.output == "sign":
            raise UserError(
                f"--beam {beam}: {trained.path} recognises single signs, without a beam; omit "
                "--beam"
            )
        decoding = dataclasses.replace(decoding, method="beam", beam=beam)
    if isinstance(trained, EnrolledModel):
        if head != ENSEMBLE:
            raise UserError(f"--head {head}: enrolled signs have no heads; omit --head")
        return Recogniser(cast(TrainedModel, trained), scorer=EnrolmentScorer(trained))
    if isinstance(trained, Bundle):
        trained.require_head(head)
        return bundle_recogniser(trained, precision, decoding)
    if head != ENSEMBLE:
        decoding = dataclasses.replace(decoding, heads=(head,))
    return Recogniser(trained, decoding)
