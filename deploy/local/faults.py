"""The one exception that the local stack shows to people."""


class LocalStackError(Exception):
    """Something is missing or failed; the message says what in one sentence, without secrets."""
