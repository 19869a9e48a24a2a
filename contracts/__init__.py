"""The published language of Hamroh: envelopes, claims, facts, topics.

Imports the standard library and pydantic alone, so that a regional centre can install it and
nothing else. `catalogue` is the one table of what travels where; `codec` turns bytes into
envelopes and back, `places` the units that codes of places name.
"""
