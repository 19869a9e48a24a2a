"""The way to the bank and back, over HTTP: a file out, numbered messages in."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from services.benefits.gateways.answers import (
    BatchRejected,
    StatusUnmatched,
    UnreadableBankMessageError,
    read_bank_message,
)

MAX_ANSWER_BYTES = 32 * 1024 * 1024
_REFUSING_STATUSES = frozenset({400, 413, 415})


@dataclass(frozen=True, slots=True)
class FileTaken:
    """The bank has stored the file, now or before; its messages will tell what becomes of it."""


@dataclass(frozen=True, slots=True)
class FileRefused:
    """The bank has not taken the file and never will; no payment of it is carried out."""

    reason: str


@dataclass(frozen=True, slots=True)
class FileContradicted:
    """The bank knows this message id or one of these payments from another file.

    That other file may have been carried out. Nothing may be ordered anew before a person looked.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """Stored or not: nobody knows. Send the same bytes again later. `reason` is a code."""

    reason: str


SendOutcome = FileTaken | FileRefused | FileContradicted | OutcomeUnknown


class BankUnavailableError(Exception):
    """The bank cannot be asked right now. An outage: ask again later."""


class OutboxBrokenError(Exception):
    """What the bank answered is no page of its outbox, or numbers are missing in it."""


class NumberedMessage(BaseModel):
    """A message of the bank's outbox; `number` counts from 1 without gaps and orders them all."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    number: Annotated[int, Field(ge=1, le=2**53)]
    message_id: Annotated[str, StringConstraints(min_length=1, max_length=35)]
    kind: Annotated[str, StringConstraints(max_length=35)]
    document: Annotated[str, Field(repr=False)]


_PAGE = TypeAdapter(list[NumberedMessage])


class BankGateway:
    """One bank. Keeps nothing: the caller knows which file is open and which number came last."""

    def __init__(self, client: httpx.AsyncClient, url: str, timeout_s: float) -> None:
        """`timeout_s` bounds one call as a whole, from connecting to the last byte."""
        self._client = client
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    async def send(self, document: bytes) -> SendOutcome:
        """Hands a file over. Never raises for what the bank does."""
        headers = {"Content-Type": "application/xml"}
        try:
            status, answer = await self._call("POST", "/payments", headers, document)
        except BankUnavailableError as outage:
            return OutcomeUnknown(str(outage))
        if status == httpx.codes.ACCEPTED:
            return FileTaken()
        if status in _REFUSING_STATUSES:
            return FileRefused(f"http.{status}")
        if status == httpx.codes.UNPROCESSABLE_ENTITY:
            return _refusal(answer)
        return OutcomeUnknown(f"http.{status}")

    async def messages_after(self, number: int, limit: int) -> list[NumberedMessage]:
        """The bank's messages that follow `number` (0: from the first), at most `limit`, in order.

        Raises `BankUnavailableError` for an outage, `OutboxBrokenError` for a page that does not
        go on exactly after `number`: a missing message must be seen, not stepped over.
        """
        path = f"/messages?after={number}&limit={limit}"
        status, answer = await self._call("GET", path, {}, None)
        if status != httpx.codes.OK:
            raise BankUnavailableError(f"http.{status}")
        try:
            page = _PAGE.validate_json(answer)
        except ValidationError as error:
            raise OutboxBrokenError(f"not a page: {error.error_count()} faults") from None
        numbers = [message.number for message in page]
        if numbers != list(range(number + 1, number + 1 + len(page))) or len(page) > limit:
            raise OutboxBrokenError(f"numbers do not follow {number}")
        return page

    async def _call(
        self, method: str, path: str, headers: dict[str, str], content: bytes | None
    ) -> tuple[int, bytes]:
        # Uncompressed, so that a small answer cannot unfold into a large one.
        headers = {"Accept-Encoding": "identity", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(
                    method, f"{self._url}{path}", headers=headers, content=content
                ) as response,
            ):
                return response.status_code, await _bounded(response)
        except TimeoutError:
            raise BankUnavailableError("bank.timeout") from None
        except httpx.HTTPError:
            raise BankUnavailableError("bank.unreachable") from None


async def _bounded(response: httpx.Response) -> bytes:
    answer = bytearray()
    async for chunk in response.aiter_raw():
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            raise BankUnavailableError("bank.answer_too_large")
    return bytes(answer)


def _refusal(answer: bytes) -> SendOutcome:
    """Reads the status report that comes with a refusal; without one, nothing is known."""
    try:
        said = read_bank_message(answer)
    except UnreadableBankMessageError:
        return OutcomeUnknown("bank.answer_unreadable")
    match said:
        case [BatchRejected(reason=reason) | StatusUnmatched(reason=reason)]:
            # ISO 20022 names duplicates of message, payment and end-to-end ids DU01 to DU05.
            return FileContradicted(reason) if reason.startswith("DU") else FileRefused(reason)
        case _:
            return OutcomeUnknown("bank.answer_unreadable")
