"""`hamroh import`: a regional centre's list becomes claims, and each claim's answer is reported.

The list is published as it stands, with the region's own credentials: nothing is corrected or left
out here, the owning service judges each row and answers. Claim ids are derived from the row, so
importing a file again changes nothing. `hamroh import --help` names the columns.
"""

import asyncio
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contracts.catalogue import claims_topic, receipts_topic
from contracts.codec import decode, digest
from contracts.envelope import Envelope, schema_name
from contracts.platform import EventAccepted, EventRejected
from contracts.regional import PersonRegistered, WorkerDeployed
from contracts.values import derived_id, region_source
from services.runtime.broker import Publisher, follow
from services.runtime.settings import Settings

Row = dict[str, str]
BATCH: Final = 500

PERSON_COLUMNS: Final = (
    "record_id",
    "form_id",
    "role",
    "family_name",
    "middle_name",
    "given_name",
    "sex",
    "birth_date",
    "birth_precision",
    "identifier_kind",
    "identifier",
    "phone",
    "language",
    "place_code",
    "address",
    "account",
    "statuses",
    "registered_at",
)
WORKER_COLUMNS: Final = (
    "record_id",
    "communities",
    "languages",
    "first_day",
    "last_day",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list: its columns, the service that judges it, and a row's claim."""

    columns: Sequence[str]
    """What every list has; a list of persons may have `email` besides."""
    owner: str
    payload: type[PersonRegistered | WorkerDeployed]
    data: Callable[[Row], dict[str, Any]]


def person_data(row: Row) -> dict[str, Any]:
    """A person's row as the claim's `data`: text as written, absent where the cell is empty."""
    identifier = {"kind": row["identifier_kind"], "value": row["identifier"]}
    return {
        "record_id": row["record_id"],
        "form_id": row["form_id"],
        "role": row["role"],
        "name": {
            "family": row["family_name"],
            "middle": row["middle_name"] or None,
            "given": row["given_name"],
        },
        "sex": int(row["sex"]) if row["sex"] in {"0", "1", "2", "9"} else row["sex"],
        "birth_date": row["birth_date"],
        "birth_precision": row["birth_precision"],
        "identifiers": [identifier] if row["identifier_kind"] or row["identifier"] else [],
        "phone": row["phone"] or None,
        "email": row.get("email") or None,
        "language": row["language"],
        "place": row["place_code"],
        "address": row["address"] or None,
        "account": row["account"] or None,
        "statuses": [_status(part) for part in row["statuses"].split(";") if part],
    }


def _status(text: str) -> dict[str, Any]:
    code, _, rest = text.partition(":")
    level, _, valid_from = rest.partition(":")
    return {"code": code, "level": level or None, "valid_from": valid_from}


def worker_data(row: Row) -> dict[str, Any]:
    """A worker's row as the claim's `data`."""
    return {
        "record_id": row["record_id"],
        "communities": row["communities"].split(";"),
        "languages": row["languages"].split(";"),
        "first_day": row["first_day"],
        "last_day": row["last_day"],
    }


KINDS: Final = {
    "persons": Kind(PERSON_COLUMNS, "beneficiary", PersonRegistered, person_data),
    "workers": Kind(WORKER_COLUMNS, "workforce", WorkerDeployed, worker_data),
}


@dataclass(slots=True)
class Report:
    """What became of a list."""

    claims: int
    accepted: int = 0
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    """(record id, code, path)."""

    @property
    def answered(self) -> int:
        """Claims that have their answer."""
        return self.accepted + len(self.rejected)


class ListError(Exception):
    """The file cannot be read as a list of this kind; the message says where and what to do."""


def rows_of(path: Path, kind: Kind) -> list[Row]:
    """The rows of a list; a `ListError` names the missing column or the broken line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(csv.DictReader(file, strict=True), kind))
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ListError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except csv.Error as error:
        raise ListError(f"{path}: {error}") from error


def _rows(reader: "csv.DictReader[str]", kind: Kind) -> Iterator[Row]:
    missing = [name for name in kind.columns if name not in (reader.fieldnames or ())]
    if missing:
        raise ListError(
            f"the columns {', '.join(missing)} are missing; it needs all of: "
            f"{', '.join(kind.columns)}"
        )
    for row in reader:
        if None in row or None in row.values():
            raise ListError(f"line {reader.line_num} has another number of cells than the header")
        yield row


def claim_of(row: Row, kind: Kind, region: str, time: str) -> tuple[str, str, bytes]:
    """A row's claim: (event id, key, bytes). The same row always gives the same id."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False)
    source, type_name = region_source(region), kind.payload.type_name
    event_id = str(derived_id(digest(text.encode()), type_name, row["record_id"]))
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": type_name,
        "time": time,
        "datacontenttype": "application/json",
        "dataschema": schema_name(type_name, kind.payload.version),
        "regioncode": region,
        "dataclass": "C3",
        "data": kind.data(row),
    }
    return event_id, row["record_id"], json.dumps(document, ensure_ascii=False).encode()


