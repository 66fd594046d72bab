"""Everything that the contract knows crosses the wire and is the same on the other side."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.samples import arguments_of, samples
from worker.contract import errors, system
from worker.contract import types as values
from worker.contract.errors import InvalidInput, ModelError, NagathaError, NotFound
from worker.contract.events import EVENT_TYPES, AnswerDelta
from worker.contract.services import FEATURES
from worker.contract.types import Problem
from worker.contract.wire import Method, error_of, event_of, methods, problem_json, to_json

METHODS = {method.path: method for method in methods()}
FEW = settings(max_examples=8, deadline=None)


def _function(method: Method) -> Any:
    return vars(FEATURES[method.feature])[method.name]


def test_every_method_of_every_protocol_has_a_path() -> None:
    expected = {
        f"/v1/{feature}/{name}"
        for feature, protocol in FEATURES.items()
        for name in vars(protocol)
        if not name.startswith("_")
    }
    assert set(METHODS) == expected and len(expected) > 50
    assert all(method.summary for method in METHODS.values())


@pytest.mark.parametrize("path", sorted(METHODS))
@FEW
@given(data=st.data())
def test_arguments_and_results_come_out_as_they_went_in(path: str, data: st.DataObject) -> None:
    method = METHODS[path]
    function = _function(method)
    arguments = data.draw(arguments_of(function))
    body = method.call_json((), arguments)
    assert body.isascii()
    assert method.arguments_of(body.encode()) == arguments
    result = data.draw(samples(get_type_hints(function)["return"]))
    assert method.result_of(to_json(result).encode()) == result


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda cls: cls.__name__)
@FEW
@given(data=st.data())
def test_events_come_out_as_they_went_in(kind: type, data: st.DataObject) -> None:
    event = data.draw(samples(kind))
    text = to_json(event)
    assert "\n" not in text and event_of(text) == event


def test_events_of_a_newer_version_are_passed_over_and_nonsense_is_refused() -> None:
    assert event_of('{"kind": "chat.sung", "seq": 3}') is None
    for nonsense in ("[]", "{}", '{"kind": 3}', "x", '{"kind": "answer.delta"}'):
        with pytest.raises(ValueError):
            event_of(nonsense)


def test_text_survives_whatever_it_holds() -> None:
    text = "NUL \x00 lone \ud800 pair 🎉 bidi \u202e separator \u2028 \x85 \r\n"
    assert event_of(to_json(AnswerDelta("c", "m", text, 0))) == AnswerDelta("c", "m", text, 0)


def _errors() -> list[type[NagathaError]]:
    return [NagathaError, *NagathaError.__subclasses__()]


@pytest.mark.parametrize("cls", _errors(), ids=lambda cls: cls.__name__)
@FEW
@given(data=st.data())
def test_errors_come_out_as_the_class_and_with_all_they_said(
    cls: type[NagathaError], data: st.DataObject
) -> None:
    error = cls("x")
    error.problem = data.draw(samples(Problem))
    found = error_of(problem_json(error, 400))
    assert type(found) is cls and found is not None and found.problem == error.problem


def test_error_s_body_is_a_problem_as_the_standard_has_it() -> None:
    error = ModelError("Too fast", "Why", "Wait", kind="rate_limited", action="wait")
    body = json.loads(problem_json(error, 429))
    assert body["type"] == "urn:nagatha:problem:rate_limited"
    assert (body["title"], body["status"], body["detail"]) == ("Too fast", 429, "Why")
    assert (body["kind"], body["message"], body["remedy"]) == ("rate_limited", "Why", "Wait")


@pytest.mark.parametrize("body", ["", "x", "[]", "{}", '{"title": 3}', "[" * 100_000])
def test_foreign_bodies_are_no_errors_of_ours(body: str) -> None:
    assert error_of(body) is None


def test_error_without_a_class_is_found_by_its_kind() -> None:
    assert isinstance(error_of('{"kind": "not_found", "title": "x"}'), NotFound)
    assert isinstance(error_of('{"kind": "not_found", "title": "x", "error": [1]}'), NotFound)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/chats/get", "", "“chat” is missing"),
        ("/v1/chats/get", "{", "no JSON"),
        ("/v1/chats/get", "\xff", "no JSON"),
        ("/v1/chats/get", "[" * 100_000, "no JSON"),
        ("/v1/chats/get", "[1]", "one JSON object"),
        ("/v1/chats/get", '{"chat": 3}', "“chat”: Input should be a valid string"),
        ("/v1/chats/get", '{"chat": "a", "chta": 1}', "It takes no “chta”"),
        ("/v1/chats/list_chats", '{"limit": "many"}', "“limit”"),
        ("/v1/chats/list_chats", '{"limit": NaN}', "NaN is not allowed"),
        ("/v1/chats/send", '{"chat": null, "text": "a", "source": "pigeon"}', "“source”"),
        ("/v1/chats/send", '{"chat": null, "text": "a", "attachments": "a"}', "“attachments”"),
        ("/v1/chats/attach", '{"name": "a", "data": "not base64"}', "is not base64"),
        ("/v1/chats/attach", '{"name": "a", "data": 3}', "“data”"),
        (
            "/v1/usage/summary",
            '{"since": "2026-11-21T00:00:00", "until": "2026-11-22T00:00:00Z"}',
            "“since”: Input should have timezone info",
        ),
        ("/v1/jobs/list_runs", '{"before": "2026-11-21T00:00:00"}', "“before”"),
        ("/v1/jobs/list_runs", '{"states": ["DONE"]}', "“states”"),
        ("/v1/jobs/run_task", '{"name": "a.b", "arguments": [1]}', "“arguments”"),
    ],
)
def test_wrong_bodies_are_refused_with_the_parameter_s_name(
    path: str, body: str, told: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        METHODS[path].arguments_of(body.encode("latin-1"))
    assert told in caught.value.problem.message and path in caught.value.problem.title
    assert "It takes:" in caught.value.problem.remedy


def test_left_out_arguments_stay_left_out() -> None:
    assert METHODS["/v1/chats/list_chats"].arguments_of(b"") == {}
    assert METHODS["/v1/chats/list_chats"].arguments_of(b'{"limit": 3}') == {"limit": 3}
    assert METHODS["/v1/chats/create"].call_json(("Title",), {}) == '{"title":"Title"}'
    with pytest.raises(TypeError, match="chta"):
        METHODS["/v1/chats/get"].call_json(("a",), {"chta": "x"})


def test_naive_moments_are_not_sent_as_if_they_had_a_zone() -> None:
    method = METHODS["/v1/usage/summary"]
    body = method.call_json((datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC)), {})
    with pytest.raises(InvalidInput, match="timezone"):
        method.arguments_of(body)


def test_what_is_no_value_of_the_contract_is_refused() -> None:
    with pytest.raises(TypeError, match="object does not belong"):
        to_json(object())


def test_no_value_hides_bytes_inside() -> None:
    # Only bytes that are a parameter or a result by themselves are read as base64.
    for module in (values, system):
        for cls in vars(module).values():
            if dataclasses.is_dataclass(cls) and isinstance(cls, type):
                assert bytes not in get_type_hints(cls).values()


def test_every_error_class_is_known_to_the_wire() -> None:
    known = {cls for cls in vars(errors).values() if isinstance(cls, type)}
    for cls in (one for one in known if issubclass(one, NagathaError)):
        assert type(error_of(problem_json(cls("x", kind="odd"), 500))) is cls
