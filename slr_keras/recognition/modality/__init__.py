"""Input modalities: which files a model accepts and how they become frames."""
