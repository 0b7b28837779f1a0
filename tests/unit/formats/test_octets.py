"""What is looked at block by block is the same wherever the blocks begin."""

from __future__ import annotations

import numpy as np
import orjson
import polars as pl
import pytest

from connectors.formats import octets
from connectors.formats.json_pages import quick

FILLER = "x" * 17


@pytest.mark.parametrize("size", [0, 1, octets.BLOCK - 1, octets.BLOCK, octets.BLOCK + 1, 3 * octets.BLOCK + 5])
def test_a_byte_is_found_on_both_sides_of_every_edge(size: int) -> None:
    data = np.zeros(size, dtype=np.uint8)
    wanted = [at for at in (0, octets.BLOCK - 1, octets.BLOCK, 2 * octets.BLOCK, size - 1) if 0 <= at < size]
    data[wanted] = 7
    assert octets.positions(data, 7).tolist() == sorted(set(wanted))


@pytest.mark.parametrize("shift", range(40))
def test_a_number_on_the_edge_of_a_block_keeps_its_digits(shift: int) -> None:
    """A long number that were left bare would come back as a float's."""
    rows = [{"a": FILLER, "n": 1}] * (octets.BLOCK // 40)
    rows[0] = {"a": "y" * shift, "n": 1}
    text = orjson.dumps(rows).replace(b'"n":1', b'"n":12345678901234567.50')
    assert len(text) > octets.BLOCK
    read = quick(text)
    assert read is not None
    frame = read.frame
    assert frame["n"].unique().to_list() == ["12345678901234567.50"]
    assert frame.equals(pl.DataFrame({"a": [row["a"] for row in rows], "n": ["12345678901234567.50"] * len(rows)}))
