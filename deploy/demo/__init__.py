"""The input of the demonstration: an invented list of one province's people, and its workers."""
