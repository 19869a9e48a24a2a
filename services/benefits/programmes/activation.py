"""Whether a pack may move real money: rows and values whose source is unconfirmed forbid it."""

from collections.abc import Iterator
from itertools import chain

from services.benefits.programmes.pack import Finding, Pack

Statement = tuple[str, str, str]
"""A place in a pack, whether it is verified, and its source or legal reference."""


def unverified(pack: Pack) -> tuple[Finding, ...]:
    """Everything in a pack that ships as unverified, with its place and the source it lacks."""
    return tuple(
        Finding(place, "unverified", source)
        for place, verified, source in chain(_values(pack), _rows(pack), _rules(pack))
        if verified == "no"
    )


def activation_refusals(pack: Pack, *, real_money: bool) -> tuple[Finding, ...]:
    """Why a pack may not be activated; a rehearsal may use unverified rows, real money may not."""
    return unverified(pack) if real_money else ()


def _values(pack: Pack) -> Iterator[Statement]:
    for parameter in pack.parameters:
        for value in parameter.values:
            yield f"parameters.{parameter.name}.{value.from_}", value.verified, value.source


def _rows(pack: Pack) -> Iterator[Statement]:
    for table in pack.tables:
        for row in table.rows:
            yield f"tables.{table.name}.{row.id}", row.verified, row.source
    for members in pack.members:
        for member in members.rows:
            yield f"members.{members.name}.{member.id}", member.verified, member.source


def _rules(pack: Pack) -> Iterator[Statement]:
    for item in pack.inputs:
        if item.kind == "term":
            yield f"inputs.{item.name}", item.verified, item.law
    for note in pack.notes:
        yield f"notes.{note.name}", note.verified, note.text
    for lapse in pack.lapses:
        yield f"lapses.{lapse.by}", lapse.verified, lapse.law
    for term in pack.deadlines:
        yield f"deadlines.{term.name}.{term.from_}", term.verified, term.law
    for index, choice in enumerate(pack.combination.choices):
        yield f"combination.choices.{index}", choice.verified, choice.law
