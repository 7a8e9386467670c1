"""The settings object: what it takes, and with which sentence it refuses."""

import pytest

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.settings import LogSettings


def test_plain_values_there_and_back() -> None:
    settings = LogSettings(console=True, file_level="debug", max_age_days=7)
    assert LogSettings.from_mapping(settings.as_mapping()) == settings


def test_a_change_makes_a_new_one() -> None:
    settings = LogSettings()
    assert settings.changed(files=False).files is False
    assert settings.files is True


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file_level": "loud"}, "file_level: 'loud' is not a level"),
        ({"error_level": 7}, "error_level must be a level's name, not 7"),
        ({"files": "yes"}, "files must be true or false, not 'yes'"),
        ({"max_file_bytes": 5}, "max_file_bytes must be a whole number from 1,000 to"),
        ({"max_age_days": True}, "max_age_days must be a whole number"),
        ({"max_age_days": 0}, "max_age_days must be a whole number from 1"),
        ({"colour": "red"}, "'colour' is not a setting. Known ones: console, "),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        LogSettings().changed(**change)
