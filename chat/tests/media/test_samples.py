"""Where the samples of a track lie, by its tables."""

import io
import struct

import pytest

from chat.media.clean import UnreadableError
from chat.media.clean.boxes import Box, Boxes
from chat.media.clean.reading import Reader
from chat.media.clean.samples import all_within, chunks

from .films import full


def found(*tables):
    """Find the chunks by some tables."""
    data = b"".join(tables)
    boxes = Boxes(Reader(io.BytesIO(data)))
    return [(part.start, len(part)) for part in chunks(boxes, Box(b"stbl", 0, 0, len(data)))]


def table(name, *numbers, rows=None, row=1):
    count = len(numbers) // row if rows is None else rows
    return full(name, struct.pack(f">I{len(numbers)}I", count, *numbers))


def sizes(*each, same=0, count=None):
    return full(b"stsz", struct.pack(f">II{len(each)}I", same, count or len(each), *each))


PLACES = table(b"stco", 1000, 2000, 3000, 4000)
RUNS = table(b"stsc", 1, 2, 1, 3, 1, 1, row=3)  # two samples a chunk, one from the third on


def test_chunks_have_as_many_samples_as_their_run_says():
    expected = [(1000, 3), (2000, 7), (3000, 5), (4000, 6)]
    assert found(PLACES, RUNS, sizes(1, 2, 3, 4, 5, 6)) == expected


def test_samples_may_all_have_one_size():
    expected = [(1000, 20), (2000, 20), (3000, 10), (4000, 10)]
    assert found(PLACES, RUNS, sizes(same=10, count=6)) == expected


def test_places_may_have_64_bits():
    far = full(b"co64", struct.pack(">IQ", 1, 1 << 33))
    assert found(far, RUNS, sizes(1, 2)) == [(1 << 33, 3)]


@pytest.mark.parametrize(
    "tables",
    [
        (PLACES, RUNS),
        (RUNS, sizes(1)),
        (PLACES, sizes(1)),
        (table(b"stco", 1, rows=1000), RUNS, sizes(1)),
        (PLACES, RUNS, sizes(1, count=0x7FFFFFFF)),
    ],
)
def test_tables_that_are_missing_or_lie_are_refused(tables):
    with pytest.raises(UnreadableError):
        found(*tables)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        (range(10, 20), True),
        (range(12, 13), True),
        (range(30, 40), True),
        (range(9, 20), False),
        (range(10, 21), False),
        (range(15, 35), False),
        (range(25, 26), False),
        (range(40, 41), False),
    ],
)
def test_a_part_is_inside_one_of_the_places(part, answer):
    assert all_within([part], [range(10, 20), range(30, 40)]) is answer
