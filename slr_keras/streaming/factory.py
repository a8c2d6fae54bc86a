"""Streaming forms by name: what `ModelFamily.streaming` may name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.models.family import ModelFamily
    from slr_keras.streaming.step_model import StepModel

OFFLINE = "offline"
#: Spatial policies of STARK under which a stream does not need the complete clip.
POLICIES = ("prefix", "ema", "windowed")
#: What stands for the policy of a model that has no spatial attention.
NO_POLICY = "none"
#: What asks for the policy of the run, or for none if its model has none.
OWN_POLICY = "own"


@dataclass(frozen=True)
class StreamingForm:
    """How the models of a family stream.

    Attributes:
        step_model: from a model and the names of heads to its step model. Raises `UserError` if an
            option of the model needs the complete clip.
        policies: names of the spatial policies of which a stream has one; empty if models have
            none.
        default: the policy of models that were trained on complete clips.
        with_policy: from a model and a policy, or `OFFLINE`, to a model with the same weights.
    """

    step_model: Callable[["keras.Model", Sequence[str]], "StepModel"]
    policies: tuple[str, ...] = ()
    default: str = NO_POLICY
    with_policy: Callable[["keras.Model", str], "keras.Model"] | None = None

    def checked(self, policy: str, model_name: str) -> str:
        """The policy, if models of this form can stream under it.

        Raises:
            UserError: they cannot; names those that they can.

        >>> from slr_keras.streaming.factory import FORMS
        >>> FORMS["stark"].checked("ema", "stark_tiny")
        'ema'
        """
        if policy in (self.policies or (NO_POLICY,)):
            return policy
        if not self.policies:
            raise UserError(
                f"the policy {policy} chooses a spatial attention, and {model_name} has none; "
                "leave the policy out"
            )
        raise UserError(
            f"{model_name} streams with one policy of {', '.join(self.policies)}; got {policy}"
        )

    def clip_model(self, model: "keras.Model", policy: str) -> "keras.Model":
        """The model of complete clips under a policy, or `OFFLINE`."""
        return model if self.with_policy is None else self.with_policy(model, policy)


def form_of(family: "ModelFamily") -> StreamingForm | None:
    """The streaming form of a family; None if it has none."""
    named = family.streaming
    return FORMS[named] if isinstance(named, str) else named


def _stark(model: "keras.Model", heads: Sequence[str]) -> "StepModel":
    from slr_keras.streaming.model import StreamingStark

    return StreamingStark(model, heads)


def _stark_with_policy(model: "keras.Model", policy: str) -> "keras.Model":
    from slr_keras.streaming.model import with_policy

    return with_policy(model, policy)


def _sign_conv(model: "keras.Model", heads: Sequence[str]) -> "StepModel":
    from slr_keras.streaming.sign_conv import StreamingSignConv

    return StreamingSignConv(model, heads)


#: What `ModelFamily.streaming` may name.
FORMS: Mapping[str, StreamingForm] = {
    "stark": StreamingForm(_stark, POLICIES, POLICIES[0], _stark_with_policy),
    "sign_conv": StreamingForm(_sign_conv),
}
