"""Construction of a streaming recogniser from a run or a bundle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slr_keras.recognition.trained_model import TrainedModel
from slr_keras.streaming.engine import KerasEngine, TfliteEngine
from slr_keras.streaming.factory import OFFLINE, OWN_POLICY, StreamingForm, form_of
from slr_keras.streaming.recogniser import StreamConfig, StreamingRecogniser
from slr_keras.streaming.step_model import StepModel
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.training.run import Run


def require_streamable(run: "Run") -> StreamingForm:
    """The streaming form of a run's model.

    Raises:
        UserError: the model has none; gives the reason.
    """
    form = form_of(run.family)
    if form is not None:
        return form
    if run.output == "sign":
        raise UserError(
            f"{run.path}: {run.model_name} recognises one sign for each clip, and a stream has no "
            "clips; recognise clips with `slr predict`"
        )
    raise UserError(
        f"{run.path}: {run.model_name} has no streaming form; STARK and SignConv for sentences "
        "have one"
    )


def policy_of(run: "Run", asked: str | None = None) -> str:
    """The spatial policy `asked`, else that of the run, else the default of its streaming form.

    Raises:
        UserError: the run's model cannot stream under the policy that was asked for.
    """
    form = require_streamable(run)
    if asked is not None and asked != OWN_POLICY:
        return form.checked(asked, run.model_name)
    own = run.config.model.options.get("spatial_policy", OFFLINE)
    return own if own != OFFLINE else form.default


def step_model_of(run: "Run", policy: str, heads: Sequence[str] | None = None) -> StepModel:
    """The step model of a run under a policy.

    Args:
        run: with the weights.
        policy: of `policy_of`.
        heads: heads whose mean probability is computed; by default those that the run decodes.

    Raises:
        UserError: an option of the model needs the complete clip.
    """
    form = require_streamable(run)
    model = form.clip_model(run.model(), policy)
    try:
        return form.step_model(model, run.decoding.heads if heads is None else heads)
    except UserError as error:
        raise UserError(f"{run.path}: {run.model_name} has no streaming form: {error}") from error


def streaming_recogniser(
    trained: TrainedModel, engine: KerasEngine | TfliteEngine, config: StreamConfig | None = None
) -> StreamingRecogniser:
    """The streaming recogniser of a run or a bundle.

    Args:
        trained: the run or bundle.
        engine: computes the scores of its model.
        config: of the stream.
    """
    return StreamingRecogniser(
        engine,
        trained.contract,
        trained.vocabulary.decode,
        trained.decoding,
        config,
        trained.language_model(trained.decoding),
    )
