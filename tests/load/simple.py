"""The obvious and the bare pipe as processes: topics and tables like the platform's own."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.stack import Stack
from services.runtime.settings import Settings
from tests.load.alike import CARRIED, TAKEN, TOPICS
from tests.load.pipe import SCHEMAS, Pipe, administrator

TABLES = {
    "beneficiary": "inbox sequences outbox persons person_keys person_statuses match_keys",
    "benefits": "positions sequences outbox timers persons households contacts person_keys"
    " applications decisions entitlements terms",
    "notifications": "positions languages contacts keys messages",
}
"""Service → its tables of which a pipe gets its own, with the same columns, indexes and checks."""
COLUMNS = """
select string_agg(quote_ident(column_name), ', ') from information_schema.columns
where table_schema = $1 and table_name = $2 and is_identity = 'NO'
"""
ON_ITS_WAY = """
select exists (select from {0}beneficiary.outbox) or exists (select from {0}benefits.outbox)
    or (select sum(sequence) from {0}benefits.positions where topic = any($1)) < claims * $2
    or (select sum(sequence) from {0}notifications.positions where topic = any($3)) < claims * $4
from (select count(*) as claims from {0}beneficiary.inbox) as answered
"""


class SimplePipe(Pipe):
    """Three processes of `tests.load.<name>`, at every start with topics of their own.

    Their tables hold then what the platform's hold: whoever writes into a large index pays for it.
    """

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(stack)
        self.name = name
        self.schemas = f"{name}_"
        self._starts = 0

    @property
    def topics(self) -> str:
        return f"load.{self.name}.{self._starts}."

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
        }
        for service in SCHEMAS:
            # As the platform's sessions: a plan made for an empty table reads it for ever after.
            session = f"search_path={self.schemas}{service}&enable_seqscan=off"
            database = {"HAMROH_DATABASE_URL": f"{self.stack.plan.server.url()}?{session}"}
            command = [f"tests.load.{self.name}", service, self.topics]
            self.spawn(service, command, environment | database)

    async def on_its_way(self) -> bool:
        topics = TAKEN["benefits"], TAKEN["notifications"]
        taken = [(each, sum(CARRIED[topic] for topic in each)) for each in topics]
        async with self.database() as database:
            query = ON_ITS_WAY.format(self.schemas)
            # NULL: nothing has come yet.
            return await database.fetchval(query, *taken[0], *taken[1]) is not False

    async def clear(self) -> None:
        async with self.database() as database:
            for service in TABLES:
                await database.execute(f"drop schema {self.schemas}{service} cascade")

    async def _make_tables(self) -> None:
        async with self.database() as database:
            for service, tables in TABLES.items():
                schema = self.schemas + service
                await database.execute(f"create schema {schema}")
                for table in tables.split():
                    ours, own = f"{service}.{table}", f"{schema}.{table}"
                    columns = await database.fetchval(COLUMNS, service, table)
                    await database.execute(f"create table {own} (like {ours} including all)")
                    await database.execute(
                        f"insert into {own} ({columns}) select {columns} from {ours}", timeout=120
                    )

    async def _make_topics(self) -> None:
        settings = self.publisher
        admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap,
            security_protocol=settings.kafka_security,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=settings.kafka_username,
            sasl_plain_password=settings.kafka_password.get_secret_value(),
        )
        new = [
            NewTopic(self.topics + topic.name, topic.partitions, 1, topic_configs=topic.settings)
            for topic in TOPICS.values()
        ]
        await admin.start()
        try:
            await admin.create_topics(new)
        finally:
            await admin.close()
