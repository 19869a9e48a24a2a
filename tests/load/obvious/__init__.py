"""The same pipe the obvious way: FastStream and asyncpg, a message at a time.

Each service: a subscriber per topic with a worker (and thereby a consumer) per partition; a message
is validated by a pydantic model, one transaction notes its id or its place in its key's order and
writes its rows statement by statement, then the next events are published, each waited for.
asyncio's own loop, and the defaults of both libraries but for FastStream's line of log per message.
Records, tables and indexes are like the platform's (`tests.load.alike`, `tests.load.simple`), but
for the outbox: there is none, and what is lost between commit and publish stays lost. It decides
nothing (amounts are constants), seals nothing (as many bytes in base64 instead), matches nobody
(seven plain digests instead), replaces nothing that it holds, waits for no contact and no turn.
"""
