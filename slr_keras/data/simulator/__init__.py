"""The signing simulator: parametric signs, simulated people, a camera and an imperfect detector."""

from slr_keras.data.simulator.generate import simulate_folder
from slr_keras.data.simulator.lexicon import LEXICONS, Lexicon, lexicon
from slr_keras.data.simulator.simulator import Clip, Simulator

__all__ = ["LEXICONS", "Clip", "Lexicon", "Simulator", "lexicon", "simulate_folder"]
