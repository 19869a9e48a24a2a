"""What a record may hold, however odd, loses no other record and publishes nothing."""

from uuid import uuid4

import pytest

from tests.runtime.stage import Effects, Raw, Stage, fact, raw, until, worker

pytestmark = pytest.mark.stack


async def test_a_null_header_loses_nothing(stage: Stage) -> None:
    key, effects = uuid4(), Effects()
    async with stage.running(worker(effects.on_deployed)):
        await stage.produce([raw(key, 1, headers=[("trace", None)]), raw(key, 2)])
        await until(lambda: stage.applied(key))
    assert await stage.applied(key) == [1, 2]
