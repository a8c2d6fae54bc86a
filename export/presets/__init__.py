"""Presets of trained runs: weights, bundle, card and licence in one folder."""
