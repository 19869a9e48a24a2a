"""Which people are compared at all: those that share the value of at least one block.

A block is a set of facts that a second registration usually keeps together. Blocks larger than
`CAP` are not searched: with 38 % of a country called Nguyễn, a family name alone says nothing, and
the cost for one newcomer must not grow with the registry. The same table gives key texts for a
database index (`keys`) and whole numbers for files in memory (`block_columns`).
"""

from collections.abc import Sequence

from services.beneficiary.domain import names
from services.beneficiary.domain.identifiers import Kind
from services.beneficiary.domain.matching.columns import Columns, Encoder
from services.beneficiary.domain.matching.profile import Profile
from services.beneficiary.domain.matching.vocabulary import Ints, meeting_key

CAP = 60
"""People in one block beyond which it is not searched."""

BLOCKS: dict[str, tuple[str, ...]] = {
    "number": ("number",),
    "phone": ("phone",),
    "born-given": ("born", "given"),
    "born-family": ("born", "family"),
    "born-place": ("born", "place"),
    "names-place": ("first_name", "second_name", "place"),
    "home": ("place", "house", "street"),
    "born": ("born",),
    "names": ("first_name", "second_name"),
    "house-family": ("house", "family"),
    "place-family": ("place", "family"),
    "place-given": ("place", "given"),
}
REGISTER_BLOCKS = tuple(BLOCKS)[:7]
"""For registers of any size."""
LIST_BLOCKS = tuple(BLOCKS)
"""For lists without phones and households: more ways to meet, fewer people."""


def keys(person: Profile, blocks: Sequence[str] = REGISTER_BLOCKS) -> tuple[str, ...]:
    """The block keys of one person, for equality look-ups; facts not known give no key."""
    given, family = _sound(person.given, person.tradition), _sound(person.family, person.tradition)
    first, second = sorted((given, family))
    parts = {
        "number": person.number,
        "phone": person.phone,
        "born": str(person.born or ""),
        "place": person.place,
        "given": given,
        "family": family,
        "first_name": first,
        "second_name": second,
        "house": person.house,
        "street": person.street,
    }
    return tuple(
        ":".join((block, *(parts[part] for part in block_parts)))
        for block, block_parts in ((block, BLOCKS[block]) for block in blocks)
        if all(parts[part] for part in block_parts)
    )


def number_parts(person: Profile) -> tuple[str, ...]:
    """A sound national number in three parts, every third digit each; none where it has no kind.

    Two people whose sound numbers of one kind differ are two (`limits.VETOES`), but for one digit
    or two neighbouring ones swapped: that leaves one part as it is. Who shares no part need not be
    compared at all. Digits side by side would not do: a province and a year are shared by many.
    """
    if not person.number_sound or person.number_kind == Kind.OTHER:
        return ()
    return tuple(f"{person.number_kind}/{first}:{person.number[first::3]}" for first in range(3))


def block_columns(
    people: Columns, encoder: Encoder, blocks: Sequence[str]
) -> dict[str, tuple[Ints, ...]]:
    """The same keys as columns of whole numbers; 0 in any part means no key."""
    sounds = encoder.names.open_sounds.array
    given, family = sounds[people.given], sounds[people.family]
    parts = {
        "number": people.number,
        "phone": people.phone,
        "born": people.born,
        "place": people.place,
        "given": given,
        "family": family,
        "first_name": given * (given <= family) + family * (family < given),
        "second_name": given * (given > family) + family * (family >= given),
        "house": people.house,
        "street": people.street,
    }
    return {block: tuple(parts[part] for part in BLOCKS[block]) for block in blocks}


def _sound(name: str, tradition: str) -> str:
    if not name:
        return ""
    return names.sounds(meeting_key(name, tradition), tradition)[0]
