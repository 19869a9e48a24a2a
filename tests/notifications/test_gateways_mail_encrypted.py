"""Mail to servers that ask for encryption, a name and a password, as those of agencies do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from services.notifications.gateways import (
    Delivered,
    Encryption,
    Mail,
    MailGateway,
    MailServer,
    Unknown,
)

PASSWORD = SecretStr("mulberry")
MAIL = Mail("Thông báo", "Kính gửi bà", datetime(2026, 9, 28, 8, 30, tzinfo=UTC))


class Mailroom:
    """Lets in who knows the password, over TLS, and keeps what arrives."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self.trust = trust
        self.taken: list[bytes | str | None] = []

    async def handle_DATA(  # noqa: N802 - the library looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.taken.append(envelope.content)
        return "250 kept"

    def let_in(self, *told: object) -> AuthResult:
        """Whether this is the agency."""
        agency = LoginPassword(b"agency", PASSWORD.get_secret_value().encode())
        return AuthResult(success=told[-1] == agency, handled=False)

    @asynccontextmanager
    async def open(self, encryption: Encryption) -> AsyncIterator[int]:
        """The port it listens on."""
        loop = asyncio.get_running_loop()
        later = self.trust if encryption == "starttls" else None
        server = await loop.create_server(
            lambda: SMTP(
                self,
                tls_context=later,
                require_starttls=later is not None,
                auth_required=True,
                auth_require_tls=later is not None,
                authenticator=self.let_in,
                loop=loop,
            ),
            "127.0.0.1",
            0,
            ssl=None if later else self.trust,
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its certificate for this machine, vouched for by itself alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    here, now = x509.IPAddress(ip_address("127.0.0.1")), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def mailroom(certificate: Path) -> Mailroom:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificate)
    return Mailroom(trust)


def gateway_to(port: int, encryption: Encryption, password: SecretStr = PASSWORD) -> MailGateway:
    server = MailServer("127.0.0.1", port, encryption, "agency", password)
    return MailGateway(server, "no-reply@agency.example", 30.0)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("encryption", ["tls", "starttls"])
async def test_a_letter_goes_encrypted_to_a_server_that_is_vouched_for(
    mailroom: Mailroom,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    encryption: Encryption,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with mailroom.open(encryption) as port:
        gateway = gateway_to(port, encryption)
        assert isinstance(await gateway.send(uuid4(), "anna@example.org", MAIL), Delivered)
        stranger = gateway_to(port, encryption, SecretStr("elder"))
        assert await stranger.send(uuid4(), "anna@example.org", MAIL) == Unknown("smtp.535")
    assert len(mailroom.taken) == 1


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
async def test_nothing_is_told_to_a_server_that_nobody_vouches_for(
    mailroom: Mailroom, encryption: Encryption
) -> None:
    async with mailroom.open(encryption) as port:
        outcome = await gateway_to(port, encryption).send(uuid4(), "anna@example.org", MAIL)
    assert outcome == Unknown("provider.unreachable")
    assert mailroom.taken == []
