"""Search in a million messages, and a chat of ten thousand opened, through the SQLite storage.

The messages are made of a vocabulary with the frequencies of natural language (Zipf), the
commonest words being English ones, and some in Chinese; their ages and lengths vary. The index
is left as inserting made it, in many parts, not optimised.
"""

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.figure import Figure
from tests.support.storages import a_chat, chain
from worker.storage import folding
from worker.storage.sqlite import files
from worker.storage.sqlite.store import SqliteStorage

NAME = "search"

_COMMON = (
    "the of and to in a is that it for was on as with be by this are from at or not have an but "
    "you can if will one all there what so up out about who get which go me when make like time "
    "no just him know take people into year your good some could them see other than then now "
    "look only come its over think also back after use two how our work first well way even new "
    "want because any these give day most us café naïve über"
)
_STARTS = "b c d f g h j k l m n p r s t v w st tr ch sh th pr"
_ENDS = "a e i o u ai ea ou en an in on er ar or"
_CHINESE = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对"
)
_WORDS = 60_000
_BATCH = 20_000
_A_CHAT = 25  # messages in most chats
_LONG_CHAT = 10_000
_BEGIN = int(datetime(2016, 1, 1, tzinfo=UTC).timestamp())
ME = "me"


def measure(quick: bool) -> list[Figure]:
    """50,000 messages when quick, else 1,000,000."""
    total = 50_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="nagatha-bench-") as folder:
        path = Path(folder) / "nagatha.db"
        return asyncio.run(_measure(path, total, quick))


async def _measure(path: Path, total: int, quick: bool) -> list[Figure]:
    storage = SqliteStorage(path, path.parent / "backups")
    await storage.open()
    await storage.set_value(ME, "make", "the owner known")
    began = time.perf_counter()
    samples = await asyncio.to_thread(_fill, path, total)
    built = time.perf_counter() - began
    rounds = 20 if quick else 60
    figures = []
    everything: list[float] = []
    for kind, queries in _queries(samples, rounds).items():
        chat = f"chat-{total // _A_CHAT // 2}" if kind == "in one chat" else None

        async def ask(query: str, chat: str | None = chat) -> None:
            await storage.search(ME, query, chat=chat, limit=50)

        taken = await _times(ask, queries)
        everything += taken
        figures += _figures(f"search, {kind}", taken)
    size = path.stat().st_size
    note = f"{total:,} messages, {size / 1e6:,.0f} MB on disk, made in {built:.0f} s"
    figures = [*_figures("search, all kinds of queries", everything, note), *figures]
    await storage.import_chat(ME, a_chat("long"), chain("long", _LONG_CHAT), {})

    async def open_chat(query: str) -> None:
        await storage.get_chat(ME, "long")
        await storage.branch(ME, f"long-{_LONG_CHAT - 1}", limit=40)

    async def count(query: str) -> None:
        await storage.statistics(ME)

    async def page_up(query: str) -> None:
        await storage.branch(ME, f"long-{_LONG_CHAT - 1}", before="long-40", limit=40)

    for name, work in (
        (f"open a chat of {_LONG_CHAT:,} messages (last 40)", open_chat),
        ("page up to the beginning of that chat", page_up),
        ("statistics", count),
    ):
        taken = await _times(work, [""] * rounds)
        figures.append(Figure(f"{name}, p50", _percentile(taken, 50), "ms", None))
    began = time.perf_counter()
    chats = 100 if quick else 1000
    for number in range(chats):
        messages = [
            replace(message, created=message.created + timedelta(minutes=number))
            for message in chain(f"i{number}", 10)
        ]
        await storage.import_chat(ME, a_chat(f"i{number}"), messages, {})
    seconds = time.perf_counter() - began
    figures.append(Figure(f"import {chats:,} chats of 10 messages", seconds, "s", None))
    await storage.aclose()
    return figures


def _figures(name: str, taken: Sequence[float], note: str = "") -> list[Figure]:
    return [
        Figure(f"{name}, p50", _percentile(taken, 50), "ms", 20.0, note=note),
        Figure(f"{name}, p99", _percentile(taken, 99), "ms", 100.0, note=f"n={len(taken)}"),
    ]


