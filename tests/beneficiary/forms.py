"""Forms as a centre fills them in."""

from datetime import date
from typing import Any

from contracts.regional import Identifier, NameParts, PersonRegistered


def form(record_id: str, **changes: Any) -> PersonRegistered:
    """A good form of one man in Tuyên Quang."""
    filled: dict[str, Any] = {
        "record_id": record_id,
        "form_id": f"F-{record_id}",
        "role": "head",
        "name": NameParts(family="Hoàng", middle="Văn", given="Páo"),
        "sex": 1,
        "birth_date": date(1980, 5, 10),
        "identifiers": (Identifier(kind="vn-cccd", value="008080001234"),),
        "language": "vi",
        "place": "00694",
    }
    return PersonRegistered(**{**filled, **changes})


def stranger(record_id: str, number: int, **changes: Any) -> PersonRegistered:
    """A form of the n-th of ten men who have nothing in common."""
    cccd = Identifier(kind="vn-cccd", value=f"00808{number}{number:06d}")
    family, given = NAMES[number].split()
    name = NameParts(family=family, given=given)
    birth = date(1980 + number, 1 + number, 1 + number)
    told = {"identifiers": (cccd,), "name": name, "birth_date": birth}
    return form(record_id, **{**told, **changes})


NAMES = (
    "Lò An",
    "Giàng Bích",
    "Trần Châu",
    "Phạm Dũng",
    "Vừ Giang",
    "Sùng Hạnh",
    "Nguyễn Khoa",
    "Bàn Linh",
    "Đặng Mạnh",
    "Tẩn Quý",
)
