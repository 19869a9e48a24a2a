"""Seeded damage to documents: to their bytes, their structure and their values."""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any, Final

MARK: Final = "Mật-7f3a"
"""Stands in every value that a mutation writes: no refusal may show it."""

_TOKENS: Final = (
    b"NaN", b"-Infinity", b"1e400", b"-0", b"1e-400", b"null", b"true", b"[]", b"{}", b'""',
    b"\\u0000", b"\\ud800", b"\xff", b"\x00", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"}", b"[", b"]",
    b",", b":", b"9" * 60, b"[" * 40, b'{"a":' * 40, b"\n", b"\\u202e",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 10**18, 10**30, 1e308, "", MARK, f"{MARK}\x00", f"\u202e{MARK}",
    MARK * 100, [], {}, [MARK], {"a": MARK}, [[[[MARK]]]], "2026-02-30", "0",
    "urn:hamroh:schema:x:1", f"2026-09-01T00:00:00{MARK}",
    "0001-01-01T00:00:00+14:00", "VN-07", "vi", [None] * 60,
)  # fmt: skip

Paths = list[tuple[Any, Any]]


def mutated(document: dict[str, Any], random: Random) -> bytes:
    """The document with one to three things wrong, or by chance still right."""
    tree = json.loads(json.dumps(document))
    for _ in range(random.randint(0, 2)):
        random.choice(STRUCTURE)(tree, random)
    raw = json.dumps(tree, ensure_ascii=random.random() < 0.2).encode("utf-8", "surrogatepass")
    for _ in range(random.choice((0, 0, 1, 2))):
        raw = random.choice(BYTES)(raw, random)
    return raw


def _places(tree: Any) -> Paths:
    """Every place in a tree that holds a value, as its container and key."""
    found: Paths = []
    todo = [tree]
    while todo:
        node = todo.pop()
        keys = node if isinstance(node, dict) else range(len(node))
        for key in list(keys):
            found.append((node, key))
            if isinstance(node[key], dict | list):
                todo.append(node[key])
    return found


def _replace(tree: Any, random: Random) -> None:
    node, key = random.choice(_places(tree) or [(tree, "id")])
    node[key] = deepcopy(random.choice(_VALUES))


def _drop(tree: Any, random: Random) -> None:
    node, key = random.choice(_places(tree) or [(tree, "id")])
    if key in node or isinstance(node, list):
        del node[key]


def _move(tree: Any, random: Random) -> None:
    places = _places(tree) or [(tree, "id")]
    (one, here), (two, there) = random.choice(places), random.choice(places)
    if not isinstance(one.get(here) if isinstance(one, dict) else one[here], dict | list):
        two[there] = one[here] if isinstance(one, list) else one.get(here)


def _add(tree: Any, random: Random) -> None:
    objects = [tree, *(node[key] for node, key in _places(tree) if isinstance(node[key], dict))]
    random.choice(objects)[random.choice(("extra", f"{MARK} x", "", "a\x00"))] = MARK


def _flip(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << random.randrange(8))]) + raw[at + 1 :]


def _cut(raw: bytes, random: Random) -> bytes:
    start = random.randrange(len(raw))
    return (raw[:start] + raw[start + random.choice((1, 2, 40, len(raw))) :]) or b" "


def _insert(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + random.choice(_TOKENS) + raw[at:]


def _double(raw: bytes, random: Random) -> bytes:
    start = random.randrange(len(raw))
    piece = raw[start : start + random.choice((1, 20, 200))]
    return raw[:start] + piece * random.choice((2, 3)) + raw[start + len(piece) :]


STRUCTURE: Final[tuple[Callable[[Any, Random], None], ...]] = (_replace, _drop, _move, _add)
BYTES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (_flip, _cut, _insert, _double)
