"""The bytes of a database that belong to no row: free pages and gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .steps import Step, quietly

LEAF_OR_INNER = {2: 12, 5: 12, 10: 8, 13: 8}  # the kinds of pages in a tree: bytes of their headers


def dead_parts(database: Path, step: Step = quietly) -> Iterator[bytes]:
    """Yield the parts of a database that belong to no row; `step` hears of its bytes.

    See https://sqlite.org/fileformat2.html, 1.5 and 1.6. `secure_delete` fills them
    with zeros; a part of nothing but zeros is left out.
    """
    with database.open("rb") as file:
        header = file.read(100)
        size = _number(header[16:18])
        size = 65536 if size == 1 else max(size, 512)
        pages = database.stat().st_size // size

        def page_at(number: int) -> bytes:
            file.seek((number - 1) * size)
            return file.read(size)

        trunk = _number(header[32:36])
        free: set[int] = set()
        while trunk and trunk not in free and len(free) < pages:
            page = page_at(trunk)
            count = min(_number(page[4:8]), size // 4 - 2)
            free |= {trunk, *(_number(page[8 + 4 * n : 12 + 4 * n]) for n in range(count))}
            trunk = _number(page[:4])
        for number in range(1, pages + 1):
            page = page_at(number)
            parts = [page] if number in free else _gaps(page, 100 if number == 1 else 0)
            yield from filter(None, (part.strip(b"\0") for part in parts))
            step(len(page))


def _gaps(page: bytes, start: int) -> Iterator[bytes]:
    """Yield the room between the list of cells and the cells, and freed blocks among these."""
    header = LEAF_OR_INNER.get(page[start])
    if header is None:
        return
    cells = _number(page[start + 3 : start + 5])
    yield page[start + header + 2 * cells : _number(page[start + 5 : start + 7]) or len(page)]
    block, before = _number(page[start + 1 : start + 3]), 0
    while before < block < len(page):  # in ascending order
        yield page[block + 4 : block + _number(page[block + 2 : block + 4])]
        block, before = _number(page[block : block + 2]), block


def _number(digits: bytes) -> int:
    return int.from_bytes(digits, "big")
