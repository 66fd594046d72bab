"""Celery's result backend on the broker's file: waiting without polling, and chords.

Owns the translation between Celery's results and `result_store`. Knows nothing of messages.
"""

# Celery is untyped, kombu in part.
# mypy: disable-error-code="no-untyped-call"

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, ClassVar

from billiard.process import current_process
from celery import maybe_signature, states
from celery._state import get_current_worker_task
from celery.backends.asynchronous import AsyncBackendMixin, BaseResultConsumer, _waiting_on
from celery.backends.base import BaseKeyValueStoreBackend
from celery.exceptions import ChordError, ImproperlyConfigured
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import GroupResult, allow_join_result
from celery.utils.functional import _regen
from celery.utils.log import get_logger
from kombu.utils.encoding import bytes_to_str

from worker.broker.errors import PASSING, BrokerBusy, BrokerError, BrokerGone
from worker.broker.node import DONE, REGISTER, Node, Register, Waiting
from worker.broker.places import broker_url, path_from_url
from worker.broker.result_store import SUCCESS, ChordPart

# Celery is untyped: the meta of a task is a dictionary of JSON values.
Meta = dict[str, Any]
OnInterval = Callable[[], object] | None
OnMessage = Callable[[Meta], object] | None

_LONGEST_SLEEP = 2.0  # s between looks when nobody rings, and between calls of on_interval
_LAST = float("inf")  # the position of a chord's part that has none
_TRY_AGAIN = 1.0  # s between tries of a process of the pool while the file cannot be written

_log = get_logger(__name__)


