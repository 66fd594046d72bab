"""Makes a checkout ready to run, and runs it: what `make setup` and `make run` call.

Owns: the system packages, the `.venv` in the checkout, what is installed in it from the locked
requirements, and the stamp that says what was installed. Runs on the system's Python with the
standard library alone, because nothing else is there yet. Must not know anything of the program
but the name of the command that starts it.

    python3 installer/checkout.py setup run    what `make run` needs
    python3 installer/checkout.py setup dev    that, and what tests and lint need
    python3 installer/checkout.py setup bench  that, and what `make bench` compares with
    python3 installer/checkout.py run [ARGS]   starts the program, or says why it can't be shown
"""

import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "nagatha-setup.json"
PACKAGE_LIST = Path(__file__).with_name("system-packages.txt")
VERSIONS = ((3, 11), (3, 13))
GROUPS = {
    "run": ("run", "look"),
    "dev": ("run", "look", "test"),
    "bench": ("run", "look", "test", "bench"),
}
LOCKS = {"run": "run", "dev": "dev", "bench": "dev"}
# Servers that Debian starts when it installs them, which nobody here wants to run all day.
SERVERS = ("redis-server", "rabbitmq-server")


class SetupError(Exception):
    """Setting up can't go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """One package of the system: the group it belongs to, its Debian name and what it is for."""

    group: str
    name: str
    purpose: str


def say(text: str) -> None:
    print(text, flush=True)


# System packages


def listed_packages(groups: Iterable[str]) -> list[SystemPackage]:
    """The packages of these groups, in the order of the list."""
    found = []
    for line in PACKAGE_LIST.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            group, name, purpose = (part.strip() for part in line.split("|"))
            if group in groups:
                found.append(SystemPackage(group, name, purpose))
    return found


def installed_names() -> set[str]:
    """What dpkg has installed, including the names that a package provides (libglib2.0-0t64)."""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}|${Package}|${Provides}\n"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = set()
    for line in shown.stdout.splitlines():
        status, package, provides = line.split("|", 2)
        if status == "installed":
            names.add(package)
            names.update(entry.split()[0] for entry in provides.split(",") if entry.strip())
    return names


def python_can_make_venvs() -> bool:
    """Debian leaves ensurepip out of python3 and puts it into python3-venv."""
    probe = subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True)
    return probe.returncode == 0


def venv_package() -> SystemPackage:
    default = Path("/usr/bin/python3").resolve() == Path(sys.executable).resolve()
    version = "3" if default else f"3.{sys.version_info.minor}"
    return SystemPackage("run", f"python{version}-venv", "makes the .venv in the checkout")


def missing_packages(level: str) -> list[SystemPackage]:
    have = installed_names()
    missing = [p for p in listed_packages(GROUPS[level]) if p.name not in have]
    if not venv_is_usable() and not python_can_make_venvs():
        missing.insert(0, venv_package())
    return missing


def root_prefix() -> list[str] | None:
    """What to put before a command to run it as root; None if there is no way to.

    Without a terminal nobody can type a password, so sudo is used only where it asks for none.
    """
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if sys.stdin.isatty():
        say("Asking sudo for leave to install them (Ctrl+C to stop):")
        return ["sudo"] if subprocess.run(["sudo", "-v"]).returncode == 0 else None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True)
    return ["sudo", "-n"] if quiet.returncode == 0 else None


def apt(prefix: Sequence[str], *arguments: str) -> int:
    """Runs apt-get without questions and with its chatter held back unless it fails."""
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    command += ["-o", "DPkg::Lock::Timeout=300", *arguments]
    # /dev/null, so that no package script can eat what the person types; sudo asks on /dev/tty.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0 and arguments[0] != "update":
        sys.stdout.write(done.stdout.decode(errors="replace"))
    return done.returncode


def known_to_apt(names: Sequence[str]) -> set[str]:
    """Those of the names that apt could install by that name or through a provider."""
    known = set()
    for name in names:
        shown = subprocess.run(["apt-cache", "showpkg", name], capture_output=True, text=True)
        versions, _, providers = shown.stdout.partition("Reverse Provides:")
        if providers.strip() or "(/var/lib/apt" in versions:
            known.add(name)
    return known


def install_packages(missing: Sequence[SystemPackage]) -> None:
    """Installs what is missing, or says which command does. Raises SetupError if apt fails."""
    say("System packages that are missing:")
    for package in missing:
        say(f"  {package.name:<24}{package.purpose}")
    names = [package.name for package in missing]
    prefix = root_prefix()
    if prefix is None:
        say("Neither root nor sudo to be had. Please have this run as root:")
        say(f"  apt-get install -y {' '.join(names)}")
        return
    say(f"Installing them with apt{' through sudo' if prefix else ''}.")
    # Lists can be old or absent on a fresh system. A third party's broken list is no reason to
    # stop: what counts is whether the install works.
    apt(prefix, "update")
    known = known_to_apt(names)
    for package in missing:
        if package.group == "look" and package.name not in known:
            say(f"  {package.name} is not to be had here: {package.purpose} will look plainer.")
            names.remove(package.name)
        elif package.group == "bench":  # without it there is one comparison less
            names.remove(package.name)
            if apt(prefix, "install", "-y", "--no-install-recommends", package.name) != 0:
                say(f"  {package.name} could not be installed: no {package.purpose}.")
            else:
                stay_off(prefix, package.name)
    if names and apt(prefix, "install", "-y", "--no-install-recommends", *names) != 0:
        raise SetupError(
            "apt could not install the packages; what it said stands above. To see it again:\n"
            f"  {shlex.join([*prefix, 'apt-get', 'install', '-y', *names])}"
        )
    for name in names:
        stay_off(prefix, name)


def stay_off(prefix: Sequence[str], name: str) -> None:
    """Switches off the system service that the package of a server brought along."""
    if name in SERVERS and Path("/run/systemd/system").is_dir():
        subprocess.run([*prefix, "systemctl", "disable", "--now", name], check=False)
        say(f"  {name} is for tests only, so its system service was switched off again.")


def need_system_packages(level: str, rebuilt: bool) -> None:
    """Sees to the system's packages; on a system without apt it says once what is needed."""
    if not sys.platform.startswith("linux"):
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-query") is None:
        if rebuilt:
            say("No apt here. Nagatha needs these packages, under the names your system has:")
            for package in [venv_package(), *listed_packages(GROUPS[level])]:
                say(f"  {package.name:<24}{package.purpose}")
        return
    if missing := missing_packages(level):
        install_packages(missing)


