from types import ModuleType

import pytest

from services.benefits.store import bank, cycles, files, people
from tests.databases import Schema

pytestmark = pytest.mark.stack

STATEMENTS = [
    (module, name)
    for module in (people, files, cycles, bank)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
]


@pytest.mark.parametrize(("module", "name"), STATEMENTS, ids=str)
async def test_every_statement_fits_the_migrated_schema(
    schema: Schema, module: ModuleType, name: str
) -> None:
    connection = await schema.connect("worker")
    try:
        await connection.prepare(getattr(module, name))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "table",
    ["households", "contacts", "person_keys", "reviews", "batches", "batch_lines", "bank_messages"],
)
async def test_the_door_cannot_look_at_what_only_the_worker_needs(
    schema: Schema, table: str
) -> None:
    with pytest.raises(Exception, match=f"permission denied for table {table}"):
        await schema.seen_by_api(f"select count(*) from {table}", ["VN-07"])
