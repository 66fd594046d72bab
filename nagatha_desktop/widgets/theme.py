"""Which theme holds now: the system's, or the one that the person pinned.

Owns `ThemeController`, which puts palette and style sheet on the application and says when
they change. The values are in `tokens`, what Qt makes of them in `style`.
"""

from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication

from nagatha_desktop.widgets.style import palette, style_sheet
from nagatha_desktop.widgets.tokens import DARK, LIGHT, MEASURES, Measures, Theme, Tone

__all__ = [
    "DARK",
    "LIGHT",
    "MEASURES",
    "Measures",
    "Theme",
    "ThemeController",
    "ThemeMode",
    "Tone",
    "palette",
    "style_sheet",
]

ThemeMode: TypeAlias = Literal["system", "light", "dark"]


class ThemeController(QObject):
    """Keeps the application in the theme that the system or the person wants."""

    changed = Signal(object)
    """The `Theme` that holds from now on. The application wears it already."""

    def __init__(self, app: QApplication, mode: ThemeMode = "system") -> None:
        """`app` is dressed at once."""
        super().__init__(app)
        self._app = app
        self._mode: ThemeMode = mode
        self._hints = app.styleHints()
        app.setStyle("Fusion")
        self._current = self._wanted()
        self._dress()
        self._hints.colorSchemeChanged.connect(self._scheme_changed)

    @property
    def current(self) -> Theme:
        """The theme that holds now."""
        return self._current

    @property
    def mode(self) -> ThemeMode:
        """What the person chose."""
        return self._mode

    def set_mode(self, mode: ThemeMode) -> None:
        """Follow the system, or stay light or dark whatever it says."""
        self._mode = mode
        # Title bars and menus that the system draws follow this hint.
        if mode == "system":
            self._hints.unsetColorScheme()
        else:
            self._hints.setColorScheme(
                Qt.ColorScheme.Dark if mode == "dark" else Qt.ColorScheme.Light
            )
        self._update()

    @Slot()
    def _scheme_changed(self) -> None:
        self._update()

    def _wanted(self) -> Theme:
        if self._mode == "system":
            return DARK if self._hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._mode == "dark" else LIGHT

    def _update(self) -> None:
        wanted = self._wanted()
        if wanted is self._current:
            return
        self._current = wanted
        self._dress()
        self.changed.emit(wanted)

    def _dress(self) -> None:
        self._app.setPalette(palette(self._current))
        self._app.setStyleSheet(style_sheet(self._current))
