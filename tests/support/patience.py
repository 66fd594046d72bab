"""pytest-qt's robot for machines that are busy.

Owns how long it waits for what a test expects. That is no figure of the program: whoever waits
goes on as soon as it came, and a machine with other things to do may take its time.
"""

from typing import Any

from pytestqt.qtbot import QtBot

PATIENCE = 60_000
"""Milliseconds after which something does not come any more."""


class PatientBot(QtBot):
    """Waits longer than the 5 s that pytest-qt would, unless a test says how long."""

    def waitUntil(self, callback: Any, *, timeout: int = PATIENCE) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE, **more: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **more)

    def waitSignals(self, signals: Any, *, timeout: int = PATIENCE, **more: Any) -> Any:
        return super().waitSignals(signals, timeout=timeout, **more)

    def waitExposed(self, widget: Any, *, timeout: int = PATIENCE) -> Any:
        return super().waitExposed(widget, timeout=timeout)

    def waitActive(self, widget: Any, *, timeout: int = PATIENCE) -> Any:
        return super().waitActive(widget, timeout=timeout)
