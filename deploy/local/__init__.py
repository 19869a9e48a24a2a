"""The whole platform on one machine: real Kafka, real PostgreSQL, no containers.

`python -m deploy.local up | status | logs | down | reset`. Needs Python 3.11 and the locked
packages only. `stack.Stack` is the same thing for tests and the demo.
"""
