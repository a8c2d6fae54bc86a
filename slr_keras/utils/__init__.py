"""Helpers that every package uses: errors, files, arrays, command lines."""
