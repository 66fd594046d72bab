"""The languages that the program speaks: those a translation lies beside it for, and English.

Owns where translations are and how one is put in force. English is written in the code.
"""

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "translations"
_STEM = "nagatha_"
ENGLISH = "en"


def available(folder: Path = FOLDER) -> tuple[str, ...]:
    """Codes of the languages, English first."""
    found = sorted(path.stem.removeprefix(_STEM) for path in folder.glob(f"{_STEM}*.qm"))
    return (ENGLISH, *(code for code in found if code != ENGLISH))


def name_of(code: str) -> str:
    """A language in its own words."""
    locale = QLocale(code)
    name = locale.nativeLanguageName() or code
    if code == ENGLISH:
        name = QLocale.languageToString(QLocale.Language.English)
    return name[:1].upper() + name[1:]


def choose(chosen: str, folder: Path = FOLDER) -> str:
    """The language to speak where a person chose `chosen` ("" for the system's)."""
    there = available(folder)
    if chosen in there:
        return chosen
    for wanted in QLocale.system().uiLanguages():
        for code in (wanted.replace("-", "_"), wanted.split("-")[0]):
            if code in there:
                return code
    return ENGLISH


def spoken(code: str, system: QLocale) -> QLocale:
    """How a language writes days and numbers where the system is `system`: the system's own way,
    or, where that speaks another language, this one's in the same country."""
    wanted = QLocale(code).language()
    plain = code == ENGLISH and system.language() == QLocale.Language.C
    if plain or system.language() == wanted:
        return system
    return QLocale(wanted, system.territory())


def install(app: QCoreApplication, chosen: str, folder: Path = FOLDER) -> str:
    """Put a language in force before the first window is made; returns which it became."""
    code = choose(chosen, folder)
    if code != ENGLISH:
        translator = QTranslator(app)
        if not translator.load(f"{_STEM}{code}", str(folder)):
            return ENGLISH
        app.installTranslator(translator)
    QLocale.setDefault(spoken(code, QLocale.system()))
    return code
