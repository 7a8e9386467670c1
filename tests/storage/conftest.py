"""Disk threads for the tests, closed at the end of each."""

from __future__ import annotations

import pytest

from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.disk import DiskThread
from tests.storage.history_support import Folder
from tests.storage.support import DAY, WAIT_S, text_of


@pytest.fixture
def make_disk(tmp_path):
    """Makes disk threads that are closed at the end."""
    made = []

    def make(settings=None, **options):
        options = {"encode": text_of, "today": lambda: DAY, **options}
        made.append(DiskThread(tmp_path / "logs", settings or LogSettings(), **options))
        return made[-1]

    yield make
    for disk in made:
        assert disk.close(WAIT_S)


@pytest.fixture
def disk(make_disk):
    made = make_disk()
    made.start()
    return made


@pytest.fixture
def data(tmp_path):
    """A data folder with a history."""
    made = Folder(tmp_path)
    yield made
    made.close()
