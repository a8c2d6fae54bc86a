"""Loaders: one clip of a manifest as arrays."""
