import pytest

from services.notifications.domain.languages import LANGUAGES, language_for


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_prefers_an_offered_language_gets_it_anywhere(language: str) -> None:
    assert {language_for(language, region) for region in ("VN-07", "UA-26", "UZ-FA", "")} == {
        language
    }


@pytest.mark.parametrize(
    ("preferred", "region", "language"),
    [
        ("ru-UA", "UA-26", "ru"),
        ("uz-Cyrl-UZ", "UZ-FA", "uz-Cyrl"),
        ("uz", "UZ-FA", "uz-Latn"),
        ("uz-Arab", "UZ-FA", "uz-Latn"),
        ("hmn", "VN-07", "vi"),
        ("kaa", "UZ-QR-35201", "uz-Latn"),
        ("rom", "UA-26", "uk"),
        ("fr", "XX-1", "en"),
        ("enf", "VN-07", "vi"),
    ],
)
def test_others_get_the_nearest_or_the_language_of_the_offices(
    preferred: str, region: str, language: str
) -> None:
    assert language_for(preferred, region) == language
