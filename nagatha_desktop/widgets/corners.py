"""Rounded corners for windows without a frame, also where nothing composes the screen.

Owns the mask. Without one, what is outside of the corners stays black on a plain X server.
"""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath, QRegion
from PySide6.QtWidgets import QWidget

from nagatha_desktop.widgets.tokens import MEASURES


def cut_corners(window: QWidget, radius: int = MEASURES.card_radius) -> None:
    """Let `window` end at its rounded corners; to be called whenever its size changes."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(window.rect()), radius, radius)
    window.setMask(QRegion(path.toFillPolygon().toPolygon()))
