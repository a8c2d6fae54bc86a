"""A well-behaved client gets its answers while others send hostile requests."""

import pytest


def test_the_mixture_of_hostile_requests_is_refused_and_the_server_goes_on(little, tmp_path):
    import hostile_load

    result = hostile_load.measure(tmp_path, 120, rounds=1)
    print(result.table())
    assert result.wrong == []
    assert result.statuses.total() == 120
    # A mutated message can still be a valid one, so that OK is allowed.
    wrong = {"no answer", "INTERNAL", "UNKNOWN", "500", "DEADLINE_EXCEEDED", "UNAVAILABLE"}
    assert not {name.partition(" ")[2] for name in result.statuses} & wrong
    assert result.memory < 300
    assert result.lines < 80


@pytest.mark.long
@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_client_waits_no_more_than_twice_its_usual_time_under_13000_hostile_requests(
    little, tmp_path, protocol
):
    import hostile_load

    result = hostile_load.measure(tmp_path, 13_000, protocol)
    print(result.table())
    assert result.wrong == []
    assert result.statuses.total() == 13_000
    assert max(result.ratios()) <= 2
    assert result.memory < 500
    assert result.lines < 300
