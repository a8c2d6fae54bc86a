"""Export of TFLite bundles, which read raw keypoints."""
