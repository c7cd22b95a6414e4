from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.template import TemplateDoesNotExist

from chat.sending.drafts import Draft
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
    assert " abc webchat two\\nlines" in line


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


SECRET = "geheim"


def line_of(message: object, *args: object, name: str = "webchat", error=None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.ERROR, "f.py", 1, message, args, info)
    return logs.LineFormatter().format(record)


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x1b", "\x85", "\u2028", "\u2029", "\u202e", "\0"]
)
def test_no_line_can_be_forged_and_no_terminal_steered(character):
    line = line_of("Not Found: %s", f"/{character}2026 INFO - webchat all is well")
    assert line.isprintable()
    assert "Not Found: /\\" in line
    assert line_of("王伟 🙂").endswith("王伟 🙂")


def test_a_long_address_is_cut():
    assert len(line_of("Not Found: %s", "x" * 100_000)) < 3000


def fail_with(error: Exception) -> Exception:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise error from cause
    except Exception as raised:
        return raised


@pytest.mark.parametrize(
    "error",
    [
        KeyError(SECRET),
        ValueError(SECRET),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, "no"),
        ValidationError(SECRET),
        RuntimeError(SECRET),
    ],
)
def test_of_an_error_there_is_the_way_and_the_class_and_no_words(error):
    line = line_of("It failed", error=fail_with(error))
    assert SECRET not in line
    assert f"{__file__}:" in line
    assert "fail_with | KeyError | and then" in line
    assert line.endswith(type(error).__name__)
    again = line_of("%s: %s", str(error), "/admin/", error=fail_with(error))
    for told in (line_of("It failed: %s", error), line_of(error), again):
        assert SECRET not in told
        assert type(error).__name__ in told


def test_what_the_system_says_of_an_error_is_told():
    error = fail_with(OSError(28, "No space left on device"))
    assert "OSError: [Errno 28] No space left on device" in line_of("It failed", error=error)
    assert "locked" in line_of("%s", OperationalError("database is locked"))
    assert "chat/page.html" in line_of("%s", TemplateDoesNotExist("chat/page.html"))


def test_asyncio_tells_no_arguments(caplog):
    loop = asyncio.new_event_loop()
    draft = Draft(1, "bob", SECRET, uuid4())

    def fail(*args):
        raise ValueError(SECRET)

    loop.call_soon(fail, draft, SECRET)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    [record] = caplog.records
    assert record.name == "asyncio"
    line = logs.LineFormatter().format(record)
    assert "Exception in callback" in line
    assert SECRET not in line
    assert SECRET not in repr(draft)


def test_a_record_that_cannot_be_written_is_not_printed_another_way(capsys):
    class Broken:
        def __str__(self):
            raise ValueError(SECRET)

    logger = logging.Logger("broken")
    handler = logs.LineHandler()
    handler.setFormatter(logs.LineFormatter())
    logger.addHandler(handler)
    logger.error("%s", Broken())
    assert SECRET not in capsys.readouterr().err
