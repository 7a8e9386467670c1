"""What macOS asks a running program to open, by an event as it sends them, is heard; also when it comes early."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.program import Program

PROGRAM = """
import sys
from PySide6.QtCore import QCoreApplication, QTimer, QUrl
from PySide6.QtGui import QFileOpenEvent
from desktop_logs.laterstarts import Application, LaterStarts
from desktop_logs.core.handover import Answer

application = Application([])
starts = LaterStarts(application)
assert starts.listen("") == ""

def ask(*events):
    for event in events:
        QCoreApplication.postEvent(application, event)

def serve():
    print("serving")
    starts.serve(lambda handover: Answer(), lambda item: print(item))
    ask(QFileOpenEvent("/var/log/late app.log"), QFileOpenEvent(QUrl("desktop-logs://connect?url=http://late")))
    QTimer.singleShot(100, end)

def end():
    starts.close()
    ask(QFileOpenEvent("/nobody/hears"))
    QTimer.singleShot(100, application.quit)

ask(QFileOpenEvent(sys.argv[1]), QFileOpenEvent(QUrl("desktop-logs://connect?url=http://early")))
QTimer.singleShot(100, serve)
application.exec()
"""


def test_links_and_files_of_events_are_opened_in_their_order(start: Callable[..., Program], tmp_path: Path) -> None:
    early = str(tmp_path / "early.log")
    program = start([sys.executable, "-c", PROGRAM, early])
    assert program.wait() == 0
    assert program.stdout == [
        "serving",
        early,
        "desktop-logs://connect?url=http://early",
        "/var/log/late app.log",
        "desktop-logs://connect?url=http://late",
    ]
    assert program.stderr == []
