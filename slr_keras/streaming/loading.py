"""A streaming recogniser from a trained run or a bundle."""

from typing import TYPE_CHECKING

from slr_keras.data.contract import KeypointContract
from slr_keras.models.registry import isolated
from slr_keras.streaming.engine import KerasEngine, TfliteEngine
from slr_keras.streaming.recogniser import StreamConfig, StreamingRecogniser
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.models.stark.model import Stark
    from slr_keras.training.run import Run

# Of runs that were trained on whole clips.
DEFAULT_POLICY = "prefix"


def require_streamable(run: "Run") -> None:
    """Refuse runs whose model has no streaming form.

    Raises:
        UserError: says why.
    """
    name = run.config.model.name
    if not isinstance(run.contract, KeypointContract):
        raise UserError(f"{run.path}: {name} sees video, and only STARK has a streaming form")
    if isolated(name):
        raise UserError(
            f"{run.path}: {name} names the one sign of a clip, and a stream has no clips; "
            "recognise clips with `python -m slr_keras.predict`"
        )


def policy_of(run: "Run", asked: str | None = None) -> str:
    """The spatial policy that is asked for, else the run's, else `DEFAULT_POLICY`."""
    own = run.config.model.options.get("spatial_policy", "offline")
    return asked or (own if own != "offline" else DEFAULT_POLICY)


def bundle_recogniser(
    bundle: "Bundle", engine: TfliteEngine, config: StreamConfig | None = None
) -> StreamingRecogniser:
    """The recogniser of a bundle's streaming form."""
    return StreamingRecogniser(
        engine,
        bundle.contract,
        bundle.vocabulary.decode,
        bundle.decoding,
        config,
        bundle.language_model(bundle.decoding),
    )


def engine_of(run: "Run", stark: "Stark") -> KerasEngine:
    """The engine of a run's model; the heads are those that the run decodes."""
    from slr_keras.streaming.model import StreamingStark

    return KerasEngine(StreamingStark(stark, run.decoding.heads))


def recogniser_of(
    run: "Run", engine: KerasEngine, config: StreamConfig | None = None
) -> StreamingRecogniser:
    """The recogniser of a run around an engine."""
    return StreamingRecogniser(
        engine,
        run.contract,
        run.vocabulary.decode,
        run.decoding,
        config,
        run.language_model(),
    )
