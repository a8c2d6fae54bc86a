"""Composition of sentences from clips of isolated signs."""
