"""The platform itself: the workers of registry, benefits and notifications, as they are deployed.

Each claim is read strictly, held against the registry by seven matching keys, registered, answered
with a receipt; personal data is sealed with a key of its own; a person, a status, a household, a
contact and a key are published. Benefits judges the person by the law of Viet Nam, plans the months
until a birthday changes something, keeps the decision with its reasons, starts the entitlement and
issues a notice. Notifications queues the message in the payee's language. Payments follow when two
officers approve a month, so they are no part of any pipe.
"""
