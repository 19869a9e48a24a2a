"""Whether a pack may be law here, and whether it may move real money.

An own pack must make sense and come to what its cases say; what it must follow is what was
announced, which the service asks its database. Rows and values whose source is unconfirmed forbid
real money.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.cases import cases_beside, run_cases
from services.benefits.programmes.loading import (
    PACKS,
    PackRefused,
    files_in,
    load_pack,
    own_files,
    said_of,
)
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


def faults_of(pack: Pack) -> tuple[Finding, ...]:
    """What an official mends before a pack is put in force: no sense, or a version out of turn.

    In turn after the packaged one: a newer image brings a later one, which stops nobody's own.
    """
    found = analyse(pack)
    if found or pack.code not in PACKS:
        return found
    shipped = load_pack(pack.code)
    return pack.out_of_turn(shipped.version, shipped.digest)


def refuse_folder(folder: Path) -> None:
    """Raises `PackRefused` at the first of a ministry's own packs that may not be law."""
    files = own_files(folder)
    for code, file in files.items():
        pack = load_pack(code, folder)
        if found := analyse(pack):
            raise PackRefused(said_of(file, found))
        for failed in run_cases(pack, cases_beside(file, code)):
            raise PackRefused(
                f"{file}: {failed.case}: {failed.month}: {failed.found}, not {failed.expected}: "
                f"mend the pack or the case; `hamroh pack test {file}` runs them all"
            )
    names = {file.name for file in files.values()}
    for cases in files_in(folder / "cases") or ():
        if cases.name not in names:
            raise PackRefused(f"{cases}: no pack has this name: name cases like their pack")


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
