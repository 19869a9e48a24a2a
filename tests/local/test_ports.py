"""Ports: free when chosen, kept while they stay free, replaced when somebody else took them."""

import socket

from deploy.local import ports


def test_every_name_gets_a_port_of_its_own_that_can_be_bound() -> None:
    names = [f"process-{number}" for number in range(40)]

    chosen = ports.choose(names, {})

    assert list(chosen) == names
    assert len(set(chosen.values())) == 40
    assert all(ports.LOWEST <= port <= ports.HIGHEST for port in chosen.values())
    assert all(map(ports.is_free, chosen.values()))


def test_ports_of_before_are_kept_while_they_are_free() -> None:
    before = ports.choose(["a", "b"], {})

    after = ports.choose(["a", "b", "c"], before)

    assert {name: after[name] for name in before} == before
    assert after["c"] not in before.values()


def test_a_port_that_somebody_took_meanwhile_is_replaced_alone() -> None:
    before = ports.choose(["a", "b"], {})
    with socket.socket() as intruder:
        intruder.bind((ports.LOOPBACK, before["a"]))
        intruder.listen()

        after = ports.choose(["a", "b"], before)

        assert not ports.is_free(before["a"])
        assert after["b"] == before["b"]
        assert after["a"] != before["a"]