async def publish(
    settings: Settings, region: str, kind: Kind, rows: Sequence[Row], moved: Callable[[int], None]
) -> dict[str, str]:
    """Publishes a claim per row; returns event id → record id. `moved` is told of progress."""
    publisher, topic = Publisher(settings), claims_topic(region, kind.owner)
    fallback = (settings.business_time or datetime.now(UTC)).isoformat()
    names: dict[str, str] = {}
    try:
        for start in range(0, len(rows), BATCH):
            records: list[tuple[str, str, bytes | None]] = []
            for row in rows[start : start + BATCH]:
                time = row.get("registered_at") or fallback
                event_id, key, raw = claim_of(row, kind, region, time)
                names[event_id] = row["record_id"]
                records.append((topic, key, raw))
            await publisher.send(records)
            moved(len(records))
    finally:
        await publisher.stop()
    return names


async def await_answers(
    settings: Settings,
    region: str,
    names: dict[str, str],
    moved: Callable[[int], None],
    patience_s: float,
) -> Report:
    """Reads the region's receipts until all claims are answered or `patience_s` brought none."""
    report, open_ids, idle_s = Report(len(names)), dict(names), 0.0
    async with aclosing(follow(settings, [receipts_topic(region)])) as batches:
        async for batch in batches:
            before = len(open_ids)
            for record in batch:
                _note(report, open_ids, decode(record.value))
            moved(before - len(open_ids))
            idle_s = 0.0 if batch else idle_s + 1.0
            if not open_ids or idle_s > patience_s:
                return report
    return report


def _note(report: Report, open_ids: dict[str, str], event: object) -> None:
    answer = event.data if isinstance(event, Envelope) else None
    if not isinstance(answer, EventAccepted | EventRejected) or answer.claim_id not in open_ids:
        return
    record_id = open_ids.pop(answer.claim_id)
    if isinstance(answer, EventAccepted):
        report.accepted += 1
    else:
        report.rejected.append((record_id, answer.code, answer.path))


async def import_list(
    settings: Settings, region: str, kind: Kind, rows: Sequence[Row], patience_s: float = 60.0
) -> Report:
    """Publishes a list and waits for every answer, with a progress bar on the terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        sent = progress.add_task("published", total=len(rows))
        answered = progress.add_task("answered ", total=len(rows))
        names = await publish(
            settings, region, kind, rows, lambda many: progress.advance(sent, many)
        )
        return await await_answers(
            settings, region, names, lambda many: progress.advance(answered, many), patience_s
        )


app = typer.Typer(help="Publish a regional centre's list as claims and report the answers.")


@app.command(
    "import",
    epilog=f"Columns of persons: {', '.join(PERSON_COLUMNS)}; there may be email. "
    f"Columns of workers: {', '.join(WORKER_COLUMNS)}.",
)
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8, one row a record")],
    region: Annotated[str, typer.Option(help="The region's code, e.g. VN-07")],
    kind: Annotated[str, typer.Option(help="persons or workers")] = "persons",
    rejected: Annotated[
        Path | None, typer.Option(help="Where to write the refused rows (record, code, path)")
    ] = None,
) -> None:
    """Publish every row of FILE as a claim of the region and wait for the answers."""
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind}: choose persons or workers")
    try:
        rows = rows_of(file, KINDS[kind])
    except ListError as error:
        typer.echo(f"hamroh import: {error}", err=True)
        raise typer.Exit(2) from error
    report = asyncio.run(import_list(Settings(), region.upper(), KINDS[kind], rows))
    if rejected is not None:
        write_rejected(rejected, report)
    unanswered = report.claims - report.answered
    typer.echo(
        f"import claims={report.claims} accepted={report.accepted} "
        f"rejected={len(report.rejected)} unanswered={unanswered}"
    )
    raise typer.Exit(1 if unanswered else 0)


def write_rejected(path: Path, report: Report) -> None:
    """Writes what was refused and why; never the refused value."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("record_id", "code", "path"))
        writer.writerows(sorted(report.rejected))


if __name__ == "__main__":
    app()
