"""Rule packs from text: the packaged ones, a ministry's folder of its own, an official's file."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.values import CURRENCY_EXPONENT
from services.benefits.programmes.pack import Finding, Pack
from services.benefits.programmes.plan import Plan, compile_pack

MAX_PACK_CHARS: Final = 2_000_000
_LISTS: Final = frozenset({"rows", "values", "cells"})
"""Steps that a place leaves out: what stands in them is named by itself."""
PACKS: Final = {
    "VN-SA": "vn_sa.toml",
    "UA-IDP": "ua_idp.toml",
    "UA-BSA": "ua_bsa.toml",
    "UZ-SR": "uz_sr.toml",
    "UZ-MA": "uz_ma.toml",
    "WF-ST": "wf_st.toml",
}
"""The packaged packs and their files."""


class _FloatText(str):
    """A float found in a pack: kept as its text, so that it can be refused with its place."""

    __slots__ = ()


def read_pack(text: str) -> Pack | tuple[Finding, ...]:
    """A pack from its TOML text, or everything that keeps the text from being one."""
    if len(text) > MAX_PACK_CHARS:
        return (Finding("pack", "too_large", f"more than {MAX_PACK_CHARS} characters"),)
    try:
        data = tomllib.loads(text, parse_float=_FloatText)
    except tomllib.TOMLDecodeError as fault:
        return (Finding("pack", "not_toml", str(fault)),)
    except RecursionError:
        return (Finding("pack", "not_toml", "nested too deeply"),)
    floats = tuple(
        Finding(place, "float", f"{value} is a float: write it in quotes")
        for place, value in _floats("", data)
    )
    if floats:
        return floats
    try:
        return Pack.model_validate(tuples(data))
    except ValidationError as fault:
        return findings_of(data, fault)


def findings_of(data: Any, fault: ValidationError) -> tuple[Finding, ...]:
    """What a model refuses in data, each with its place."""
    errors = fault.errors(include_url=False, include_context=False)
    first_hand = [error for error in errors if "after validation" not in error["msg"]]
    return tuple(  # the others are echoes of errors further in, unless they stand alone
        Finding(_place(data, error["loc"]), str(error["type"]), str(error["msg"]))
        for error in first_hand or errors
    )


def digest(pack: Pack) -> str:
    """SHA-256 over everything the pack says; comments and layout do not count."""
    return pack.digest


class PackRefused(ValueError):  # noqa: N818 - a refusal, which its reader can mend
    """A ministry's pack that cannot be law: which file, which place in it, and what to do."""


@cache
def load_pack(code: str, folder: Path | None = None) -> Pack:
    """A pack by its code; `KeyError` for an unknown one, `PackRefused` as `pack_files` has it."""
    return _pack_of(pack_files(folder)[code])


def pack_text(code: str, folder: Path | None = None) -> str:
    """The TOML text of a pack."""
    return text_of(pack_files(folder)[code])


@cache
def pack_files(folder: Path | None = None) -> Mapping[str, Traversable]:
    """Code → file: the packaged packs; those of a folder stand in their place or beside them.

    A folder is read once in the life of a process. `PackRefused` where it is none, or holds a
    `*.toml` that is no pack, or two packs with one code.
    """
    shipped = resources.files(__package__) / "packs"
    files: dict[str, Traversable] = {code: shipped / name for code, name in PACKS.items()}
    return {**files, **own_files(folder)} if folder else files


@cache
def own_files(folder: Path) -> Mapping[str, Path]:
    """Code → file of the packs in a ministry's folder; refused as `pack_files` says."""
    found = files_in(folder)
    if found is None:
        raise PackRefused(f"{folder}: no such folder: make it, or leave HAMROH_PACKS empty")
    files: dict[str, Path] = {}
    for file in found:
        code = _pack_of(file).code
        if code in files:
            raise PackRefused(f"{file}: code: {files[code].name} is {code}, too: keep one of them")
        files[code] = file
    return files


def files_in(folder: Path) -> list[Path] | None:
    """Its `*.toml` in order, None without such a folder; `PackRefused` where it hides them."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise PackRefused(f"{folder}: cannot be read: {fault.strerror}") from fault


def _pack_of(file: Traversable) -> Pack:
    found = read_pack(text_of(file))
    if isinstance(found, Pack):
        return found
    raise PackRefused(said_of(file, found))


def said_of(file: Traversable, findings: tuple[Finding, ...]) -> str:
    """The first finding in a file as one line, and where the others are listed."""
    first, *others = findings
    more = f" (and {len(others)} more: `hamroh pack check {file}` lists them)" if others else ""
    return f"{file}: {first.place}: {first.code}: {first.detail}{more}"


def text_of(file: Traversable) -> str:
    """The text of a file; `PackRefused` where it has none."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise PackRefused(f"{file}: cannot be read: {fault}") from fault


_PLANS: Final[dict[int, tuple[Pack, Plan]]] = {}
MAX_PLANS: Final = 256


def plan_of(pack: Pack) -> Plan:
    """The pack compiled; the same pack gives the same plan."""
    held = _PLANS.get(id(pack))
    if held is not None and held[0] is pack:
        return held[1]
    if len(_PLANS) >= MAX_PLANS:
        _PLANS.clear()
    plan = compile_pack(pack, CURRENCY_EXPONENT.get(pack.currency, 2))
    _PLANS[id(pack)] = (pack, plan)
    return plan


def _floats(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, _FloatText):
        yield place, value
    elif isinstance(value, dict):
        for key, part in value.items():
            inner = place if key in _LISTS else f"{place}.{key}".lstrip(".")
            yield from _floats(inner, part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _floats(f"{place}.{_label(part, index)}", part)


def _label(part: Any, index: int) -> str:
    """How a list's element is named in a place: by its id or name, else by its number."""
    if isinstance(part, dict):
        return str(part.get("id") or part.get("name") or index)
    return str(index)


def _place(data: Any, loc: tuple[int | str, ...]) -> str:
    """A pydantic location with list indices replaced by the names of what stands there."""
    parts = []
    for step in loc:
        try:
            data = data[step]
            parts.append(_label(data, step) if isinstance(step, int) else step)
        except (KeyError, IndexError, TypeError):
            parts.append(str(step))
    return ".".join(part for part in parts if part not in _LISTS) or "pack"


def tuples(value: Any) -> Any:
    """Lists as tuples, as a strict model wants them."""
    if isinstance(value, list):
        return tuple(tuples(part) for part in value)
    if isinstance(value, dict):
        return {key: tuples(part) for key, part in value.items()}
    return value
