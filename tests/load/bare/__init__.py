"""A bare pipe: the least that moves the same records and rows through three services without loss.

Each service: aiokafka takes up to 1,000 records of all its topics; one statement notes claims by id
and facts by their place in their key's order, writes all rows and the outbox, one commit; then one
`send_batch` per partition from memory, and a delete of exactly the outbox rows that were sent.
uvloop, frozen collector. Records, tables and indexes are like the platform's (`tests.load.alike`,
`tests.load.simple`). It validates nothing, decides nothing (amounts are constants), seals nothing
(as many bytes in base64 instead), matches nobody (seven plain digests instead), reads no row but
positions, waits for no contact and no turn, replaces nothing that it holds, and numbers facts
within one claim alone. What a crash leaves in the outbox, nobody sweeps.
"""
