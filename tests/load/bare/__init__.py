"""A bare pipe: the least that moves claims through three services without loss.

Each service: aiokafka takes up to 1,000 records, one statement notes their ids, writes their rows
and an outbox row each, one commit; then one `send_batch` per partition from memory, and a delete of
exactly the rows that were sent. uvloop, frozen collector. It validates nothing, decides nothing,
seals nothing, matches nobody, and keeps no order or history: the amount is a constant.
"""