async def _times(
    work: Callable[[str], Coroutine[None, None, None]], queries: Sequence[str]
) -> list[float]:
    """Milliseconds of each; the first, which fills caches and compiles statements, apart."""
    await work(queries[0])
    taken = []
    for query in queries:
        began = time.perf_counter()
        await work(query)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _percentile(taken: Sequence[float], percent: int) -> float:
    return sorted(taken)[min(len(taken) - 1, len(taken) * percent // 100)]


def _queries(texts: Sequence[str], rounds: int) -> dict[str, list[str]]:
    rng = random.Random(5)
    words = [word for text in texts for word in text.strip(".").lower().split()]
    rng.shuffle(words)
    rare = [word for word in words if len(word) > 7]
    latin = [word for word in words if word.isascii()]
    pick = itertools.cycle(words).__next__
    return {
        "the commonest word": ["the"] * rounds,
        "a word": words[: rounds * 4],
        "a long word": rare[: rounds * 2],
        "two words": [f"{pick()} {pick()}" for _ in range(rounds * 2)],
        "three words": [f"{pick()} {pick()} {pick()}" for _ in range(rounds)],
        "a common and a rare word": [f"the {word}" for word in rare[:rounds]],
        "a part of a word": [word[1:5] for word in rare[-rounds:]],
        "one or two letters": [word[: 1 + n % 2] for n, word in enumerate(latin[:rounds])],
        "one or two Chinese characters": [
            _CHINESE[n % 40 : n % 40 + 1] + (_CHINESE[n % 7] if n % 2 else "")
            for n in range(rounds)
        ],
        "what is nowhere": [f"{a[:4]}{b[-4:]}" for a, b in itertools.pairwise(rare[:rounds])],
        "in one chat": [*words[: rounds // 2], *["the"] * (rounds // 2)],
    }


def _fill(path: Path, total: int) -> list[str]:
    """Write the messages; returns some of their texts, of all ages."""
    samples: list[str] = []
    with files.connected(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -100000")
        [owner] = connection.execute("SELECT seq FROM owners").fetchone()
        for rows in _batches(total):
            chats = sorted({chat for _, chat, _, _ in rows})
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT OR IGNORE INTO chats VALUES (?, ?, ?, 'A chat', '', 0, 0, 0, 0, NULL, '',"
                " NULL, '', '', ?, 0)",
                [(chat + 1, owner, f"chat-{chat}", _A_CHAT) for chat in chats],
            )
            connection.executemany(
                "INSERT INTO messages (seq, owner, chat, parent, id, role, state, depth, written,"
                " created, provider, model, text)"
                " VALUES (?, ?, ?, ?, ?, 'user', 'complete', 0, 0, ?, '', '', ?)",
                [
                    (seq, owner, chat + 1, parent, f"m{seq}", seq * 1_000_000, text)
                    for seq, chat, parent, text in rows
                ],
            )
            connection.executemany(
                "INSERT INTO search (rowid, grams) VALUES (?, ?)",
                [
                    (
                        seq,
                        " ".join(
                            [
                                folding.scope(owner, owner=True),
                                folding.scope(chat + 1),
                                *folding.grams(text),
                            ]
                        ),
                    )
                    for seq, chat, _, text in rows
                ],
            )
            connection.execute("COMMIT")
            samples += [text for _, _, _, text in rows[:: _BATCH // 40]]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return samples


def _batches(total: int) -> Iterator[list[tuple[int, int, int | None, str]]]:
    """Row id, chat, parent and text, oldest first."""
    rng = random.Random(7)
    words = _COMMON.split()
    syllables = [start + end for start in _STARTS.split() for end in _ENDS.split()]
    known = set(words)
    while len(words) < _WORDS:
        word = "".join(rng.choices(syllables, k=rng.choice((2, 2, 3, 3, 4))))
        if word not in known:
            known.add(word)
            words.append(word)
    weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(words))))
    seq = _BEGIN
    rows: list[tuple[int, int, int | None, str]] = []
    for number in range(total):
        length = rng.choice((6, 12, 20, 40, 60, 80))
        text = " ".join(rng.choices(words, cum_weights=weights, k=length)).capitalize()
        if number % 20 == 0:
            text += " " + "".join(rng.choices(_CHINESE, k=length))
        parent = seq if number % _A_CHAT else None
        seq += rng.choice((1, 2, 5, 20, 600))
        rows.append((seq, number // _A_CHAT, parent, f"{text}."))
        if len(rows) == _BATCH:
            yield rows
            rows = []
    if rows:
        yield rows
