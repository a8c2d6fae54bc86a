"""Clips of video: reading, resizing, cropping, resampling (docs/papers/c2st.md §2.1, §2.2)."""
