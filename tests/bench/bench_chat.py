"""A chat of 10,000 messages: how long it takes to open, and how smoothly an answer streams in.

Runs the conversation view by itself in a process of its own, offscreen. Tokens come at 200 a
second and are handed over every 30 ms, as the bridge does. A gap is a time in which the event
loop did nothing else; a timer of 2 ms sees them.
"""

import json
import random
import sys
import time
from itertools import pairwise

from tests.bench.figure import Figure
from tests.bench.offscreen import middle, until

NAME = "chat"
MESSAGES = 10_000
RATE = 200
GATHERED = 0.03
GAP = 0.05
_SENTENCE = (
    "the quick brown fox plans a meeting with Ann about the *important* report and `inline code` "
    "items that need **bold** attention before Friday please see the [link](https://example.org)"
)
_WORDS = _SENTENCE.split()
_CODE = """```python
def fib(n: int) -> int:
    \"\"\"Return the n-th number.\"\"\"
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b   # step
    return a

print("fib", fib(30))
```"""


def measure(quick: bool) -> list[Figure]:
    """Three runs (one if `quick`); the middle one by gaps counts."""
    seconds = 3 if quick else 10
    run = middle("tests.bench.bench_chat", "gaps", quick, str(seconds))
    note = f"{MESSAGES} messages, offscreen"
    return [
        Figure("10,000-message chat, open to painted", run["open"], "s", 0.5, note=note),
        Figure("... until all near the end is made", run["filled"], "s", note=note),
        Figure(
            f"gaps over 50 ms, {RATE} tokens/s for {seconds} s",
            run["gaps"],
            "",
            3,
            note=f"longest {run['longest'] * 1000:.0f} ms, p99 {run['p99'] * 1000:.1f} ms",
        ),
        Figure("streaming behind the source at the end", run["late"], "s", 0.2),
        Figure("memory after it (RSS)", run["rss"], "MB"),
    ]


def _text(random_: random.Random, number: int) -> str:
    asked = number % 2 == 0
    text = " ".join(random_.choices(_WORDS, k=random_.randint(5, 25 if asked else 120)))
    if not asked and number % 6 == 1:
        text += "\n\n- first item\n- second **item**\n- third\n\n"
    if not asked and number % 10 == 3:
        text += f"\n\n{_CODE}\n\nDone."
    return f"### Heading\n\n{text}" if number % 50 == 9 else text


def _tokens(count: int) -> list[str]:
    random_ = random.Random(7)
    made: list[str] = []
    while len(made) < count:
        if len(made) % 400 == 200:
            made += [part + " " for part in f"\n\n{_CODE}\n\n".split(" ")]
        elif len(made) % 90 == 89:
            made.append("\n\n")
        else:
            made.append(random_.choice(_WORDS) + " ")
    return made[:count]


def main(seconds: int) -> None:
    """Measure in this process and print one line of JSON."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from nagatha_desktop.chat.transcript import Transcript
    from nagatha_desktop.widgets.theme import ThemeController
    from tests.gui.samples import message, page

    app = QApplication([])
    themes = ThemeController(app, "light")
    transcript = Transcript(themes)
    transcript.resize(760, 640)
    transcript.show()
    app.processEvents()
    random_ = random.Random(1)
    messages = [
        message(
            f"m{number}",
            _text(random_, number),
            role="assistant" if number % 2 else "user",
            parent=f"m{number - 1}" if number else None,
        )
        for number in range(MESSAGES)
    ]

    begun = time.perf_counter()
    transcript.show_page(page(messages))
    transcript.grab()
    opened = time.perf_counter() - begun
    until(lambda: len(transcript.column.views) >= 40, 10)
    filled = time.perf_counter() - begun

    transcript.put(message("q", "Please stream a long answer", role="user", parent=messages[-1].id))
    transcript.put(message("a", "", parent="q", state="streaming"))
    tokens = _tokens(seconds * RATE)
    beats: list[float] = []
    sent = 0
    offset = 0
    heart = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=2)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    gather = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=int(GATHERED * 1000))

    def hand_over() -> None:
        nonlocal sent, offset
        due = min(len(tokens), int((time.perf_counter() - start) * RATE))
        text = "".join(tokens[sent:due])
        sent = due
        if text:
            transcript.append_text("a", text, offset)
            offset += len(text)

    gather.timeout.connect(hand_over)
    start = time.perf_counter()
    heart.start()
    gather.start()
    until(lambda: sent >= len(tokens), seconds * 10.0)
    late = time.perf_counter() - start - seconds
    gather.stop()
    heart.stop()
    spans = sorted(later - former for former, later in pairwise(beats))
    print(
        json.dumps(
            {
                "open": opened,
                "filled": filled,
                "gaps": sum(span > GAP for span in spans),
                "longest": spans[-1],
                "p99": spans[int(len(spans) * 0.99)],
                "late": max(0.0, late),
                "rss": _rss(),
            }
        )
    )
    sys.stdout.flush()
    transcript.close()


def _rss() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]))