class ResultConsumer(BaseResultConsumer):  # type: ignore[misc]  # Celery is untyped
    """Hands the results that this backend's threads wait for to their `AsyncResult`."""

    on_message: OnMessage

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._reset()

    def _reset(self) -> None:
        # on_state_change runs callbacks that may come back here from the same thread.
        self._lock = threading.RLock()
        self._wanted: set[str] = set()
        self._handed: deque[str | bytes] = deque()
        self._cursor: int | None = None
        self._rung = -1
        self._rounds = 0
        self._seen = threading.local()

    def on_after_fork(self) -> None:
        """The child begins with nothing to wait for; its threads are not the parent's."""
        self._reset()

    def start(self, initial_task_id: str, **kwargs: Any) -> None:
        """Begin to wait for a first task."""
        self.consume_from(initial_task_id)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for key in list(self._wanted):
            self._forget(key)

    def consume_from(self, task_id: str) -> None:
        """Begin to wait for a task. Called from anywhere, also while garbage is collected."""
        key = self.backend.get_key_for_task(task_id)
        if key not in self._wanted:
            self._wanted.add(key)
            self.backend.waiting.add(key, self._handed)

    def cancel_for(self, task_id: str) -> None:
        """Wait for a task no more. Called from anywhere, also while garbage is collected."""
        self._forget(self.backend.get_key_for_task(task_id))

    def _forget(self, key: str) -> None:
        if key in self._wanted:
            self._wanted.discard(key)
            self.backend.waiting.remove(key, self._handed)

    def on_wait_for_pending(self, result: Any, **kwargs: Any) -> None:
        """Hand over what is there already, before the wait begins."""
        with self._lock:
            if self._cursor is None:
                self._cursor = self.backend.node.results.last_change()
        for meta in result._iter_meta(**kwargs):
            if meta is not None:
                self.on_state_change(meta, None)

    # Celery's own versions of these two sleep for no time after each step, for greenlets that
    # take turns. A thread loses the interpreter by that to the worker's, for a fifth of the time
    # that a task takes to and fro.

    def on_state_change(self, meta: Meta, message: Any) -> None:
        """Hand a task's new state to whoever waits for it."""
        if self.on_message is not None:
            self.on_message(meta)
        if meta["status"] not in states.READY_STATES:
            return
        task_id = meta["task_id"]
        # Where nobody waits nothing is kept: who comes late reads the file.
        for result in _waiting_on(self._pending_results, task_id):
            result._maybe_set_cache(meta)
            with suppress(KeyError):
                self.buckets.pop(result).append(result)
        self.cancel_for(task_id)

    def _wait_for_pending(
        self,
        result: Any,
        timeout: float | None = None,
        on_interval: OnInterval = None,
        on_message: OnMessage = None,
        **kwargs: Any,
    ) -> Iterator[None]:
        self.on_wait_for_pending(result, timeout=timeout, **kwargs)
        before, self.on_message = self.on_message, on_message
        try:
            yield from self.drain_events_until(result.on_ready, timeout, on_interval)
        except TimeoutError:
            raise CeleryTimeoutError("The operation timed out.") from None
        finally:
            self.on_message = before

    def drain_events_until(
        self, p: Any, timeout: float | None = None, on_interval: OnInterval = None
    ) -> Iterator[None]:
        """Wait until a promise is kept.

        Raises:
            TimeoutError: it was not, in ``timeout`` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not p.ready:
            left = _LONGEST_SLEEP if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.drain_events(min(left, _LONGEST_SLEEP))
            yield
            if on_interval:
                on_interval()

    def drain_events(self, timeout: float | None = None) -> None:
        """Hand over what changed, or wait until something does."""
        node = self.backend.node
        done = node.topic(DONE)
        seq = done.seq
        if self._hand_over(look=node.rung != self._rung):
            return
        rung = done.wait(seq, _LONGEST_SLEEP if timeout is None else timeout)
        # A result of this process is handed over; only others' have to be looked for.
        self._hand_over(look=not rung or node.rung != self._rung)

    def _hand_over(self, *, look: bool) -> bool:
        """Hand over what changed; True also when another thread did since this one looked.

        Args:
            look: look into the file, too.
        """
        with self._lock:
            payloads = []
            with suppress(IndexError):
                while True:
                    payloads.append(self._handed.popleft())
            if look or self._cursor is None:
                payloads += self._changed()
            for payload in payloads:
                self.on_state_change(self.backend.decode_result(payload), None)
            self._rounds += bool(payloads)
            missed = getattr(self._seen, "rounds", 0) != self._rounds
            self._seen.rounds = self._rounds
            return missed

    def _changed(self) -> list[str | bytes]:
        node = self.backend.node
        rung, results = node.rung, node.results
        if self._cursor is None:
            self._cursor = results.last_change()
            changed = self._wanted.copy()
        else:
            changes = results.changes_since(self._cursor)
            changed = {change.key for change in changes} & self._wanted
            if changes:
                self._cursor = changes[-1].number
        self._rung = rung
        return list(results.get_many(changed).values()) if changed else []


class Backend(BaseKeyValueStoreBackend, AsyncBackendMixin):  # type: ignore[misc]  # Celery is untyped
    """The result backend of ``nagatha+file://`` URLs."""

    ResultConsumer = ResultConsumer
    register: ClassVar[Register] = REGISTER

    key_t = staticmethod(bytes_to_str)
    supports_native_join = True
    supports_autoexpire = True
    supports_result_compression = True
    supports_failure_expires = True
    persistent = True

    def __init__(self, app: Any, url: str | None = None, **kwargs: Any) -> None:
        super().__init__(app, url=url, **kwargs)
        if not url:
            raise ImproperlyConfigured("The result backend needs a URL: nagatha+file:///path")
        self._path = path_from_url(url)
        self._node: Node | None = None
        self._done = threading.local()
        failure = app.conf.get("result_failure_expires")
        self._failure_expires = self.expires if failure is None else self.prepare_expires(failure)
        self.result_consumer = self.ResultConsumer(
            self, self.app, self.accept, self._pending_results, self._pending_messages
        )

    @property
    def node(self) -> Node:
        """The process's share of the file, opened again if it was closed or forked from.

        Raises:
            BrokerError: the file cannot be used.
        """
        node = self._node
        if node is None or not node.usable:
            if node is not None:
                self.result_consumer._cursor = None
            node = self._node = self.register.borrow(self._path)
        return node

    @property
    def waiting(self) -> Waiting:
        """Who in this process waits for results of the file."""
        return self.register.waiting(self._path)

    def as_uri(self, include_password: bool = False) -> str:
        """Give the URL; it holds no secret."""
        return broker_url(self._path)

    def __reduce__(self, args: tuple[Any, ...] = (), kwargs: Meta | None = None) -> Any:
        return super().__reduce__(
            args, {**(kwargs or {}), "expires": self.expires, "url": self.url}
        )

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        """Whether ``result_backend_always_retry`` may try again."""
        return isinstance(exc, BrokerBusy | BrokerGone)

    # -- values

    def get(self, key: str) -> Any:
        """Give a stored value, None when there is none."""
        return self.node.results.get(bytes_to_str(key))

    def mget(self, keys: Collection[str]) -> list[Any]:
        """Give stored values in the order of their keys."""
        names = [bytes_to_str(key) for key in keys]
        found = self.node.results.get_many(names)
        return [found.get(name) for name in names]

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        self._set_with_state(key, value, "")

    def _set_with_state(self, key: str, value: Any, state: str) -> None:
        self._put(self.node, bytes_to_str(key), value, state, self._lifetime(state))

    def _lifetime(self, state: str) -> float | None:
        lifetime = self._failure_expires if state == states.FAILURE else self.expires
        return None if lifetime is None else float(lifetime)

    def _put(
        self,
        node: Node,
        key: str,
        value: Any,
        state: str,
        lifetime: float | None,
        *,
        message: int | None = None,
        later: bool = False,
    ) -> None:
        # A group is saved as a success too, and may be saved again: only tasks are kept.
        kept = SUCCESS if state == states.SUCCESS and key.startswith(self.task_keyprefix) else state
        node.put_result(
            key,
            value,
            kept if kept != "" else "-",
            lifetime,
            message=message,
            settles=message is not None and getattr(self._done, "yes", False),
            later=later,
        )

    def mark_as_done(
        self,
        task_id: str,
        result: Any,
        request: Any = None,
        store_result: bool = True,
        state: str = states.SUCCESS,
    ) -> None:
        """Store a success; with ``acks_late`` the message is acknowledged in the same write.

        A chord's part is acknowledged later, when it has been counted.
        """
        self._done.yes = state == states.SUCCESS and request is not None and not request.chord
        try:
            super().mark_as_done(task_id, result, request, store_result, state)
        finally:
            self._done.yes = False

    def _message_of(self, node: Node, task_id: str, request: Any) -> int | None:
        """The message of a task that this process has in hand."""
        tag = _tag(request)
        # Another broker's tags may look alike, but not with the same task.
        return tag if tag is not None and node.in_hand.get(tag) == task_id else None

    def _surely(self, write: Callable[[Node, bool], object], request: Any) -> None:
        """Write what a task came to, which can do nothing about a file that cannot be written.

        ``write`` is told whether to make up for it later: where the task runs beside the consumer,
        which comes back to it. A process of the pool has none, and waits here.
        """
        of_task = _tag(request) is not None or get_current_worker_task() is not None
        warned = False
        while True:
            try:
                node = self.node
                write(node, of_task and bool(node.hungry))
                return
            except PASSING as error:
                if not of_task or not current_process().daemon:
                    raise
                if not warned:
                    _log.warning("waiting to write what a task came to: %s", error)
                warned = True
            time.sleep(_TRY_AGAIN)

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,
        request: Any = None,
        **kwargs: Any,
    ) -> Any:
        # Celery's own reads first, so as not to undo a success; the statement sees to that here.
        meta = self._get_result_meta(
            result=result, state=state, traceback=traceback, request=request
        )
        meta["task_id"] = bytes_to_str(task_id)
        key = bytes_to_str(self.get_key_for_task(task_id))
        value, lifetime = self.encode(meta), self._lifetime(state)

        def put(node: Node, later: bool) -> None:
            message = self._message_of(node, meta["task_id"], request)
            self._put(node, key, value, state, lifetime, message=message, later=later)

        self._surely(put, request)
        return result

    def delete(self, key: str) -> None:
        """Forget a value."""
        self.node.results.delete(bytes_to_str(key))

    def expire(self, key: str, value: float | None) -> None:
        """Give a value a new lifetime, in seconds."""
        self.node.results.expire(bytes_to_str(key), value)

    def forget(self, task_id: str) -> None:
        """Forget a task's result."""
        super().forget(task_id)
        self.result_consumer.cancel_for(task_id)

    def cleanup(self) -> None:
        """Delete what has expired."""
        self.node.upkeep.delete_expired()

    def get_many(
        self,
        task_ids: Collection[str],
        timeout: float | None = None,
        interval: float | None = None,
        no_ack: bool = True,
        on_message: OnMessage = None,
        on_interval: OnInterval = None,
        max_iterations: int | None = None,
        READY_STATES: frozenset[str] = states.READY_STATES,
    ) -> Iterator[tuple[str, Meta]]:
        """Give each task's meta when it is ready.

        Raises:
            celery.exceptions.TimeoutError: not all were, in ``timeout`` seconds.
        """
        waiting = {bytes_to_str(task_id) for task_id in task_ids}
        deadline = None if timeout is None else time.monotonic() + timeout
        rounds = 0
        while waiting:
            done = self.node.topic(DONE)
            seq = done.seq
            for task_id, meta in self._ready(waiting, READY_STATES).items():
                waiting.discard(task_id)
                if on_message is not None:
                    on_message(meta)
                yield task_id, meta
            rounds += 1
            if not waiting or (max_iterations and rounds >= max_iterations):
                return
            left = _LONGEST_SLEEP if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise CeleryTimeoutError(f"Operation timed out ({timeout})")
            done.wait(seq, min(left, _LONGEST_SLEEP))
            if on_interval:
                on_interval()

    def _ready(self, task_ids: Collection[str], ready: frozenset[str]) -> dict[str, Meta]:
        keys = {self.get_key_for_task(task_id): task_id for task_id in task_ids}
        metas = {
            keys[key]: self.decode_result(payload)
            for key, payload in self.node.results.get_many(keys).items()
        }
        found = {task_id: meta for task_id, meta in metas.items() if meta["status"] in ready}
        self._cache.update(found)
        return found

    # -- chords: the header's parts are counted in the file, and one caller goes on

    def set_chord_size(self, group_id: str, chord_size: int) -> None:
        """Note how many tasks the header has."""
        self.node.results.start_chord(str(group_id), chord_size, self.chord_expires)

    def add_to_chord(self, chord_id: str, result: Any) -> None:
        """Note that a header task added one more."""
        self.node.results.grow_chord(str(chord_id))

    def apply_chord(self, header_result_args: Any, body: Any, **kwargs: Any) -> None:
        """Prepare a chord: a header of groups is saved, to give the body the same shape."""
        if isinstance(header_result_args[1], _regen):
            return
        header = self.app.GroupResult(*header_result_args)
        if any(isinstance(member, GroupResult) for member in header.results):
            self._put(
                self.node,
                self.get_key_for_group(header.id),
                self.encode({"result": header.as_tuple()}),
                "-",
                self._chord_result_expires,
            )

    def on_chord_part_return(
        self, request: Any, state: str, result: Any, propagate: bool | None = None, **kwargs: Any
    ) -> None:
        """Take a header task's result; the last one sends the body."""
        task, chord, position = request.id, request.group, request.group_index
        if not task or not chord:
            return
        value = self.encode([task, state, self.encode_result(result, state)])
        part = ChordPart(chord, task, _LAST if position is None else float(position), value)
        values: list[Any] | None = None
        sent = False

        def count(node: Node) -> None:
            # Again from where it came to, when it could not go on before.
            nonlocal values, sent
            if values is None:
                values = node.results.join_chord(part, node.id, self.chord_expires)
                if values is None:
                    return
            try:
                if not sent:
                    self._send_body(maybe_signature(request.chord, app=self.app), chord, values)
            except PASSING:
                raise
            except BaseException:
                node.results.finish_chord(chord)
                raise
            sent = True
            node.results.finish_chord(chord)

        def write(node: Node, later: bool) -> None:
            if later or self._message_of(node, task, request) is not None:
                node.now_or_later(lambda: count(node))
            else:
                count(node)

        self._surely(write, request)

    def _send_body(self, callback: Any, chord: str, values: list[Any]) -> None:
        try:
            joined = self._joined(chord, values)
        except ChordError as error:
            _log.info("Chord %r: %s", chord, error)
            self.chord_error_from_stack(callback, error)
        except BrokerError:
            raise
        except Exception as error:  # whatever a header task raised is raised here again
            _log.info("Chord %r could not be joined: %r", chord, error)
            self.chord_error_from_stack(callback, _chord_error(f"Join error: {error!r}", error))
        else:
            try:
                callback.delay(joined)
            except PASSING:
                raise
            except Exception as error:  # the body's own routing or serialising may raise anything
                _log.exception("The body of chord %r could not be sent", chord)
                self.chord_error_from_stack(
                    callback, _chord_error(f"Callback error: {error!r}", error)
                )

    def _joined(self, chord: str, values: list[Any]) -> list[Any]:
        header = GroupResult.restore(chord, backend=self)
        if header is None:
            return [self._unpacked(value) for value in values]
        header.on_ready()  # all its parts are here: joining does not wait for the promise
        with allow_join_result():
            joined = header.join_native(
                timeout=self.app.conf.result_chord_join_timeout, propagate=True
            )
        return list(joined)

    def _unpacked(self, value: Any) -> Any:
        task, state, result = self.decode(value)
        if state in states.EXCEPTION_STATES:
            result = self.exception_to_python(result)
        if state in states.PROPAGATE_STATES:
            raise _chord_error(f"Dependency {task} raised {result!r}", result)
        return result


def _tag(request: Any) -> int | None:
    """The number of the message that a worker had of a task; None for what is no task of its."""
    tag: int | None = (getattr(request, "properties", None) or {}).get("delivery_tag")
    return tag


def _chord_error(message: str, cause: object) -> ChordError:
    error = ChordError(message)
    if isinstance(cause, Exception):
        error.__cause__ = cause
    return error
