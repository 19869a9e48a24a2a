"""A generator of invented people for the demonstration; nobody in its list exists.

`people(seed, count)` yields rows, `labelled(seed, count)` the rows with the truth about each, for
tests. The command `python -m deploy.demo.people` writes the files. Making the list needs the
development dependency vietnam-provinces; reading it needs nothing.
"""

from deploy.demo.people.records import Label, Row, Worker, write_csv
from deploy.demo.people.register import labelled, people
from deploy.demo.people.workforce import workers

__all__ = ["Label", "Row", "Worker", "labelled", "people", "workers", "write_csv"]
