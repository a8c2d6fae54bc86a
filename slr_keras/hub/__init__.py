"""Presets: models with weights, in the package, on this machine, or on a hub."""
