"""ISO 3166-2 codes of regions beside the national ones.

Facts of the standard (ISO 3166-2:UZ, :UA, :VN), written down by hand. The codes of Vietnamese
provinces that were merged on 1 July 2025 stay: who asks on a day gets the answer of that day.
"""

from collections.abc import Iterator

from deploy.places import ukraine

_UZ = (
    "AN=1703 BU=1706 JI=1708 QA=1710 NW=1712 NG=1714 SA=1718 SU=1722 SI=1724 TK=1726 TO=1727 "
    "FA=1730 XO=1733 QR=1735"
)
_UA = (
    "43=01 05=05 07=07 12=12 14=14 18=18 21=21 23=23 26=26 32=32 35=35 09=44 46=46 48=48 51=51 "
    "53=53 56=56 59=59 61=61 63=63 65=65 68=68 71=71 77=73 74=74 30=80 40=85"
)
"""To the first two digits of the KATOTTG code."""
_VN = (
    "HN=01 03=02 04=04 53=06 07=08 02=10 71=11 01=12 05=14 06=15 14=17 69=19 09=20 13=22 54=24 "
    "68=25 70=26 56=27 61=30 HP=31 66=33 20=34 63=35 67=36 18=37 21=38 22=40 23=42 24=44 25=45 "
    "26=46 DN=48 27=49 29=51 31=52 32=54 34=56 36=58 40=60 28=62 30=64 33=66 72=67 35=68 58=70 "
    "37=72 57=74 39=75 43=77 SG=79 41=80 46=82 50=83 51=84 49=86 45=87 44=89 47=91 CT=92 73=93 "
    "52=94 55=95 59=96"
)


def regions() -> Iterator[tuple[str, str]]:
    """ISO code and national code of every region."""
    codes = {row[0][2:4]: row[0] for row in ukraine.units() if row[1] == "region"}
    for country, pairs in (("UZ", _UZ), ("UA", _UA), ("VN", _VN)):
        for pair in pairs.split():
            iso, national = pair.split("=")
            yield (f"{country}-{iso}", codes[national] if country == "UA" else national)
