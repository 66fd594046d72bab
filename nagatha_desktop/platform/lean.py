"""Keeps PySide from reading the source of every module that is imported.

Owns the switch. PySide looks into each module's source, to see whether it may use the optional
spellings of its API (`snake_case`, `true_property`), and Python keeps what was read: 40 MB for
this program, and time at every import. No module here uses those spellings.
"""

import linecache


def spare_sources() -> None:
    """Let PySide take every module imported from now on as one without optional spellings.

    To be called before anything large is imported. A PySide that does it in another way is left
    as it is: then only memory and time are lost.
    """
    from PySide6 import QtCore  # noqa: F401  (what is changed below comes with it)

    try:
        import shibokensupport.feature as feature
    except ImportError:
        return
    if callable(getattr(feature, "_mod_uses_pyside", None)):
        feature._mod_uses_pyside = _uses_none
    linecache.clearcache()


def _uses_none(_module: object) -> bool:
    return False
