"""The 124 wards of Tuyên Quang (ISO 3166-2 VN-07) on its boundaries since 1 July 2025.

Codes and kinds come from the package vietnam-provinces (MIT; data of the General Statistics
Office), which is needed to make the list and by nothing that runs.
"""

from random import Random

from deploy.demo.people.names import weighted
from deploy.demo.people.records import Place

PROVINCE_CODE = 8  # of the statistics office; ISO 3166-2 counts differently
HANOI_CODE = 1
FIRST_CODE_OF_TUYEN_QUANG = "02200"  # lower ward codes of the merged province were Hà Giang's
DIFFICULT_SHARE = 0.45

HAMLET_HEADS = ("Nà", "Bản", "Khuổi", "Lũng", "Pác", "Nặm", "Phiêng")
HAMLET_TAILS = ("Luông", "Lạn", "Tông", "Khoang", "Hin", "Vài", "Mò", "Chang", "Pù", "Đeng")
STREETS = ("Trần Phú", "Quang Trung", "Lý Thường Kiệt", "Nguyễn Trãi", "Hai Bà Trưng", "17 tháng 8")

PEOPLES_OF_A_TOWN = {"kinh": 66, "tay": 20, "dao": 5, "hmong": 5, "nung": 4}
PEOPLES_OF_HA_GIANG = {"hmong": 36, "tay": 26, "dao": 16, "nung": 12, "kinh": 10}
PEOPLES_OF_TUYEN_QUANG = {"kinh": 42, "tay": 32, "dao": 16, "nung": 5, "hmong": 5}


def ward_codes(province_code: int = PROVINCE_CODE) -> dict[str, bool]:
    """Give the five-digit ward codes of a province in order, each with whether it is urban."""
    from vietnam_provinces import VietNamDivisionType, Ward  # a development dependency

    return {
        f"{ward.code.value:05}": ward.division_type is VietNamDivisionType.PHUONG
        for ward in sorted(Ward.iter_all(), key=lambda ward: ward.code.value)
        if ward.province_code.value == province_code
    }


def draw_places(rng: Random) -> list[Place]:
    """Give the wards, with an invented draw of which communes count as specially difficult."""
    return [
        Place(
            code=code,
            urban=urban,
            birth_province="002" if code < FIRST_CODE_OF_TUYEN_QUANG else "008",
            difficult=rng.random() < DIFFICULT_SHARE and not urban,
        )
        for code, urban in ward_codes().items()
    ]


def draw_people_of(rng: Random, place: Place) -> str:
    """Draw which of the province's peoples a household at the place belongs to."""
    if place.urban:
        return weighted(rng, PEOPLES_OF_A_TOWN)
    ha_giang = place.birth_province == "002"
    return weighted(rng, PEOPLES_OF_HA_GIANG if ha_giang else PEOPLES_OF_TUYEN_QUANG)


def draw_address(rng: Random, place: Place) -> str:
    """Draw a street and group in a town, a hamlet in a commune."""
    if place.urban:
        return f"Số {rng.randint(1, 180)}, đường {rng.choice(STREETS)}, tổ {rng.randint(1, 18)}"
    return (
        f"Thôn {rng.choice(HAMLET_HEADS)} {rng.choice(HAMLET_TAILS)}, nhà số {rng.randint(1, 90)}"
    )
