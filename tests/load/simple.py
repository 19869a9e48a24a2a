"""The obvious and the bare pipe as processes: the same topics, tables and checks for both."""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.stack import Stack
from services.runtime.settings import Settings
from tests.load.pipe import Pipe, administrator

TABLES = (Path(__file__).parent / "tables.sql").read_text(encoding="utf-8")
SERVICES = ("persons", "entitlements", "messages")
PARTITIONS = 6


class SimplePipe(Pipe):
    """Three processes of `tests.load.<name>`; topics and tables are new at every start."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(stack)
        self.name = name
        self.count = f"select count(*) from {name}.messages"
        self.stored = {
            table: f"select count(*) from {name}.{table}"
            for table in ("persons", "entitlements", "payments")
        }
        self.committed = (
            f"select claim_id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8"
            f" from {name}.messages where claim_id = any($1::text[])"
        )
        self._starts = 0

    @property
    def _topics(self) -> list[str]:
        return [f"load.{self.name}.{self._starts}.{service}" for service in ("claims", *SERVICES)]

    @property
    def claims_topic(self) -> str:
        return self._topics[0]

    @property
    def carried(self) -> Mapping[str, int]:
        return dict.fromkeys(self._topics[1:3], 1)

    @property
    def publisher(self) -> Settings:
        return administrator(self.stack)

    async def start(self) -> None:
        self._starts += 1
        await self._make_tables()
        await self._make_topics()
        settings = self.publisher
        environment = {
            "HAMROH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "HAMROH_KAFKA_USERNAME": settings.kafka_username,
            "HAMROH_KAFKA_PASSWORD": settings.kafka_password.get_secret_value(),
            "HAMROH_DATABASE_URL": f"{self.stack.plan.server.url()}?search_path={self.name}",
        }
        for number, service in enumerate(SERVICES):
            places = self._topics[number : number + 2]
            self.spawn(service, [f"tests.load.{self.name}", service, *places], environment)

    async def on_its_way(self) -> bool:
        return False

    async def _make_tables(self) -> None:
        database = await asyncpg.connect(self.stack.plan.server.url())
        try:
            await database.execute(f"drop schema if exists {self.name} cascade")
            await database.execute(f"create schema {self.name}; set search_path to {self.name}")
            await database.execute(TABLES)
        finally:
            await database.close()

    async def _make_topics(self) -> None:
        settings = self.publisher
        admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap,
            security_protocol=settings.kafka_security,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=settings.kafka_username,
            sasl_plain_password=settings.kafka_password.get_secret_value(),
        )
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in self._topics])
        finally:
            await admin.close()
