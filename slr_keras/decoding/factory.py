"""Decoders by name: what `ModelFamily.decoder` may name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.context_outputs import ContextCtcDecoder, TransducerDecoder
from slr_keras.decoding.outputs import CtcDecoder, Decoder, SignDecoder

if TYPE_CHECKING:
    import keras

#: From a model, how to decode, and the loss that it was trained with, to its decoder.
DecoderBuilder = Callable[["keras.Model", DecodingConfig, str], Decoder]


def _ctc(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    heads = decoding.heads or getattr(model, "reported_heads", ())
    return CtcDecoder(heads, getattr(model, "auxiliary_heads", ()))


def _sign(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    return SignDecoder(decoding.heads or model.reported_heads, decoding)


def _context(model: "keras.Model", decoding: DecodingConfig, loss: str) -> Decoder:
    if loss == "ctc":
        return _ctc(model, decoding, loss)
    kind = ContextCtcDecoder if loss == "ctc_context" else TransducerDecoder
    return kind(model, decoding.heads)


#: What `ModelFamily.decoder` may name. "context" decodes each gloss given those before it, unless
#: the model was trained with plain CTC.
DECODERS: Mapping[str, DecoderBuilder] = {"ctc": _ctc, "sign": _sign, "context": _context}
