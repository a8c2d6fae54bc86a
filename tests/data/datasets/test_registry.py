"""Every data set says what it is, and its options are those of its function."""

import inspect

import pytest

from slr_keras.data.datasets import dataset, list_datasets
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("name", list_datasets())
def test_data_sets_say_what_they_are_and_where_they_come_from(name):
    known = dataset(name)
    assert known.name == name
    assert all((known.title, known.obtain, known.licence, known.files))


@pytest.mark.parametrize("name", list_datasets())
def test_options_are_the_keywords_of_the_function_with_the_same_defaults(name):
    known = dataset(name)
    parameters = inspect.signature(known.prepare).parameters
    assert list(parameters)[:2] == ["source", "folder"]
    keywords = {p.name: p.default for p in list(parameters.values())[2:] if p.kind != p.VAR_KEYWORD}
    defaults = {option.name: option.default for option in known.options}
    assert keywords.items() <= defaults.items()
    if not any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        assert keywords == defaults


@pytest.mark.parametrize("name", list_datasets())
def test_an_empty_folder_is_reported_with_what_is_missing_and_where_it_is_obtained(name, tmp_path):
    known = dataset(name)
    source = tmp_path / "empty"
    source.mkdir()
    with pytest.raises(UserError, match=f"(?s)empty.*missing.*{known.obtain[:20]}"):
        known.prepare(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match=r"unknown data set 'phoenix'.*phoenix2014t"):
        dataset("phoenix")
