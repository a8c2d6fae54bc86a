"""Small YAML files ended in a traceback, or did not end.

792 bytes of aliases of aliases stand for 10^11 values; the collection of line numbers visited each
of them. Deep nesting, numbers that are none, impossible dates and the character NUL raised errors
that named no line. Every YAML file is now read by one reader with limits.
"""

import time

import pytest

from export.presets.facts import PresetFacts
from slr_keras.config import load_config, read_run_config
from slr_keras.utils.errors import UserError
from slr_keras.utils.plain_yaml import LONGEST_TEXT, parse_yaml

TENFOLD = [", ".join([f"*a{level - 1}"] * 10) for level in range(12)]
ALIASES = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{TENFOLD[n]}]\n" for n in range(1, 12))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{TENFOLD[n]}]}}\n" for n in range(1, 12))
HOSTILE = {
    "alias bomb": (ALIASES, "once its aliases are expanded"),
    "merge bomb": (MERGES, "once its aliases are expanded"),
    "self": ("a: &a [*a]", "contains itself"),
    "self in a merge": ("a: &a {<<: *a}", "contains itself"),
    "brackets": ("a: " + "[" * 1000, "levels inside each other"),
    "braces": ("{a: " * 1000, "levels inside each other"),
    "dashes": ("a:\n  " + "- " * 1000, "levels inside each other"),
    "questions": ("? " * 1000, "levels inside each other"),
    "no whole number": ("a: !!int abc", "'abc' is not a whole number"),
    "empty whole number": ("a: !!int ''", "is not a whole number"),
    "no number": ("a: !!float x", "'x' is not a number"),
    "no truth": ("a: !!bool x", "is not true or false"),
    "digits": ("a: " + "1" * 5000, "a number of 5,000 characters"),
    "base 60": ("a: " + ":".join(["1"] * 30_000), "a number of"),
    "more than 64 bits": ("a: 18446744073709551616", "more than 64 bits"),
    "code": ("a: !!python/object/apply:os.system [ls]", "is not supported"),
    "bytes": ("a: !!binary AAAA", "the tag !!binary is not supported"),
    "set": ("a: !!set {b}", "the tag !!set is not supported"),
    "impossible time": ("a: !!timestamp 2001-99-99", "!!timestamp is not supported"),
    "list as key": ("? [a]\n: b", "a key that is a list"),
    "NUL": ('a: "b\\0c"', "the character NUL"),
    "NUL as key": ('"\\0": b', "the character NUL"),
    "surrogate": ('a: "\\ud800"', "a surrogate"),
    "bad escape of a tag": ("!<%ff%fe> a", "not valid YAML"),
    "many values": ("a: [" + "b," * 25_000 + "]", "more than 20,000 values"),
    "long": ("#" * (LONGEST_TEXT + 1), "more than the limit"),
}


@pytest.mark.parametrize("read", [load_config, read_run_config, PresetFacts.read])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_yaml_file_is_refused_in_words_by_every_reader(name, read, tmp_path):
    text, problem = HOSTILE[name]
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        read(path)
    # The limits bound the work; the largest file that they allow takes seconds.
    assert time.process_time() - began < 30
    message = str(caught.value)
    assert problem in message
    assert message.startswith(f"{path}:")
    assert len(message) < 500


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_override_is_refused_in_words(name, tmp_path):
    text, problem = HOSTILE[name]
    path = tmp_path / "recipe.yaml"
    path.write_text("data: {folder: data}\n")
    with pytest.raises(UserError, match="--set") as caught:
        load_config(path, [f"model.options.depth={text}"])
    assert problem in str(caught.value)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_recipe(device):
    with pytest.raises(UserError):
        load_config(device)


def test_a_date_without_quotes_is_the_text_as_written():
    assert parse_yaml("since: 2001-99-99", "a.yaml")[1] == {"since": "2001-99-99"}


def test_anchors_and_merge_keys_of_usual_size_still_work():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]\n"
    _, value = parse_yaml(text, "a.yaml")
    assert value["b"] == {"x": 1, "y": 3}
    assert value["c"] == [{"x": 1, "y": 2}] * 2


def test_an_override_of_very_many_keys_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("data: {folder: data}\n")
    with pytest.raises(UserError, match="expected section"):
        load_config(path, [f"model.options{'.a' * 5000}=1"])
