"""Clips of video: reading, resizing, cropping, resampling (specs/c2st.md §2.1, §2.2)."""
