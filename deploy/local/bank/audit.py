"""What the bank shows to auditors: its books summed up from the entries themselves."""

from typing import Any

from deploy.local.bank.books import Books

_BATCHES = """
SELECT b.message_id, b.currency, b.refusal IS NOT NULL,
       (SELECT count(*) FROM instructions i WHERE i.batch = b.message_id),
       (SELECT coalesce(sum(amount_minor), 0) FROM instructions i WHERE i.batch = b.message_id),
       (SELECT count(*) FROM instructions i
        WHERE i.batch = b.message_id AND i.status = 'rejected'),
       (SELECT coalesce(sum(amount_minor), 0) FROM instructions i
        WHERE i.batch = b.message_id AND i.status = 'rejected')
FROM batches b ORDER BY b.message_id LIMIT ?
"""
_MOVED = """
SELECT e.batch, e.kind, count(*), sum(e.amount_minor)
FROM entries e JOIN batches b ON b.message_id = e.batch AND b.debtor_account = e.account
WHERE (e.kind, e.side) IN (VALUES ('booking', 'debit'), ('return', 'credit'))
GROUP BY e.batch, e.kind
"""
_ACCOUNTS = """
SELECT a.number, a.currency,
       coalesce(sum(iif(e.side = 'credit', e.amount_minor, -e.amount_minor)), 0)
FROM accounts a LEFT JOIN entries e ON e.account = a.number AND e.currency = a.currency
GROUP BY a.number, a.currency ORDER BY a.number, a.currency
"""
_UNBALANCED = """
SELECT count(*) FROM (
    SELECT 1 FROM entries GROUP BY kind, batch, end_to_end_id, currency
    HAVING sum(iif(side = 'debit', amount_minor, -amount_minor)) <> 0
)
"""
_ENTRIES = """
SELECT number, kind, account, currency, side, amount_minor, batch, end_to_end_id, booked_on
FROM entries WHERE number > ? ORDER BY number LIMIT ?
"""
_OUTBOX = "SELECT count(*), coalesce(max(number), 0) FROM outbox"
_PENDING = "SELECT count(*) FROM steps"
_ENTRY_FIELDS = (
    "number",
    "kind",
    "account",
    "currency",
    "side",
    "amount_minor",
    "batch",
    "end_to_end_id",
    "booked_on",
)
MAX_BATCHES = 10_000


def summary(books: Books) -> dict[str, Any]:
    """The books at one instant.

    `batches`: per message id `currency`, `refused` and, each as `{count, amount_minor}`,
    `instructed`, `rejected`, `booked`, `returned` (returned ones are among the booked) and
    `pending` (neither rejected nor booked yet). `totals`: the same per currency. `accounts`:
    balances. `unbalanced_journals`: how many do not sum to zero. `messages`: how many the outbox
    holds. `idle`: nothing is planned any more.
    """
    with books.transaction():
        moved = {(batch, kind): (count, total) for batch, kind, count, total in books.rows(_MOVED)}
        batches = [_batch(row, moved) for row in books.rows(_BATCHES, MAX_BATCHES)]
        return {
            "batches": batches,
            "totals": _totals(batches),
            "accounts": [
                {"number": number, "currency": currency, "balance_minor": balance}
                for number, currency, balance in books.rows(_ACCOUNTS)
            ],
            "unbalanced_journals": books.rows(_UNBALANCED)[0][0],
            "messages": books.rows(_OUTBOX)[0][0],
            "last_message": books.rows(_OUTBOX)[0][1],
            "idle": books.rows(_PENDING)[0][0] == 0,
        }


def entries(books: Books, after: int, limit: int) -> list[dict[str, Any]]:
    """Journal entries numbered above `after`, in order."""
    rows = books.rows(_ENTRIES, after, limit)
    return [dict(zip(_ENTRY_FIELDS, row, strict=True)) for row in rows]


def _batch(row: tuple[Any, ...], moved: dict[tuple[str, str], tuple[int, int]]) -> dict[str, Any]:
    message_id, currency, refused, count, total, rejected, rejected_minor = row
    booked, booked_minor = moved.get((message_id, "booking"), (0, 0))
    pending = _figure(count - rejected - booked, total - rejected_minor - booked_minor)
    return {
        "message_id": message_id,
        "currency": currency,
        "refused": bool(refused),
        "instructed": _figure(count, total),
        "rejected": _figure(rejected, rejected_minor),
        "booked": _figure(booked, booked_minor),
        "returned": _figure(*moved.get((message_id, "return"), (0, 0))),
        "pending": pending,
    }


def _figure(count: int, amount_minor: int) -> dict[str, int]:
    return {"count": count, "amount_minor": amount_minor}


def _totals(batches: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, int]]]:
    totals: dict[str, dict[str, dict[str, int]]] = {}
    for batch in batches:
        if batch["refused"]:
            continue
        total = totals.setdefault(batch["currency"], {})
        for name in ("instructed", "rejected", "booked", "returned", "pending"):
            figure = total.setdefault(name, _figure(0, 0))
            figure["count"] += batch[name]["count"]
            figure["amount_minor"] += batch[name]["amount_minor"]
    return totals
