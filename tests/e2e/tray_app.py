"""A tray icon and nothing else, to try the tests' tray host with.

Prints `chose <entry>` for every click, and ends on Quit. Makes a new icon when a tray appears:
one that was made before never registers.
"""

import sys

from PySide6.QtCore import QObject, Slot
from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

TRAY = "org.kde.StatusNotifierWatcher"


class TrayApp(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.menu = QMenu()
        self.menu.addAction("Show _chat").triggered.connect(self.chat)
        pause = self.menu.addAction("Pause")
        pause.setCheckable(True)
        pause.toggled.connect(self.pause)
        self.menu.addAction("Later").setEnabled(False)
        self.menu.addSeparator()
        self.menu.addMenu("More").addAction("Deep").triggered.connect(self.deep)
        self.menu.addAction("Quit").triggered.connect(QApplication.quit)
        picture = QPixmap(32, 32)
        picture.fill("orange")
        self.picture = QIcon(picture)
        self.icon: QSystemTrayIcon | None = None
        self.watcher = QDBusServiceWatcher(TRAY, QDBusConnection.sessionBus())
        self.watcher.setWatchMode(QDBusServiceWatcher.WatchModeFlag.WatchForRegistration)
        self.watcher.serviceRegistered.connect(self.make_icon)
        self.make_icon()

    @Slot()
    def make_icon(self) -> None:
        if self.icon is not None:
            self.icon.hide()
        self.icon = QSystemTrayIcon(self.picture)
        self.icon.setToolTip("A tray icon")
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self.activated)
        self.icon.show()
        print("icon made", flush=True)

    def activated(self) -> None:
        print("activated", flush=True)

    def chat(self) -> None:
        print("chose chat", flush=True)

    def pause(self, on: bool) -> None:
        print(f"chose pause {on}", flush=True)

    def deep(self) -> None:
        print("chose deep", flush=True)


if __name__ == "__main__":
    application = QApplication(sys.argv)
    application.setQuitOnLastWindowClosed(False)
    application.setApplicationDisplayName("Tray app")
    tray = TrayApp()
    sys.exit(application.exec())
