"""SignConv: residual convolutions over the features of keypoints, for sentences and single signs.

See docs/papers/sign_conv.md.
"""

from slr_keras.models.sign_conv.model import SignConv, SignConvIsolated

__all__ = ["SignConv", "SignConvIsolated"]
