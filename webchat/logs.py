from __future__ import annotations

import logging
from contextvars import ContextVar

from django.core.exceptions import DisallowedHost

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class LineFormatter(logging.Formatter):
    """One line a record, a traceback too, so that `grep` and the journal keep it whole.

    Each names the request in which it was written, as its answer does in `X-Request-ID`.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        return super().format(record).replace("\r", "").replace("\n", " | ")

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802
        # A stranger's Host header is no fault of ours to trace.
        return "" if isinstance(ei[1], DisallowedHost) else super().formatException(ei)
