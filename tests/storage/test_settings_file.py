"""The settings file: read as it stands, told what is wrong with it, written whole or not at all."""

from pathlib import Path

import pytest

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.settings_file import read_settings, write_settings


def test_what_was_written_is_read(tmp_path: Path) -> None:
    settings = LogSettings(console=True, max_age_days=7)
    write_settings(tmp_path / "new" / "settings.json", settings)
    assert read_settings(tmp_path / "new" / "settings.json") == settings
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["settings.json"]


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "settings.json") == LogSettings()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{oops", "is not JSON: .* Mend or delete it"),
        (b"[1]", "must hold one JSON object"),
        (b"\xff", "it is not UTF-8"),
        (b'{"file_level":"loud"}', "file_level: 'loud' is not a level"),
        (b'{"volume":11}', "'volume' is not a setting"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=sentence) as wrong:
        read_settings(path)
    assert str(path) in str(wrong.value)
    assert str(wrong.value).endswith(" Mend or delete it.")
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Cannot read the settings"):
        read_settings(tmp_path)


def test_settings_that_cannot_be_kept_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="They hold until the program ends"):
        write_settings(tmp_path / "file" / "settings.json", LogSettings())
