"""The mechanism, once: what every service stands on. Imports contracts and third parties only.

`consumer` takes batches of bytes and gives each event exactly one effect; `outbox` publishes what
was decided; `timers` call out; `web` takes requests. A service names its topics and handlers in
`worker.py` and its routes in `api.py`, and never imports Kafka or a database driver.
"""
