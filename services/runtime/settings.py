"""Settings of every process: `HAMROH_…` in the environment, a `.env` file or a folder of secrets.

The environment wins over the file, the file over the folder named by `HAMROH_SECRETS_DIR` (one file
per setting, named like it: `hamroh_database_url`). A service adds its few in its own `settings.py`.
"""

import base64
import binascii
import os
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from contracts.values import REGION_CODE

KEY_BYTES = 32
_HOST = r"(\[[0-9a-fA-F:.]+\]|[^\[\]:@/?#,]*)(:[0-9]{1,5})?"
_ADDRESS = re.compile(rf"postgres(ql)?://([^/?#]*@)?{_HOST}(,{_HOST})*(/[^/?#@]*)?(\?[^#]*)?")


def key_bytes(secret: SecretStr) -> bytes:
    """The bytes of a key written in base64; a `ValueError` if they are not 32."""
    try:
        key = base64.b64decode(secret.get_secret_value(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("a key is 32 random bytes in base64: openssl rand -base64 32")
    return key


def _checked(secret: SecretStr) -> SecretStr:
    key_bytes(secret)
    return secret


def _address(secret: SecretStr) -> SecretStr:
    """What reads on with a wrong address quotes parts of it, the password among them."""
    if not _ADDRESS.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "postgresql://user:password@host:port/name, reserved characters written as %XX"
        )
    return secret


def _regions(value: Any) -> Any:
    """`vn-07, VN-08` as a tuple of region codes."""
    if isinstance(value, str):
        value = [part for part in value.replace(" ", "").split(",") if part]
    return tuple(REGION_CODE.validate_python(str(part).upper()) for part in value)


DatabaseAddress = Annotated[SecretStr, AfterValidator(_address)]
"""A connection address whose parts cannot be mistaken for each other."""
Key = Annotated[SecretStr, AfterValidator(_checked)]
"""32 random bytes in base64."""
Port = Annotated[int, Field(ge=0, le=65535)]
Regions = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_regions)]


class Settings(BaseSettings):
    """What every service, the migrations, the topics and the command line can be told."""

    model_config = SettingsConfigDict(
        env_prefix="HAMROH_",
        env_file=os.environ.get("HAMROH_ENV_FILE", ".env"),
        secrets_dir=os.environ.get("HAMROH_SECRETS_DIR"),
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Brokers, host:port,host:port")
    kafka_security: Literal["SASL_SSL", "SASL_PLAINTEXT", "PLAINTEXT"] = Field(
        "SASL_SSL", description="SASL_SSL outside one machine; the mechanism is SCRAM-SHA-512"
    )
    kafka_username: str = Field("", description="The service's (or a region's) Kafka user")
    kafka_password: SecretStr = Field(SecretStr(""), description="Its password")
    kafka_ca_file: str | None = Field(None, description="PEM file of the brokers' authority")
    kafka_admin_bootstrap: str | None = Field(
        None, description="Listener for `topics apply`; without it kafka_bootstrap"
    )
    kafka_admin_mechanism: Literal["PLAIN", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How the administrator logs in"
    )
    kafka_admin_username: str = Field("admin", description="Makes topics, users and access rules")
    kafka_admin_password: SecretStr = Field(SecretStr(""), description="Its password")
    kafka_users: dict[str, SecretStr] = Field(
        {}, description="JSON object of Kafka user to password, for `topics apply`"
    )
    kafka_replicas: Annotated[int, Field(ge=1, le=5)] = Field(
        1, description="Copies of every topic; 3 in production"
    )

    database_url: DatabaseAddress = Field(
        SecretStr("postgresql://127.0.0.1:5432/hamroh"),
        description="PostgreSQL as <service>_api or <service>_worker",
    )
    database_admin_url: DatabaseAddress | None = Field(
        None, description="PostgreSQL as a member of hamroh_owner, for `migrate` alone"
    )

    http_host: str = Field("127.0.0.1", description="Address of the service's HTTP door")
    http_port: Port = Field(0, description="Its port; of a worker: health and status, 0 is none")
    oidc_issuer: str = Field("", description="Issuer of access tokens; its discovery is read")
    oidc_audience: str = Field("hamroh", description="Audience that a token must name")
    requests_per_minute: Annotated[int, Field(ge=1)] = Field(
        600, description="HTTP requests that one subject may make in a minute"
    )
    body_bytes: Annotated[int, Field(ge=1024, le=2**25)] = Field(
        262_144, description="Largest HTTP body of one event or command"
    )
    request_timeout_s: Annotated[float, Field(gt=0)] = Field(
        30.0, description="After this a request is answered with 503"
    )

    time_zone: str = Field("Asia/Ho_Chi_Minh", description="National time zone of business dates")
    regions: Regions = Field((), description="Region codes, comma separated: VN-07,VN-08")
    business_time: AwareDatetime | None = Field(
        None, description="Business time at the start of a rehearsal; unset in production"
    )
    rehearsal: bool = Field(
        default=False,
        description="Lets `hamroh tick` move business time, and unconfirmed law be tried",
    )

    bank_url: str = Field("", description="The bank's HTTP door")
    sms_url: str = Field("", description="The text message provider's HTTP door")

    pseudonym_key: Key | None = Field(None, description="Keyed hashes; 32 bytes in base64")
    key_encryption_key: Key | None = Field(
        None, description="Wraps the keys of persons; registry, benefits, notifications only"
    )
    dead_letter_key: Key | None = Field(None, description="Seals dead letters; workers, operators")

    batch_claims: Annotated[int, Field(ge=1, le=5000)] = Field(
        1000, description="Claims applied in one transaction, at most"
    )
    batch_facts: Annotated[int, Field(ge=1, le=5000)] = Field(
        2000, description="Facts applied in one transaction, at most; a claim leaves four or five"
    )
    otlp_endpoint: str | None = Field(
        None, description="OTLP/HTTP collector, http://host:4318; unset sends nothing"
    )
    trace_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="Share of traces that is kept, decided where each begins; 0 makes none"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe that is logged"
    )

    @property
    def traced_share(self) -> float | None:
        """The share of traces to keep; None where none is made."""
        return self.trace_share if self.otlp_endpoint and self.trace_share else None

    def require(self, *names: str) -> Self:
        """Itself, if all of the named are set; else a `ValueError` naming the first that is not."""
        for name in names:
            if not getattr(self, name):
                raise ValueError(f"HAMROH_{name.upper()} is not set")
        return self
