"""Multiply-adds of the backbones, as published."""

import pytest

from slr_keras.models.backbones import make_backbone
from slr_keras.models.backbones.costs import frame_multiply_adds


@pytest.mark.parametrize(
    ("name", "billions"),
    # torchvision's tables: its own counts of multiply-adds for one picture of 224 x 224.
    [("resnet18", 1.814), ("resnet50", 4.089), ("swin_t", 4.491), ("swin_s", 8.741)],
)
def test_counts_are_the_published_ones(name, billions):
    found = frame_multiply_adds(make_backbone(name), 224, 224) / 1e9
    assert found == pytest.approx(billions, rel=0.005)
