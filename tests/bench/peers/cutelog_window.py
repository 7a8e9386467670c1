"""cutelog as its `main` opens it, with an ear. Run by the Python of .venv-cutelog, the port to listen on as argument.

Only what a person can see or do is asked of it: the rows of the table in front, the filter's field and its button,
the boxes of the levels.
"""

import sys
import time

import cutelog.resources  # noqa: F401 (its icons and forms)
from cutelog.config import CONFIG, ROOT_LOG
from cutelog.main_window import MainWindow
from ear import Ear
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QApplication, QCheckBox


def main(port: int) -> int:
    app = QApplication(sys.argv[:1])
    app.setWindowIcon(QIcon(":/cutelog.png"))
    CONFIG.set_overrides({"listen_host": "127.0.0.1", "listen_port": port, "default_serialization_format": "json"})
    window = MainWindow(ROOT_LOG, app, [])

    def rows() -> int:
        tab = window.loggerTabWidget.currentWidget()
        return 0 if tab is None else tab.filter_model.rowCount()

    def show_levels(tab, names) -> None:
        """Tick the boxes of *names* (all, without), as its own `disable_all_levels` unticks them all."""
        for row in range(tab.levelsTable.rowCount()):
            is_wanted = not names or tab.levelsTable.item(row, 1).text().lower() in names
            tab.levelsTable.cellWidget(row, 0).findChild(QCheckBox).setChecked(is_wanted)
        tab.level_show_changed(not names)

    def set_filter(pattern: str, is_regular: bool, levels: list) -> dict:
        """It is complete when the slot returns: the proxy model does it all at once."""
        tab = window.loggerTabWidget.currentWidget()
        tab.set_search_regex(is_regular)
        # Its regular expressions must match the whole message.
        tab.searchLine.setText(f".*{pattern}.*" if is_regular else pattern)
        began_s = time.perf_counter()
        if levels:
            show_levels(tab, levels)
        else:
            tab.filterButton.click()
        return {"took_ms": (time.perf_counter() - began_s) * 1000, "rows": rows()}

    def clear() -> dict:
        tab = window.loggerTabWidget.currentWidget()
        if tab.search_filter:
            tab.filterButton.click()
        else:
            show_levels(tab, [])
        return {}

    ear = Ear(rows, {"filter": set_filter, "clear": clear})
    ear.say("ready")
    return int(app.exec_())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
