"""Export of SavedModels, which read raw keypoints or pictures."""
