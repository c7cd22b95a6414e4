from __future__ import annotations

import logging

import pytest

from webchat import logs


def test_every_answer_names_its_request_and_no_two_are_alike(client, db):
    first, second = (client.get("/login/")["X-Request-ID"] for _time in range(2))
    assert len(first) == 16
    assert first != second


@pytest.mark.parametrize(
    ("given", "is_taken"), [("a" * 32, True), ("x" * 32, False), ("a\nb", False)]
)
def test_the_id_of_a_proxy_is_taken_if_it_looks_like_one(client, db, settings, given, is_taken):
    settings.BEHIND_PROXY = True
    answer = client.get("/login/", headers={"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) == is_taken
    settings.BEHIND_PROXY = False
    assert client.get("/login/", headers={"X-Request-ID": "a" * 32})["X-Request-ID"] != "a" * 32


def test_a_line_of_the_log_names_the_request_and_stays_one_line():
    token = logs.request_id.set("abc")
    record = logging.LogRecord("webchat", logging.ERROR, "f.py", 1, "two\nlines", (), None)
    line = logs.LineFormatter().format(record)
    logs.request_id.reset(token)
    assert " abc webchat two | lines" in line


def record(message, level=logging.WARNING, *args, error=None):
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord("webchat", level, "f.py", 1, message, args, exc_info)


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: now[0])
    return now


def test_a_flood_is_a_line_a_second_that_says_how_many_there_were(clock):
    sparingly, written = logs.Sparingly(), []
    for _second in range(3):
        for number in range(1000):
            line = record("%d went wrong", logging.ERROR, number)
            if sparingly.filter(line):
                written.append(line.getMessage())
        clock[0] += 1
    assert written == [
        "0 went wrong",
        "0 went wrong (and 999 more like it)",
        "0 went wrong (and 999 more like it)",
    ]


def test_one_kind_does_not_silence_another(clock):
    sparingly = logs.Sparingly()
    kinds = [
        record("a %s", logging.WARNING, 1),
        record("a %s", logging.ERROR, 1),
        record("b %s", logging.WARNING, 1),
        record("a %s", logging.WARNING, 1, error=ValueError()),
        record("a %s", logging.WARNING, 1, error=KeyError()),
    ]
    assert all(map(sparingly.filter, kinds))
    assert not any(map(sparingly.filter, kinds))


def test_what_a_loop_puts_together_before_it_logs_is_of_one_kind(clock):
    sparingly = logs.Sparingly()
    beginning = "socket.accept() out of system resource\nsocket: <asyncio.TransportSocket fd="
    assert sparingly.filter(record(f"{beginning}6>", logging.ERROR))
    assert not sparingly.filter(record(f"{beginning}7>", logging.ERROR))


def test_news_are_never_left_out_and_the_memory_of_kinds_is_bounded(clock):
    sparingly = logs.Sparingly()
    assert all(sparingly.filter(record("a", logging.INFO)) for _time in range(10))
    for number in range(10 * logs.KINDS):
        assert sparingly.filter(record(f"{number}"))
    assert len(sparingly._seen) <= logs.KINDS


def test_whatever_is_written_goes_through_it(settings):
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["sparingly"]
    logger = logging.getLogger("gunicorn.error.of.a.test")
    logs.quieten(logger)
    logs.quieten(logger)
    assert len(logger.filters) == 1
