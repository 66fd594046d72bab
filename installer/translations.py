"""Writes the translations anew: texts from the code into *.ts, and *.ts into the *.qm that run.

Owns what is extracted: the texts of the windows; what the engine says of its settings, which the
windows show; and the few texts of Qt itself that stand in these windows. A new language begins
with an empty resources/translations/nagatha_<code>.ts. Must not know what a text means in it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "resources" / "translations"
WINDOWS = "nagatha_desktop"
SETTING = "Setting"
"""The context of the engine's words, as in nagatha_desktop/settings/fields.py."""
_EDITING = ("&Undo", "&Redo", "Cu&t", "&Copy", "&Paste", "Delete", "Select All")
OF_QT = {
    "QShortcut": (
        *("Ctrl", "Shift", "Alt", "Meta", "Return", "Enter", "Esc", "Space", "Tab", "Backspace"),
        *("Up", "Down", "Left", "Right", "Ins", "Del", "Home", "End", "PgUp", "PgDown"),
    ),
    "QLineEdit": _EDITING,
    "QWidgetTextControl": (*_EDITING, "Copy &Link Location"),
    "QAbstractSpinBox": ("&Select All", "&Step up", "Step &down"),
    "QPlatformTheme": ("OK", "Open", "Save", "Cancel", "Close", "&Yes", "&No"),
}


def said_of_settings() -> Iterator[str]:
    """Titles, descriptions and units of the engine's settings, each once."""
    from worker.config.schema import SECTIONS

    said: dict[str, None] = {}
    for section in SECTIONS.values():
        for field in section.model_fields.values():
            extra = field.json_schema_extra
            unit = extra.get("unit", "") if isinstance(extra, dict) else ""
            said.update(dict.fromkeys((field.title or "", field.description or "", str(unit))))
    yield from filter(None, said)


def marks() -> str:
    """What stands elsewhere than in the windows, in a form that the extraction reads."""
    lines = [f"QT_TRANSLATE_NOOP({SETTING!r}, {text!r})" for text in said_of_settings()]
    for context, texts in OF_QT.items():
        lines += [f"QT_TRANSLATE_NOOP({context!r}, {text!r})" for text in texts]
    return "\n".join((*lines, ""))


def tool(name: str) -> Path:
    """lupdate or lrelease, of the PySide6 that is installed."""
    import PySide6

    ending = ".exe" if sys.platform == "win32" else ""
    return Path(PySide6.__file__).parent / f"{name}{ending}"


def extract(into: Path) -> None:
    """Bring a *.ts up to date: translations stay, and texts that are gone go."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = Path(folder) / "elsewhere.py"
        elsewhere.write_text(marks(), encoding="utf-8")
        sources = sorted((CHECKOUT / WINDOWS).rglob("*.py"))
        options = ("-silent", "-no-obsolete", "-locations", "none", "-source-language", "en")
        command: list[str | Path] = [tool("lupdate"), *options, *sources, elsewhere, "-ts", into]
        subprocess.run(command, check=True)


def build(source: Path, into: Path) -> None:
    """Make the *.qm of a *.ts."""
    subprocess.run([tool("lrelease"), "-silent", source, "-qm", into], check=True)


def main() -> int:
    """Do both for every language there is."""
    for source in sorted(FOLDER.glob("nagatha_*.ts")):
        extract(source)
        build(source, source.with_suffix(".qm"))
        print(source.relative_to(CHECKOUT))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    sys.exit(main())
