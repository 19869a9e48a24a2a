"""The same pipe the obvious way: FastStream and asyncpg, a message at a time.

Each service: a subscriber with a worker (and thereby a consumer) per partition; a message is
validated by a pydantic model, one transaction notes its id and writes its rows, then the next event
is published and waited for. No outbox: what is lost between commit and publish stays lost, so it
does less than the two others. It decides nothing: the amount is a constant.
"""