# The virtual environment


def venv_is_usable() -> bool:
    """Whether `.venv` is here, was made for this place, and has a Python that fits and runs."""
    if not PYTHON.exists() or read_stamp().get("checkout", str(CHECKOUT)) != str(CHECKOUT):
        return False  # when a checkout moves, the scripts in it still point to the old place
    shown = subprocess.run(
        [PYTHON, "-c", "import sys, pip; print(*sys.version_info[:2], sys.prefix, sep='|')"],
        capture_output=True,
        text=True,
    )
    if shown.returncode != 0:
        return False
    major, minor, prefix = shown.stdout.strip().split("|", 2)
    return (
        Path(prefix).resolve() == VENV.resolve()
        and VERSIONS[0] <= (int(major), int(minor)) <= VERSIONS[1]
    )


def make_venv() -> None:
    if not python_can_make_venvs():
        raise SetupError(
            f"This Python ({sys.executable}) can't make virtual environments: ensurepip is"
            f" missing. Install the package {venv_package().name} and try again."
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV])
    if made.returncode != 0:
        raise SetupError(f"Python could not make {VENV}; what it said stands above.")


def pip(*arguments: str | Path) -> None:
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", *arguments]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, cwd=CHECKOUT, env=environment).returncode != 0:
        raise SetupError(
            "pip could not install what the lock names; what it said stands above. Most often the"
            " network is away or the disk is full. Run the same command again to go on."
        )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wanted_stamp(level: str) -> dict[str, str]:
    """What must have been installed: the lock of this level, the project, and where it lies."""
    lock = LOCKS[level]
    return {
        f"requirements/{lock}.txt": digest(CHECKOUT / "requirements" / f"{lock}.txt"),
        "pyproject.toml": digest(CHECKOUT / "pyproject.toml"),
        "checkout": str(CHECKOUT),
    }


def read_stamp() -> dict[str, str]:
    with suppress(OSError, ValueError):
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        if isinstance(stamp, dict):
            return stamp
    return {}


