"""The bank, seen from here: orders go out as ISO 20022 files, answers come back numbered.

`pain001` writes a batch, `BankGateway` carries it and fetches what the bank has to say,
`read_bank_message` turns that into plain answers. A file that was sent without an answer is sent
again as it was: the same batch always makes the same bytes under the same message id.
"""

from services.benefits.gateways.answers import (
    BankAnswer,
    BatchRejected,
    EntryUnmatched,
    PaymentBooked,
    PaymentRejected,
    PaymentReturned,
    StatusUnmatched,
    UnreadableBankMessageError,
    read_bank_message,
)
from services.benefits.gateways.bank import (
    BankGateway,
    BankUnavailableError,
    FileContradicted,
    FileRefused,
    FileTaken,
    NumberedMessage,
    OutboxBrokenError,
    OutcomeUnknown,
    SendOutcome,
)
from services.benefits.gateways.orders import PaymentBatch, PaymentOrder, pain001

__all__ = [
    "BankAnswer",
    "BankGateway",
    "BankUnavailableError",
    "BatchRejected",
    "EntryUnmatched",
    "FileContradicted",
    "FileRefused",
    "FileTaken",
    "NumberedMessage",
    "OutboxBrokenError",
    "OutcomeUnknown",
    "PaymentBatch",
    "PaymentBooked",
    "PaymentOrder",
    "PaymentRejected",
    "PaymentReturned",
    "SendOutcome",
    "StatusUnmatched",
    "UnreadableBankMessageError",
    "pain001",
    "read_bank_message",
]
