"""Icons by what they mean, in the colours of the theme.

Owns the names. The few that the first window shows are drawn from paths written here; the rest
comes from a font of qtawesome's, which is read when the first of them is painted. The
program's and the tray's icons are SVG files in resources/icons. Knows no window.
"""

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QByteArray, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGlyphRun, QIcon, QIconEngine, QPainter, QPixmap, QRawFont
from PySide6.QtSvg import QSvgRenderer

from nagatha_desktop.widgets.theme import ThemeController

Colour: TypeAlias = Literal["ink", "muted", "accent", "on_accent", "ok", "warn", "bad"]
TrayState: TypeAlias = Literal["idle", "busy", "needs_you", "error"]

_FOLDER = Path(__file__).resolve().parents[2] / "resources" / "icons"

# 16 units square, stroked 1.5 units wide, unless "fill" comes first.
_DRAWN = {
    "plus": "M8 3v10M3 8h10",
    "send": "M8 13V3.5M3.5 8 8 3.5 12.5 8",
    "stop": "fill M4.5 3.5h7a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z",
    "search": "M7 2.75a4.25 4.25 0 1 0 0 8.5a4.25 4.25 0 1 0 0-8.5M10.2 10.2 13.5 13.5",
    "down": "M4 6l4 4 4-4",
    "up": "M4 10l4-4 4 4",
    "left": "M10 4 6 8l4 4",
    "right": "M6 4l4 4-4 4",
    "close": "M4 4l8 8M12 4l-8 8",
    "more": "fill M3 8a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M6.8 8a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0"
    " 1 0-2.4 0M10.6 8a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0",
    "check": "M3.5 8.5l3 3 6-6.5",
    "latest": "M8 3v9.5M4 8.8l4 3.9 4-3.9",
    "menu": "M3 4.5h10M3 8h10M3 11.5h10",
    "archive": "M2.75 3.25h10.5v3H2.75zM4 6.25v6.5h8v-6.5M6.5 9h3",
}
_FROM_FONT = {
    "copy": "copy",
    "retry": "arrow-clockwise",
    "edit": "pencil-simple",
    "attach": "paperclip",
    "file": "file-text",
    "image": "image",
    "pin": "push-pin",
    "unpin": "push-pin-slash",
    "delete": "trash",
    "undo": "arrow-counter-clockwise",
    "settings": "gear",
    "general": "sliders-horizontal",
    "models": "key",
    "data": "database",
    "shortcuts": "keyboard",
    "chat": "chat-circle",
    "tool": "wrench",
    "warning": "warning",
    "error": "warning-circle",
    "info": "info",
    "link": "link",
    "folder": "folder-open",
    "download": "download-simple",
    "upload": "upload-simple",
    "eye": "eye",
    "computer": "desktop",
    "server": "hard-drives",
    "quit": "sign-out",
    "pause": "pause",
    "play": "play",
}
NAMES = frozenset(_DRAWN) | frozenset(_FROM_FONT)
"""Every name that `icon` knows."""


class _Themed(QIconEngine):
    """Paints an icon in the theme that holds at that moment, so that nothing has to be told."""

    def __init__(self, themes: ThemeController, name: str, colour: Colour) -> None:
        super().__init__()
        self._themes = themes
        self._name = name
        self._colour: Colour = colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        theme = self._themes.current
        off = mode == QIcon.Mode.Disabled
        colour = theme.muted if off else str(getattr(theme, self._colour))
        if self._name in _DRAWN:
            renderer = QSvgRenderer(QByteArray(_svg(_DRAWN[self._name], colour)))
            renderer.render(painter, QRectF(rect))
        else:
            _glyph(painter, _FROM_FONT[self._name], rect, colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        return _Themed(self._themes, self._name, self._colour)


def icon(themes: ThemeController, name: str, colour: Colour = "ink") -> QIcon:
    """The icon called `name`; it changes with the theme by itself. KeyError for no such name."""
    if name not in NAMES:
        raise KeyError(name)
    return QIcon(_Themed(themes, name, colour))


_SMALL = (16, 22, 24, 32, 48, 64)
_ALL = (*_SMALL, 128, 256)


def app_icon() -> QIcon:
    """The program's own icon."""
    return _from_file("nagatha", _ALL)


@lru_cache(maxsize=8)  # it changes with every answer that begins or ends
def tray_icon(state: TrayState, dark_panel: bool) -> QIcon:
    """The icon in the tray for `state`, for a panel that is dark or light."""
    return _from_file(f"tray-{state.replace('_', '-')}{'-light' if dark_panel else ''}", _SMALL)


@lru_cache(maxsize=16)
def _bytes(name: str) -> bytes:
    return (_FOLDER / f"{name}.svg").read_bytes()


def _from_file(name: str, sizes: tuple[int, ...]) -> QIcon:
    """Drawn into pixmaps here, so that no plug-in for SVG icons has to be there."""
    renderer = QSvgRenderer(QByteArray(_bytes(name)))
    made = QIcon()
    for size in sizes:
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        made.addPixmap(pixmap)
    return made


def _svg(path: str, colour: str) -> bytes:
    filled = path.startswith("fill ")
    look = (
        f'fill="{colour}"'
        if filled
        else f'fill="none" stroke="{colour}" stroke-width="1.5" stroke-linecap="round" '
        'stroke-linejoin="round"'
    )
    data = path.removeprefix("fill ")
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path {look} d="{data}"/>'
    return f"{svg}</svg>".encode()


_EM_SHARE = 0.875
"""The em square's share of an icon's height: the glyphs have room around them already."""


def _glyph(painter: QPainter, name: str, rect: QRect, colour: str) -> None:
    """Paint a glyph of the font into the middle of `rect`."""
    characters = _phosphor()[1]
    font = _font(round(_EM_SHARE * rect.height()))
    glyphs = font.glyphIndexesForString(characters[name])
    (advance,) = font.advancesForGlyphIndexes(glyphs)
    run = QGlyphRun()
    run.setRawFont(font)
    run.setGlyphIndexes(glyphs)
    run.setPositions([QPointF(-advance.x() / 2, (font.ascent() - font.descent()) / 2)])
    painter.save()
    painter.setPen(QColor(colour))
    painter.drawGlyphRun(QRectF(rect).center(), run)
    painter.restore()


@lru_cache(maxsize=8)
def _font(size: int) -> QRawFont:
    """The font at an em square of `size` pixels."""
    font = QRawFont(_phosphor()[0])
    font.setPixelSize(size)
    return font


@lru_cache(maxsize=1)
def _phosphor() -> tuple[QRawFont, dict[str, str]]:
    """The font, and the characters of the names used here.

    From qtawesome's files, without importing it: with qtpy it makes Python objects of all that
    QtCore, QtGui, QtWidgets and QtOpenGL have (20 MB), and loads fourteen fonts (12 MB).
    """
    found = importlib.util.find_spec("qtawesome")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("qtawesome is not installed", name="qtawesome")
    fonts = Path(found.origin).parent / "fonts"
    (ttf,) = fonts.glob("phosphor-*.ttf")
    (charmap,) = fonts.glob("phosphor-charmap-*.json")
    codes: dict[str, str] = json.loads(charmap.read_text("utf-8"))
    characters = {name: chr(int(codes[name], 16)) for name in _FROM_FONT.values()}
    return QRawFont(str(ttf), 16), characters


def preload() -> None:
    """Read what the first menu would wait for; to be called when nothing else is to do."""
    _phosphor()
