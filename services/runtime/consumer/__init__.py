"""The heart: a batch of bytes in, exactly one effect per event out.

Decode; open one transaction; let the guard pick what is due; cut it into waves (a key's consecutive
events for one handler share a wave); one call per handler per wave; store what was decided in the
outbox; commit; send. A fault of the data splits the batch in halves down to the one record, which
is set aside with its reason. An outage escapes: the batch comes again.
"""

from services.runtime.consumer.batches import Consumer
from services.runtime.consumer.claims import ClaimConsumer
from services.runtime.consumer.facts import FactConsumer

__all__ = ["ClaimConsumer", "Consumer", "FactConsumer"]
