"""Loaders, which read one clip of a manifest as arrays."""
