"""The dialog that asks for a server and what is needed to be let in, and lets it be tested. It opens no tab itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_logs.core.addresses import DEFAULT_PATH, ServerAddress
from desktop_logs.core.connecting import Certificate, Target, Trust
from desktop_logs.core.errors import QueryError, UserError
from desktop_logs.core.query import parse
from desktop_logs.tasks import Tasks
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.connectiontest import ConnectionTest
from desktop_logs.ui.forms import ProblemLabel, field_label, grow_to_fit, mark_invalid, muted_label, push_button
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.recentlist import RecentServers
from desktop_logs.ui.theme import FIELD_HEIGHT, Theme
from desktop_logs.ui.trustfields import TrustFields

_WIDTH_PX: Final = 560
_LEAST_WIDTH_PX: Final = 480
_NO_KEYRING: Final = "The token is kept only until this program ends: this system has no keyring."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for."""

    target: Target
    keeps_token: bool | None
    """Whether the token is to be in the keyring from now on; None where there is no keyring, or none was found yet."""


class ConnectDialog(QDialog):
    """Shown with `open()`. It closes when whoever heard `connect_requested` did not call `show_problem` in answer."""

    connect_requested = Signal(object)
    """Wanted."""
    recent_removed = Signal(object)
    """A Target that is to be forgotten."""

    def __init__(
        self, theme: Theme, actions: WindowActions, recents: Sequence[Target], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Connect to a server")
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self._actions = actions
        self._tasks = Tasks()
        self._asking: asyncio.Task[str] | None = None
        """The keyring is asked for a token."""
        self._origin = muted_label()
        self._origin.hide()
        self._url = QLineEdit()
        self._url.setPlaceholderText("http://localhost:3000")
        self._path = QLineEdit()
        self._path.setPlaceholderText(DEFAULT_PATH)
        self._token = QLineEdit()
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.setPlaceholderText("none")
        self._reveal = push_button("Show")
        self._reveal.setAccessibleName("Show the token")
        self._reveal.setCheckable(True)
        self._reveal.toggled.connect(self._show_token)
        self._keep = QCheckBox("&Keep the token in the system's keyring")
        self._keep.setChecked(True)
        self._keep.hide()
        self._kept = muted_label(_NO_KEYRING)
        self._kept.hide()
        self._only = _OnlyField(theme)
        self._trust = TrustFields()
        self._trust_label = field_label("&Certificates", self._trust.choice)
        self._trust_label.setFixedHeight(FIELD_HEIGHT)  # beside the choice, whatever stands below that
        self._problem = ProblemLabel()
        self._test = ConnectionTest(theme, actions.test, self._tasks, self)
        self._test.busy_changed.connect(self._show_busy)
        self._test.certificate_accepted.connect(self._accept_certificate)
        self._recents = RecentServers(recents)
        self._recents.picked.connect(self._pick)
        self._recents.wanted.connect(self._connect)
        self._recents.removed.connect(self.recent_removed)
        for field in (self._url, self._path, self._token, self._only):
            field.textEdited.connect(self._edited)
        self._url.textChanged.connect(self._show_trust)
        self._trust.edited.connect(self._edited)
        self._arrange()
        self._show_trust()
        self.resize(_WIDTH_PX, self.sizeHint().height())
        self._url.setFocus()
        self._looking = self._tasks.start(self._look_for_keyring(), "look for a keyring")

    def fill(self, target: Target) -> None:
        """Put *target* into the fields, to be changed or connected again."""
        self._edited()
        self._url.setText(target.address.url)
        self._path.setText("" if target.address.path == DEFAULT_PATH else target.address.path)
        self._token.setText(target.token)
        self._only.setText(target.query)
        self._trust.fill(target.trust)

    def offer(self, target: Target, more: int = 0) -> None:
        """Put *target* into the fields, with the token that the keyring has for it, and say that a link asks for it,
        behind which *more* wait: anybody may have written it, and a person is to look first."""
        self._origin.show()
        self.tell_waiting(more)
        self._pick(target)

    def tell_waiting(self, more: int) -> None:
        """*more* links wait behind the one that is offered."""
        waiting = f" {more} more {'link waits' if more == 1 else 'links wait'} behind it." if more else ""
        self._origin.setText(f"A link asks for this connection. Connect if you know the server.{waiting}")

    def show_problem(self, text: str) -> None:
        """Say below the fields why it did not work; when the dialog has closed already, it opens again as it was."""
        self._problem.say(text)
        if not self.isVisible():
            self.open()
        self._url.setFocus()

    # Qt's side

    def event(self, event: QEvent) -> bool:
        is_taken = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            grow_to_fit(self)  # for fields and wrapped lines that came: Qt would rather cut them off
        return is_taken

    def done(self, result: int) -> None:
        # Cancelled or connected: nobody wants to know any more what is being asked.
        self._test.clear()
        self._forget_asking()
        self._looking.cancel()
        super().done(result)

    # Inside

    def _arrange(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        fields.setColumnStretch(1, 1)
        token = QHBoxLayout()
        token.setSpacing(8)
        token.addWidget(self._token, 1)
        token.addWidget(self._reveal)
        fields.addWidget(field_label("&URL", self._url), 0, 0)
        fields.addWidget(self._url, 0, 1)
        fields.addWidget(field_label("&Path", self._path), 1, 0)
        fields.addWidget(self._path, 1, 1)
        fields.addWidget(self._trust_label, 2, 0, Qt.AlignmentFlag.AlignTop)
        fields.addWidget(self._trust, 2, 1)
        fields.addWidget(field_label("T&oken", self._token), 3, 0)
        fields.addLayout(token, 3, 1)
        fields.addWidget(self._keep, 4, 1)
        fields.addWidget(self._kept, 5, 1)
        fields.addWidget(field_label("On&ly", self._only), 6, 0)
        fields.addWidget(self._only, 6, 1)
        fields.addWidget(self._problem, 7, 0, 1, 2)
        self._test_button = push_button("&Test")
        self._test_button.clicked.connect(self._test_clicked)
        cancel = push_button("Cancel")
        cancel.clicked.connect(self.reject)
        connect = push_button("Connect", primary=True)
        connect.clicked.connect(self._connect)
        buttons = QHBoxLayout()
        buttons.addWidget(self._test_button)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(connect)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(self._origin)
        layout.addLayout(fields)
        layout.addWidget(self._test)
        layout.addWidget(self._recents)
        layout.addSpacing(8)
        layout.addStretch(1)
        layout.addLayout(buttons)
        # As they stand, whatever was made first.
        order: list[QWidget] = [self._url, self._path, *self._trust.stops, self._token, self._reveal, self._keep]
        order += [self._only, *self._test.stops, *self._recents.stops, self._test_button, cancel, connect]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def _target(self) -> Target | None:
        """What the fields say; None when one cannot be used, which is told then."""
        self._forget_problem()
        url = self._url.text()
        try:
            address = ServerAddress.parse(url, self._path.text())
        except UserError as fault:
            self._tell_fault(self._address_field(url), str(fault))
            return None
        trust = Trust()
        if address.url.startswith("https:"):
            if (wrong := self._trust.fault) is not None:
                self._tell_fault(*wrong)
                return None
            trust = self._trust.trust
        query = self._only.text().strip()
        try:
            parse(self._only.text(), time.time_ns())
        except QueryError as fault:
            self._tell_fault(self._only, f"Only: {fault}")
            self._only.set_fault(fault.position)
            return None
        return Target(address, self._token.text().strip(), trust, query)

    def _connect(self) -> None:
        if self._asking is not None:
            # A double click on a server whose token is on its way out of the keyring.
            self._asking.add_done_callback(lambda _task: self._connect() if self.isVisible() else None)
            return
        target = self._target()
        if target is None:
            return
        keeps = self._keep.isChecked() if not self._keep.isHidden() else None
        self.connect_requested.emit(Wanted(target, keeps))
        if self.isVisible() and not self._problem.sentence:
            self.accept()

    def _address_field(self, url: str) -> QLineEdit:
        """The field that is at fault: the path when the URL alone could be used."""
        try:
            ServerAddress.parse(url)
        except UserError:
            return self._url
        return self._path

    def _tell_fault(self, field: QLineEdit, sentence: str) -> None:
        self._test.clear()
        mark_invalid(field, True)
        self._problem.say(sentence)
        field.setFocus()
        if field is not self._only:
            field.selectAll()

    def _edited(self) -> None:
        """What was said, tested or asked for is not what the fields say now."""
        self._forget_problem()
        self._test.clear()
        self._forget_asking()

    def _forget_problem(self) -> None:
        self._problem.say("")
        mark_invalid(self._url, False)
        mark_invalid(self._path, False)
        self._only.set_fault(None)
        self._trust.forget_fault()

    def _show_trust(self) -> None:
        """Certificates are asked for where there are any."""
        try:
            is_tls = ServerAddress.parse(self._url.text()).url.startswith("https:")
        except UserError:
            is_tls = False
        self._trust.setVisible(is_tls)
        self._trust_label.setVisible(is_tls)

    def _show_token(self, is_shown: bool) -> None:
        self._token.setEchoMode(QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password)
        self._reveal.setText("Hide" if is_shown else "Show")

    # The test

    def _test_clicked(self) -> None:
        if self._test.is_busy:
            self._test.clear()
        elif (target := self._target()) is not None:
            self._test.start(target)

    def _show_busy(self, is_busy: bool) -> None:
        self._test_button.setText("S&top the test" if is_busy else "&Test")

    def _accept_certificate(self, certificate: Certificate) -> None:
        self._trust.fill(Trust(fingerprint=certificate.fingerprint))
        self._test_button.setFocus()
        self._test_clicked()

    # The keyring

    async def _look_for_keyring(self) -> None:
        has_keyring = await self._actions.keeps_tokens()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return  # wait_for of Python 3.11 returns what came together with the cancellation: the dialog may be gone
        self._keep.setVisible(has_keyring)
        self._kept.setVisible(not has_keyring)

    def _pick(self, recent: Target) -> None:
        self.fill(recent)
        self._asking = self._tasks.start(self._actions.kept_token(recent.address), "ask the keyring for a token")
        self._asking.add_done_callback(self._take_token)

    def _take_token(self, task: asyncio.Task[str]) -> None:
        if task is not self._asking:
            return
        self._asking = None
        if not task.cancelled() and task.exception() is None:
            self._token.setText(task.result())

    def _forget_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


class _OnlyField(QueryField):
    """A query without the buttons of the bar. Escape is the dialog's."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setAccessibleName("Only")
        self.setPlaceholderText("everything, or for example level>=warn")
        self.setToolTip("A query: the hub sends only what it selects. A server without queries sends everything.")
        self.star.hide()
        for action in self.actions():
            self.removeAction(action)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)
