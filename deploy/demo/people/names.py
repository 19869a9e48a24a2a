"""Name lists of the province's peoples, compiled by hand, and how a name is drawn from them.

Hmong, Tày, Dao and Nùng names are written in Vietnamese letters, as civil registration does.
Kinh family names carry the real skew (Nguyễn 38 %); the other weights are chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from deploy.demo.people.records import FEMALE, MALE


@dataclass(frozen=True, slots=True)
class NameLists:
    """Family names and middle names with weights, given names by sex."""

    families: Mapping[str, float]
    middles: Mapping[str, Mapping[str, float]]
    givens: Mapping[str, Sequence[str]]


def words(text: str) -> tuple[str, ...]:
    """Split a list that is written as one line of words."""
    return tuple(text.split())


KINH_MALE = words(
    "Hùng Dũng Tuấn Anh Sơn Long Hải Nam Thắng Tùng Trung Kiên Hiếu Đạt Quân Khoa Phong Bình "
    "Hòa Lâm Toàn Thành Tiến Vinh Huy Cường Duy Nghĩa Phúc Hoàn"
)
KINH_FEMALE = words(
    "Hương Lan Hoa Mai Linh Hà Hạnh Nga Thảo Trang Yến Thúy Thủy Hiền Huệ Ngân Nhung Loan Oanh "
    "Phượng Quỳnh Dung Hòa Liên Nguyệt Vân Xuân Cúc Tâm Hằng"
)
VIETNAMESE_MIDDLES = {
    MALE: {"Văn": 45, "Đức": 9, "Minh": 8, "Quang": 7, "Hữu": 6, "Xuân": 6, "Ngọc": 6, "Công": 5},
    FEMALE: {"Thị": 60, "Thu": 8, "Ngọc": 7, "Thanh": 6, "Minh": 6, "Hồng": 5, "Bích": 4, "Kim": 4},
}

NAMES: Mapping[str, NameLists] = {
    "kinh": NameLists(
        families={
            "Nguyễn": 38.4, "Trần": 11, "Lê": 9.5, "Phạm": 7, "Hoàng": 5, "Vũ": 4, "Đặng": 3,
            "Bùi": 3, "Đỗ": 3, "Ngô": 2, "Dương": 2, "Phan": 2, "Trịnh": 1.5, "Đinh": 1.5,
            "Lưu": 1, "Mai": 1, "Tạ": 1, "Đoàn": 1, "Cao": 1, "Hà": 1,
        },
        middles=VIETNAMESE_MIDDLES,
        givens={MALE: KINH_MALE, FEMALE: KINH_FEMALE},
    ),
    "tay": NameLists(
        families={
            "Hoàng": 20, "Nông": 16, "Ma": 16, "Nguyễn": 12, "Lương": 7, "Hà": 6, "Quan": 6,
            "Chẩu": 5, "Lục": 4, "La": 4, "Bế": 2, "Đàm": 2,
        },
        middles=VIETNAMESE_MIDDLES,
        givens={
            MALE: (*KINH_MALE, "Thuyên", "Khuyến", "Thiêm", "Đàn", "Nhất", "Tuyên", "Viện"),
            FEMALE: (*KINH_FEMALE, "Thơm", "Khuyên", "Bưởi", "Đào", "Mơ", "Thêm", "Chiêm"),
        },
    ),
    "hmong": NameLists(
        families={
            "Vàng": 18, "Giàng": 16, "Sùng": 14, "Thào": 11, "Lầu": 8, "Vừ": 7, "Mua": 6,
            "Hạng": 5, "Ly": 5, "Hầu": 3, "Sình": 3, "Cháng": 2, "Tráng": 2,
        },
        middles={
            MALE: {"Mí": 36, "A": 30, "Văn": 12, "Seo": 10, "": 12},
            FEMALE: {"Thị": 55, "": 45},
        },
        givens={
            MALE: words(
                "Pó Sính Chứ Lử Vư Sáu Say Chơ Tủa Phử Lình Và Tính Chá Dia Nhù Sò Súa Páo Già "
                "Hồng Sơn"
            ),
            FEMALE: words(
                "Mỷ Máy Say Chở Dợ Pà Mai Súa Vá Sua Xía Chía Dua Ca Lía Pàng Mo Cở Sai Lan "
                "Hoa"
            ),
        },
    ),
    "dao": NameLists(
        families={
            "Bàn": 22, "Triệu": 20, "Đặng": 18, "Lý": 14, "Phàn": 9, "Tẩn": 7, "Chảo": 5,
            "Phùng": 5,
        },
        middles={
            MALE: {"Văn": 40, "Tòn": 14, "Chòi": 10, "Kiềm": 10, "Tiến": 8, "Chàn": 10, "Phúc": 8},
            FEMALE: {"Thị": 45, "Mùi": 25, "Mẩy": 15, "Tả": 15},
        },
        givens={
            MALE: words(
                "Sơn Phú Vạng Phẩu Quý Tình Minh Hín Phin Thanh Chiêu Lai Pu Dần Nhàn Quân Tiến "
                "Hưng"
            ),
            FEMALE: words(
                "Mẩy Nái Chài Phàm Mụi Khe Diện Viện Xuân Hương Hoa Liều Phấy Sính Lụa Nhậy"
            ),
        },
    ),
    "nung": NameLists(
        families={
            "Nông": 22, "Hoàng": 18, "Lù": 14, "Vương": 12, "Thèn": 10, "Lùng": 8, "Cháng": 8,
            "Ly": 8,
        },
        middles=VIETNAMESE_MIDDLES,
        givens={
            MALE: (*KINH_MALE[:18], "Dìn", "Phà", "Sẩn", "Lèng", "Chúng", "Sỹ"),
            FEMALE: (*KINH_FEMALE[:18], "Dín", "Phương", "Chẩn", "Lý", "Sen", "Nhình"),
        },
    ),
}  # fmt: skip

# Names of public figures that the lists could compose by chance; nobody here is a real person.
PUBLIC_FIGURES = frozenset(
    {
        "Nông Đức Mạnh", "Chẩu Văn Lâm", "Triệu Tài Vinh", "Thào Hồng Sơn", "Lê Hồng Phong",
        "Lê Đức Anh", "Trần Đức Lương", "Nguyễn Minh Triết", "Nguyễn Xuân Phúc", "Lê Minh Hưng",
        "Nguyễn Hòa Bình", "Lê Minh Khái", "Trần Hồng Hà", "Nguyễn Thị Thanh", "Hà Thị Nga",
        "Nguyễn Văn Sơn", "Phan Văn Giang", "Hoàng Trung Dũng", "Lê Văn Lương", "Đỗ Văn Chiến",
    }
)  # fmt: skip


def weighted(rng: Random, weights: Mapping[str, float]) -> str:
    """Draw one key with the given weights."""
    return rng.choices(list(weights), list(weights.values()))[0]


def draw_name(rng: Random, people: str, sex: str, family: str = "") -> tuple[str, str, str]:
    """Draw family, middle and given name; a family name already known is kept."""
    lists = NAMES[people]
    while True:
        name = (
            family or weighted(rng, lists.families),
            weighted(rng, lists.middles[sex]),
            rng.choice(lists.givens[sex]),
        )
        if full_name(*name) not in PUBLIC_FIGURES and name[0] != name[2]:
            return name


def full_name(family: str, middle: str, given: str) -> str:
    """Join the parts that are there in Vietnamese order."""
    return " ".join(part for part in (family, middle, given) if part)
