"""Annotated videos: the clip with its points, and the recognised signs as a caption."""
