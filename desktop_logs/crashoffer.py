"""Offers the reports of faults to be read, by a notice on the local pages. What stands in one is made elsewhere."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from desktop_logs.core.crashreport import offer_sentence
from desktop_logs.crashes import Crashes
from desktop_logs.crashfolder import CrashFolder, Report
from desktop_logs.ui.notices import Action
from desktop_logs.windows import Windows

_LAST_TIME: Final = "crash"
_NOW: Final = "fault"


def offer_reports(crashes: Crashes, windows: Windows, loop: asyncio.AbstractEventLoop) -> None:
    """Offer what earlier runs have left in *windows*, and from now on what happens in this one."""
    offer = _Offer(crashes.folder, windows)
    offer.tell_last_time()

    def tell(report: Report) -> None:
        # In whichever thread the fault was. Soon, and not at once: it may have been in the drawing of the window.
        if not loop.is_closed():
            loop.call_soon_threadsafe(offer.tell_now, report)

    crashes.tell = tell


class _Offer:
    """A report is offered until it is read, deleted or dismissed; then at no start any more."""

    def __init__(self, folder: CrashFolder, windows: Windows) -> None:
        self._folder = folder
        self._windows = windows
        self._offered: dict[str, list[Report]] = {}
        """By the key of the notice, the newest first."""
        windows.notice_dismissed.connect(self._settle)

    def tell_last_time(self) -> None:
        unseen = self._folder.unseen()
        if unseen:
            self._tell(_LAST_TIME, unseen, _sentence(unseen[0]))

    def tell_now(self, report: Report) -> None:
        reports = [report, *self._offered.get(_NOW, ())]
        self._tell(_NOW, reports, "Something in Desktop Logs failed; it goes on.")

    def _tell(self, key: str, reports: list[Report], sentence: str) -> None:
        self._offered[key] = reports
        more = (
            f" There {'is' if len(reports) == 2 else 'are'} {len(reports) - 1} more beside it." if reports[1:] else ""
        )
        actions: list[Action] = [("Show it", lambda: self._show(key)), ("Delete it", lambda: self._delete(key))]
        text = f"{sentence} A report was written; it holds no log contents.{more}"
        self._windows.clear_notice(key)  # a second fault may read as the first, which was dismissed
        self._windows.show_notice(key, text, "warning", actions)

    def _show(self, key: str) -> None:
        # Loaded when it is opened: the window is there sooner.
        from desktop_logs.ui.report_dialog import ReportDialog

        report = self._offered[key][0]
        try:
            text = report.text()
        except OSError as gone:
            text = f"The report {report.path} cannot be read: {gone.strerror}."
        dialog = ReportDialog(_sentence(report), text, report.path, self._windows.front)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        self._settle(key)

    def _delete(self, key: str) -> None:
        self._folder.delete(self._offered[key][0])
        self._settle(key)

    def _settle(self, key: str) -> None:
        if key in self._offered:
            self._folder.mark_seen(self._offered.pop(key))
            self._windows.clear_notice(key)  # in the others too


def _sentence(report: Report) -> str:
    return offer_sentence(report.ended, report.at.astimezone(), datetime.now().astimezone())