def install_requirements(level: str, stamp: dict[str, str], wanted: Mapping[str, str]) -> None:
    """Brings `.venv` up to the lock, then puts the project itself in. Writes the stamp last."""
    lock = f"requirements/{LOCKS[level]}.txt"
    if stamp.get(lock) != wanted[lock]:
        say(f"Installing the packages locked in {lock} (the first time takes some minutes)")
        # Wheels only: building one would fetch build tools that no hash in the lock covers.
        pip("--require-hashes", "--only-binary", ":all:", "-r", lock)
    say("Installing the project itself, so that `nagatha` and `nagatha-desktop` are there")
    # setuptools comes from the lock; "compat" puts the checkout itself on the path, so that a
    # new package is found without installing again.
    pip("--no-index", "--no-deps", "--no-build-isolation",
        "--config-settings", "editable_mode=compat", "--editable", ".")  # fmt: skip
    stamp.update(wanted)
    if LOCKS[level] == "dev":
        # The one lock holds all of the other, in the same versions.
        run_lock = "requirements/run.txt"
        stamp[run_lock] = digest(CHECKOUT / run_lock)
    STAMP.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def set_up(level: str) -> None:
    """Everything that `level` needs is there afterwards. Raises SetupError.

    Quick when it already is: one dpkg query, one start of the environment's Python, two hashes.
    """
    wanted = wanted_stamp(level)
    usable = venv_is_usable()
    current = usable and wanted.items() <= read_stamp().items()
    need_system_packages(level, rebuilt=not current)
    if current:
        return
    if not usable:
        make_venv()
    install_requirements(level, read_stamp(), wanted)
    say("Ready.")


# Running


def display_problem(environment: Mapping[str, str]) -> str | None:
    """Why no window can be shown here, or None if one can, as far as can be seen from outside."""
    if not sys.platform.startswith("linux"):
        return None
    platform = environment.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform and not platform.startswith(("xcb", "wayland")):
        return None
    wayland = environment.get("WAYLAND_DISPLAY")
    if wayland:
        folder = environment.get("XDG_RUNTIME_DIR", "")
        if answers(str(Path(folder, wayland))):
            return None
    display = environment.get("DISPLAY")
    if display:
        if x_server_answers(display):
            return None
        return f"DISPLAY is {display}, but no X server answers there."
    if wayland:
        return f"WAYLAND_DISPLAY is {wayland}, but no compositor answers there."
    return "Neither WAYLAND_DISPLAY nor DISPLAY is set."


def answers(address: str | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(3)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def x_server_answers(display: str) -> bool:
    """Whether something listens at an X display such as `:0`, `:99.0` or `host:10.0`."""
    host, _, rest = display.rpartition(":")
    number = rest.split(".")[0]
    if not number.isdigit():
        return False
    path = f"/tmp/.X11-unix/X{number}"
    if host in ("", "unix") or host.endswith("/unix"):
        return answers(path) or answers(f"\0{path}")
    return answers((host, 6000 + int(number)))


def run_program(arguments: Sequence[str]) -> int:
    """Becomes the program; returns 1 with an explanation where no window can be shown."""
    asks_only = {"-h", "--help", "--version"} & set(arguments)
    problem = None if asks_only else display_problem(os.environ)
    if problem is not None:
        say(f"Nagatha has no screen to show its windows on. {problem}")
        say("Start it from a desktop session, or try it on a virtual screen:")
        if shutil.which("xvfb-run") is None:
            say("  sudo apt-get install xvfb xauth")
        say("  xvfb-run -a make run")
        say("The engine works without a screen: .venv/bin/nagatha --help")
        return 1
    program = VENV / "bin" / "nagatha-desktop"
    os.execv(program, [str(program), *arguments])


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["run"]:
        return run_program(arguments[1:])
    if len(arguments) == 2 and arguments[0] == "setup" and arguments[1] in GROUPS:
        try:
            with Lock():
                set_up(arguments[1])
        except SetupError as error:
            print(f"\nSetting up stopped. {error}", file=sys.stderr)
            return 1
        return 0
    print(__doc__, file=sys.stderr)
    return 2


class Lock:
    """Lets one setup at a time work on this checkout; a second one waits for the first."""

    def __enter__(self) -> None:
        import fcntl  # not on Windows, where this script is not used

        self._file = Path(__file__).open("rb")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
