"""When a process that publishes lets others have its core."""

from pathlib import Path

import pytest

from worker.broker import node as nodes
from worker.broker.courtesy import Courtesy, cores_taken
from worker.broker.node import Node
from worker.broker.store import NewMessage


class Kernel:
    """Takes this thread's core away as often as the test says, and counts what is given up."""

    def __init__(self) -> None:
        self.taken = 0
        self.rests = 0

    def rest(self, seconds: float) -> None:
        assert seconds > 0
        self.rests += 1


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def courtesy(kernel: Kernel) -> Courtesy:
    return Courtesy(lambda: kernel.taken, kernel.rest)


def test_who_publishes_alone_gives_nothing_up(courtesy: Courtesy, kernel: Kernel) -> None:
    for number in range(50, 500):
        kernel.taken += 1
        courtesy.give_way(number, number)
    assert kernel.rests == 0


def test_nothing_is_given_up_with_a_core_for_everyone(courtesy: Courtesy, kernel: Kernel) -> None:
    for number in range(0, 500, 3):
        courtesy.give_way(number, number)
    assert kernel.rests == 0


def test_each_message_gives_way_where_others_need_the_core(
    courtesy: Courtesy, kernel: Kernel
) -> None:
    courtesy.give_way(1, 1)
    kernel.taken += 1
    for number in range(10, 300, 10):
        courtesy.give_way(number, number + 5)
    assert kernel.rests == 29


def test_what_was_seen_is_forgotten(courtesy: Courtesy, kernel: Kernel) -> None:
    courtesy.give_way(1, 1)
    kernel.taken += 1
    courtesy.give_way(5, 5)
    for number in range(6, 1000):
        kernel.taken += 1
        courtesy.give_way(number, number)
    alone = kernel.rests
    assert 1 < alone < 200
    courtesy.give_way(1002, 1002)
    assert kernel.rests == alone + 1


def test_a_batch_is_one_message_after_the_other(courtesy: Courtesy, kernel: Kernel) -> None:
    courtesy.give_way(1, 10)
    for first in range(11, 1011, 10):
        kernel.taken += 1
        courtesy.give_way(first, first + 9)
    assert kernel.rests == 0


def test_a_count_of_the_kernel_never_falls() -> None:
    first = cores_taken()
    assert cores_taken() >= first >= 0


@pytest.mark.parametrize(("durable", "rests"), [(False, 4), (True, 0)])
def test_publishing_beside_another_process(
    path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, durable: bool, rests: int
) -> None:
    """What waits for the disk gives its core up by that."""

    def made() -> Courtesy:
        return Courtesy(lambda: kernel.taken, kernel.rest)

    other = Node(path)
    monkeypatch.setattr(nodes, "Courtesy", made)
    node = Node(path)
    try:
        for _ in range(5):
            other.publish([NewMessage("q", "x")], durable=durable)
            node.publish([NewMessage("q", "x")], durable=durable)
            kernel.taken += 1
    finally:
        node.close()
        other.close()
    assert kernel.rests == rests
