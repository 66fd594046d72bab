"""News that comes while nobody is to be disturbed is said afterwards, over a restart as well."""

import sys
from pathlib import Path

import pytest

from tests.e2e.test_program import program
from tests.support.command import Nagatha
from tests.support.desktop import Desktop, desktop
from tests.support.notification_daemon import notification_service
from tests.support.processes import wait_until
from tests.support.tray_host import TrayHost
from worker.paths import Paths

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs X11")]

BREAKS = '''"""Fails."""

from worker.contract.module_api import Registry

__version__ = "1.0.0"


def register_tasks(registry: Registry) -> None:
    """Offer it."""
    registry.register_task("breaks", "now", now, max_retries=0)


def now() -> None:
    """Fails at once."""
    raise ValueError("it broke")
'''


def labels(tray: TrayHost) -> list[str]:
    """What the tray's menu says."""
    return [entry.label for entry in tray.menu(tray.wait_for_item()).all() if entry.visible]


def has(tray: TrayHost, *parts: str) -> bool:
    return any(all(part in label for part in parts) for label in labels(tray))


def test_a_job_that_fails_meanwhile_is_said_when_the_next_start_may_disturb(
    nagatha_home: Path, tmp_path: Path
) -> None:
    with desktop(tmp_path / "desktop", tray=True) as desk:
        quiet_news(desk)


def quiet_news(desk: Desktop) -> None:
    home = Path(desk.env["NAGATHA_HOME"])
    module = Paths.under(home).modules / "breaks" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text(BREAKS, "utf-8")
    nagatha, tray = Nagatha.on(home), desk.tray
    assert tray is not None
    assert nagatha.run("config", "modules.enabled", "breaks").code == 0
    with notification_service(desk.bus_address) as daemon:
        with program(desk, "--hidden") as process:
            tray.wait_for_item()
            wait_until(lambda: has(tray, "For 1 hour"), "the engine tells of quiet hours")
            tray.click(tray.wait_for_item(), "For 1 hour")
            wait_until(lambda: has(tray, "Do not disturb", "until"), "nobody is to disturb")
            assert "it broke" in nagatha.run("run", "breaks.now", "--wait").err
            wait_until(lambda: has(tray, "Activity", "1 failed"), "it is counted")
            tray.click(tray.wait_for_item(), "Quit Nagatha")
            assert process.wait(20) == 0
        assert daemon.shown == {} and daemon.closed == []
        with program(desk, "--hidden"):
            wait_until(lambda: has(tray, "Activity", "1 failed"), "it is remembered")
            wait_until(lambda: has(tray, "Do not disturb", "until"), "nobody is to disturb yet")
            assert daemon.shown == {} and daemon.closed == []
            tray.click(tray.wait_for_item(), "End it")
            wait_until(lambda: daemon.shown, "it is said")
            (said,) = daemon.shown.values()
            assert (said.title, said.body) == ("Failed: Now", "breaks.now failed")
