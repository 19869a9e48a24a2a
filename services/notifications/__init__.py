"""Messages to people: in their language, by phone or mail, and what became of each.

owns: messages; keeps languages, sealed contacts and wrapped keys as the registry sent them
consumes: beneficiary.person.v1, beneficiary.contact.v1, beneficiary.key.v1, benefits.notice.v1
publishes: notifications.message.delivered, notifications.message.failed
"""
