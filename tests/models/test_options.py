"""Wrong options are named; faults of a constructor keep their traceback."""

import dataclasses

import pytest

from slr_keras.models import registry
from slr_keras.models.backbones import make_backbone
from slr_keras.models.registry import create_model
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windw": 5}, r"no option 'windw'.*'window'"),
        ({"window": "5"}, "'window' must be a whole number; got '5'"),
        ({"heads": True}, "'heads' must be a whole number; got True"),
        ({"widths": 8}, "'widths' must be a list; got 8"),
        ({"window": 4}, "window must be odd"),
    ],
)
def test_a_wrong_option_of_a_model_is_named(options, message):
    with pytest.raises(UserError, match=f"model 'stark_tiny': .*{message}"):
        create_model("stark_tiny", vocabulary_size=5, **options)


@pytest.mark.parametrize("options", [{"depths": 3}, {"dephts": (1,)}, {"stochastic_depth": 2.0}])
def test_a_wrong_option_of_a_backbone_is_named(options):
    with pytest.raises(UserError, match=f"backbone 'swin_nano': .*{next(iter(options))}"):
        make_backbone("swin_nano", **options)


@pytest.mark.parametrize("fault", [TypeError, ValueError])
def test_a_fault_within_a_constructor_is_not_taken_for_a_wrong_option(monkeypatch, fault):
    def build(vocabulary_size, **options):
        raise fault("a bug")

    family = dataclasses.replace(registry.family_of("ustm_t"), build=build)
    monkeypatch.setitem(registry._registered, family.name, family)
    with pytest.raises(fault, match="a bug"):
        create_model("ustm_t", vocabulary_size=5)
