"""Sign encoder: clips of one sign as vectors, by whitening."""

from slr_keras.models.sign_encoder.model import SignEncoderModel
from slr_keras.models.sign_encoder.whitening import Whitening, fit_whitening

__all__ = ["SignEncoderModel", "Whitening", "fit_whitening"]
