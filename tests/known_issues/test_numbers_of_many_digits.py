"""An id of 5,000 digits in a JSON transcript was a traceback: Python converts up to 4,300."""

import pytest

from slr_keras.text.common_formats import read_jsonl
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_a_value_that_json_cannot_hold_is_refused_with_its_line(value):
    line = f'{{"id": {value}, "glosses": ["RAIN"]}}'
    with pytest.raises(UserError, match=r"a\.jsonl:2: not valid JSON"):
        read_jsonl("a.jsonl", ['{"id": "a", "glosses": ["SUN"]}', line], "reference")
