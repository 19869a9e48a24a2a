"""Ports: free when chosen, kept while they stay free, replaced when somebody else took them."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from deploy.local import ports
from deploy.local.ports import Choice

Choose = Callable[[Sequence[str], Mapping[str, int]], Choice]


@pytest.fixture
def choose() -> Iterator[Choose]:
    """Choices of several instances at once; let go of at the end."""
    choices: list[Choice] = []

    def chosen(names: Sequence[str], kept: Mapping[str, int]) -> Choice:
        choices.append(ports.choose(names, kept))
        return choices[-1]

    yield chosen
    for choice in choices:
        choice.close()


def test_every_name_gets_a_port_of_its_own_that_can_be_bound(choose: Choose) -> None:
    names = [f"process-{number}" for number in range(40)]

    chosen = choose(names, {}).ports

    assert list(chosen) == names
    assert len(set(chosen.values())) == 40
    assert all(ports.LOWEST <= port <= ports.HIGHEST for port in chosen.values())
    assert all(map(ports.is_free, chosen.values()))


def test_ports_of_before_are_kept_while_they_are_free(choose: Choose) -> None:
    before = choose(["a", "b"], {})
    before.close()

    after = choose(["a", "b", "c"], before.ports).ports

    assert {name: after[name] for name in before.ports} == before.ports
    assert after["c"] not in before.ports.values()


def test_a_port_that_somebody_took_meanwhile_is_replaced_alone(choose: Choose) -> None:
    before = choose(["a", "b"], {})
    before.close()
    with socket.socket() as intruder:
        intruder.bind((ports.LOOPBACK, before.ports["a"]))
        intruder.listen()

        after = choose(["a", "b"], before.ports).ports

        assert not ports.is_free(before.ports["a"])
        assert after["b"] == before.ports["b"]
        assert after["a"] != before.ports["a"]


def test_two_instances_that_choose_before_either_listens_share_no_port(choose: Choose) -> None:
    first = choose(["a", "b"], {})

    second = choose(["a", "b"], first.ports)

    assert not set(first.ports.values()) & set(second.ports.values())
