"""Invented newcomers of one region who are really eligible, written as a centre's claims.

Everyone is an adult alone on a form, with a certified severe disability: by the rule pack VN-SA an
entitlement starts for each and a notice goes to each. Names, wards, numbers and spellings are those
of the demonstration's list. Nobody is registered twice, though many share a birthday or a name.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from deploy.demo.people.identity import IDENTIFIER_KIND, Issuer, written_phone
from deploy.demo.people.names import draw_name
from deploy.demo.people.places import draw_address, draw_people_of, draw_places
from deploy.demo.people.records import FEMALE, MALE, Row
from services.cli.importing import KINDS, claim_of
from tests.load.alike import REGION

BUSINESS_TIME = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
OLDEST, DAYS = date(1950, 1, 1), 20_000
"""Birthdays lie on so many days from the first; the youngest are of age."""
CERTIFIED_ON = date(2022, 1, 1)

Claim = tuple[str, str, bytes]
"""Event id, key, bytes."""


_given: dict[str, str] = {}
"""Number → the list whose newcomer has it, of all lists of this process."""


def rows(seed: str, count: int, *, newcomers: bool = True) -> Iterator[Row]:
    """The rows of a list; the same seed gives the same people, another one others."""
    random = Random(f"hamroh-newcomers:{seed}")
    issuer, places = Issuer(random), draw_places(random)
    for number in range(count):
        place = random.choice(places)
        sex = random.choice((MALE, FEMALE))
        family, middle, given = draw_name(random, draw_people_of(random, place), sex)
        born_on = OLDEST + timedelta(days=random.randrange(DAYS))
        issue = partial(issuer.identifier, place, sex, born_on)
        certified_on = CERTIFIED_ON + timedelta(days=random.randrange(1500))
        yield Row(
            record_id=f"{seed}-{number:07}",
            form_id=f"{seed}-F{number:07}",
            role="head",
            family_name=family,
            middle_name=middle,
            given_name=given,
            sex=sex,
            birth_date=born_on.isoformat(),
            birth_precision="day",
            identifier_kind=IDENTIFIER_KIND,
            identifier=_number(issue, seed, newcomers),
            phone=written_phone(random, issuer.phone()),
            language="vi",
            place_code=place.code,
            address=draw_address(random, place),
            account=issuer.account(),
            statuses=f"disability:severe:{certified_on}",
            registered_at=BUSINESS_TIME.isoformat(),
        )


def _number(issue: Callable[[], str], seed: str, newcomers: bool) -> str:
    """The first number of the right parity that no newcomer of another list has."""
    while True:
        number = issue()
        if int(number) % 2 == newcomers and _given.get(number, seed) == seed:
            if newcomers:
                _given[number] = seed
            return number


def claims(seed: str, count: int, *, newcomers: bool = True) -> list[Claim]:
    """The same people as claims, written as `hamroh import` writes them."""
    return [
        claim_of(asdict(row), KINDS["persons"], REGION, row.registered_at)
        for row in rows(seed, count, newcomers=newcomers)
    ]
