"""Starting threads where the system may allow no more of them."""

import threading


def begun(thread: threading.Thread) -> bool:
    """Start a thread; False when the system lets this process have no more of them."""
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        return False
    return True
