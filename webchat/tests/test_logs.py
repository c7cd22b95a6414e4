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
