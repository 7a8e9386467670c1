"""A PySide6 window with nothing in it: what no window of this kind can be below."""

import signal
import sys

from PySide6.QtWidgets import QApplication, QMainWindow

# Qt's loop would not let Python see the signal.
signal.signal(signal.SIGTERM, signal.SIG_DFL)
application = QApplication(["empty"])
window = QMainWindow()
window.setWindowTitle("empty")
window.resize(1400, 900)
window.show()
sys.exit(application.exec())
