"""Where the program begins: arguments, hand-over, window, and only then the engine.

Owns the order of the start, which is why most imports stand in functions: a start that only hands
a command over loads no Qt, and the first window is painted before anything of the engine is
imported. With `client.local` this is the only place of the desktop that knows the engine.
"""

import argparse
import contextlib
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nagatha_desktop.platform.displays import missing_display
from nagatha_desktop.platform.handover import NoAnswer, hand_over, spare_address
from nagatha_desktop.platform.lean import spare_sources
from worker.paths import Paths

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

    from nagatha_desktop.bridge import Bridge
    from nagatha_desktop.client.local import LocalEngine
    from nagatha_desktop.platform.single_instance import SingleInstance
    from nagatha_desktop.program import Program
    from nagatha_desktop.settings.dialog import SettingsWindow
    from worker.contract.services import Client
    from worker.logging import LogSystem, Redactor
    from worker.runtime import Runtime

VERSION = "0.1.0"
SOCKET = "desktop"
SETTLED_WITHIN = 10.0
"""Seconds after which garbage is collected again though a module still holds up the worker."""
WINDOWS = ("chat", "reminders", "activity", "settings")

log = logging.getLogger(__name__)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments; exits with 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="nagatha-desktop", description="A desktop assistant in the tray."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--toggle", action="store_true", help="show the chat window, or hide it if it is in front"
    )
    what.add_argument("--quick", action="store_true", help="show the quick window")
    what.add_argument("--show", choices=WINDOWS, help="show this window")
    what.add_argument("--hidden", action="store_true", help="start in the tray, at login")
    parser.add_argument("--version", action="version", version=f"nagatha-desktop {VERSION}")
    return parser.parse_args(arguments)


def commands_of(chosen: argparse.Namespace) -> list[str]:
    """What the running program is to do for these arguments."""
    if chosen.toggle:
        return ["toggle"]
    if chosen.quick:
        return ["quick"]
    if chosen.show:
        return [f"show {chosen.show}"]
    return [] if chosen.hidden else ["show chat"]


