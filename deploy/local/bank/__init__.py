"""A bank for one machine: takes payment orders, keeps its own books, answers in its own time.

It stands for the agency's real bank, so it is a process of its own and shares neither code nor
tables with the platform: what it booked can be held against what the platform believes. It speaks
ISO 20022: `pain.001.001.09` in, `pain.002.001.12` and `camt.054.001.08` out.

- `POST /payments`: one order file. 202 once it is stored; the same bytes again get the same
  answer. 422 with a `pain.002` (group status RJCT) where the file as a whole is refused: broken,
  sums wrong, other bytes under a known message id (DU01), a known end-to-end id (DU04). 413 above
  32 MiB, 415 if it is not XML. 504 if the answer gets lost by seed: ask again.
- `GET /messages?after=N&limit=M`: the bank's outbox in order, numbered from 1 without gaps.
- `GET /ledger`, `GET /ledger/entries?after=N&limit=M`: the books, for auditors.
- `GET /health/ready`.

By seed it rejects payments, returns them after booking, books some late, says things twice and
loses answers; what happens to a payment depends on nothing but the seed and its end-to-end id.

`python -m deploy.local.bank --port P --directory D --seed N`
"""
