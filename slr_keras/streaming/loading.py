"""Construction of a streaming recogniser from a run or a bundle."""

from typing import TYPE_CHECKING

from slr_keras.recognition.trained_model import TrainedModel
from slr_keras.streaming.engine import KerasEngine, TfliteEngine
from slr_keras.streaming.recogniser import StreamConfig, StreamingRecogniser
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.models.stark.model import Stark
    from slr_keras.training.run import Run

# Spatial policy for runs that were trained on complete clips.
DEFAULT_POLICY = "prefix"


def require_streamable(run: "Run") -> None:
    """Refuse runs whose model has no streaming form.

    Raises:
        UserError: the model has none; gives the reason.
    """
    if run.family.streaming:
        return
    if run.output == "sign":
        raise UserError(
            f"{run.path}: {run.model_name} recognises one sign for each clip, and a stream has no "
            "clips; recognise clips with `python -m slr_keras.predict`"
        )
    raise UserError(
        f"{run.path}: {run.model_name} has no streaming form; STARK for sentences has one"
    )


def policy_of(run: "Run", asked: str | None = None) -> str:
    """The spatial policy `asked`, else that of the run, else `DEFAULT_POLICY`."""
    own = run.config.model.options.get("spatial_policy", "offline")
    return asked or (own if own != "offline" else DEFAULT_POLICY)


def engine_of(run: "Run", stark: "Stark") -> KerasEngine:
    """The engine of a run's model, with the heads that the run decodes."""
    from slr_keras.streaming.model import StreamingStark

    return KerasEngine(StreamingStark(stark, run.decoding.heads))


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