def addresses_of(paths: Paths) -> list[str]:
    """Where the program of this data folder may be listening, the usual place first."""
    spare = spare_address(paths.home, os.environ)
    if sys.platform == "win32":
        return [spare]
    try:
        return [str(paths.socket(SOCKET)), spare]
    except OSError:
        return [spare]


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand over to the program that runs, or be it. Returns the exit code."""
    chosen = parse(sys.argv[1:] if arguments is None else arguments)
    paths = Paths.find()
    addresses = addresses_of(paths)
    commands = commands_of(chosen)
    code = handed_over(addresses, commands)
    if code is not None:
        return code
    missing = missing_display(os.environ)
    if missing is not None:
        print(missing, file=sys.stderr)
        return 1
    try:
        return run(paths, addresses, commands, hidden=chosen.hidden or chosen.quick)
    except ImportError as error:
        if "PySide6" not in str(error.name or "") and ".so" not in str(error):
            raise
        print(f"Nagatha cannot show windows: {error}", file=sys.stderr)
        print("Install what is missing with: make setup", file=sys.stderr)
        return 1


def handed_over(addresses: Sequence[str], commands: Sequence[str]) -> int | None:
    """Give the commands to the program that runs; the exit code then, None where none runs."""
    try:
        return 0 if any(hand_over(address, commands) for address in addresses) else None
    except NoAnswer:
        print("Nagatha runs already on this data, and does not answer.", file=sys.stderr)
        print("Wait a moment and try again, or end it and start it anew.", file=sys.stderr)
        return 1


def handed_over_soon(addresses: Sequence[str], commands: Sequence[str]) -> int:
    """The same for a program that took the place a moment ago, and may not listen yet."""
    for _ in range(50):
        code = handed_over(addresses, commands)
        if code is not None:
            return code
        time.sleep(0.1)
    return 1


def run(paths: Paths, addresses: list[str], commands: list[str], *, hidden: bool) -> int:
    """Be the program until it ends."""
    # Nearly all that is made during the start stays: looking through it for garbage, again and
    # again, is a tenth of the time to the first window. `LocalBackend` lets it begin again.
    gc.disable()
    spare_sources()
    from PySide6.QtWidgets import QApplication

    from nagatha_desktop.platform.signals import Signals
    from nagatha_desktop.program import Program
    from nagatha_desktop.settings.languages import install
    from nagatha_desktop.state import WindowState, read

    app = QApplication([sys.argv[0]])
    app.setApplicationName("nagatha-desktop")
    app.setApplicationDisplayName("Nagatha")
    app.setDesktopFileName("nagatha-desktop")
    app.setApplicationVersion(VERSION)
    app.setQuitOnLastWindowClosed(False)
    values, problem = read(paths.home)
    instance = listen(addresses)
    if instance is None:
        return handed_over_soon(addresses, commands)
    state = WindowState(paths.home, values)
    install(app, state.text("language"))
    backend = LocalBackend(paths)
    program = Program(app, state, backend, instance, open_settings)
    signals = Signals(program)
    signals.came.connect(program.end)
    if problem is not None:
        program.window.notices.add(problem)
    program.start(commands, hidden)
    code = app.exec()
    signals.close()
    return code


def open_settings(program: "Program") -> "SettingsWindow":
    """Make the settings window; nothing of it is imported before somebody wants it."""
    from nagatha_desktop.platform.autostart import autostart_for, command_line, program_command
    from nagatha_desktop.platform.hotkey import unavailable_because
    from nagatha_desktop.settings.dialog import SettingsWindow
    from nagatha_desktop.settings.outside import Outside

    outside = Outside(
        autostart=autostart_for(os.environ),
        command=program_command(os.environ),
        quick_command=command_line((*program_command(os.environ, hidden=False), "--quick")),
        announcer=program.alerts.announcer,
        hotkey_missing=unavailable_because(os.environ),
    )
    return SettingsWindow(
        program.bridge, program.themes, program.state, program.keys, program.watch, outside
    )


def listen(addresses: list[str]) -> "SingleInstance | None":
    """The one program of this data folder; None where another is after all."""
    from nagatha_desktop.platform.single_instance import SingleInstance

    for address in addresses:
        instance = SingleInstance(address)
        if instance.listen():
            return instance
        if instance.taken:
            return None
    log.warning("no later start will find this program")
    return SingleInstance(addresses[-1])


class LocalBackend:
    """The engine in this process. Its parts are imported and started on other threads."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._guard = threading.Lock()
        self._runtime: Runtime | None = None
        self._redactor: Redactor | None = None
        self._logs: LogSystem | None = None
        self._engine: LocalEngine | None = None
        self._making: asyncio.Task[object] | None = None
        self._ended = False
        self._files: ThreadPoolExecutor | None = None

    def begin(self, bridge: "Bridge") -> None:
        """See `Backend`."""
        threading.Thread(
            target=self._begin, args=(bridge,), name="nagatha-begin", daemon=True
        ).start()

    def _begin(self, bridge: "Bridge") -> None:
        from nagatha_desktop.bridge import problem_of

        try:
            # Whoever ends the program meanwhile waits for the imports: half a second of them,
            # while the window can be used already.
            with self._guard:
                if not self._ended:
                    self._begin_here(bridge)
        except Exception as error:  # whatever it is, the window must say so and stay
            gc.enable()
            log.exception("The engine could not be begun with")
            bridge.report_failure(problem_of(error))

    def _begin_here(self, bridge: "Bridge") -> None:
        import asyncio

        from worker.logging import LogSystem, Redactor
        from worker.runtime import Runtime

        if self._runtime is None:
            self._runtime = Runtime()
            self._runtime.start()
        runtime, redactor = self._runtime, Redactor()
        if self._logs is None:
            self._logs = LogSystem(self._paths.logs, redactor)
            self._logs.start()
        from nagatha_desktop.client.local import LocalEngine
        from worker.service.models import warm_up

        async def make() -> "Client":
            self._making = asyncio.current_task()
            try:
                self._engine, client = await LocalEngine.begin(self._paths, runtime, redactor)
            finally:
                runtime.spawn(settle(), "settle")
            return client

        async def settle() -> None:
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SETTLED_WITHIN):
                        await warm_up()
                        if self._engine is not None:
                            await self._engine.loaded()
            finally:
                # What the start made is never looked at again.
                gc.freeze()
                gc.enable()

        bridge.connect_client(runtime, make)

    def aside(self, work: Callable[[], None]) -> "Future[None] | None":
        """See `Backend`."""
        if self._files is None:
            from concurrent.futures import ThreadPoolExecutor

            # Not the engine's threads: they come later, and a person may end the program before.
            self._files = ThreadPoolExecutor(1, "nagatha-aside")
        try:
            return self._files.submit(work)
        except RuntimeError:
            return None  # the program ends

    def end(self, ended: Callable[[], None]) -> None:
        """See `Backend`."""
        threading.Thread(target=self._end, args=(ended,), name="nagatha-end", daemon=True).start()

    def _end(self, ended: Callable[[], None]) -> None:
        try:
            with self._guard:
                self._ended = True
                runtime, self._runtime = self._runtime, None
                if runtime is not None:
                    runtime.run(self._end_engine(), 6.0)
                    runtime.stop(2.0)
                if self._files is not None:
                    self._files.shutdown()
                if self._logs is not None:
                    self._logs.stop()
        except Exception:  # the program ends, in whatever state the engine is
            log.exception("The engine did not end well")
        finally:
            ended()

    async def _end_engine(self) -> None:
        import asyncio

        if self._making is not None:
            # What was opened half way could not be closed.
            await asyncio.wait((self._making,))
        if self._engine is not None:
            await self._engine.end()


if __name__ == "__main__":
    sys.exit(main())
