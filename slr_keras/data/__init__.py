"""Data: manifests, vocabularies, keypoint contracts, loaders, the simulator and the pipeline."""
