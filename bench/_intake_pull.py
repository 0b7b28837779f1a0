"""One process of `bench.intake`: our whole path for one stream, or the plain COPY of its rows.

`python -m bench._intake_pull SHAPE FOLDER` takes the stream in and prints what became of the rows;
`python -m bench._intake_pull copy FOLDER` sends the encoded rows, and loads nothing but the driver.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

BLOCK = 1 << 20


def plain_copy(folder: Path) -> dict[str, int]:
    """The file of encoded rows into the table without an index."""
    import psycopg

    asked = json.loads((folder / "copy.json").read_text())
    with (
        psycopg.connect(os.environ["BENCH_WAREHOUSE"]) as conn,
        (folder / "copy.bin").open("rb") as file,
        conn.cursor().copy(asked["statement"].encode()) as copy,
    ):
        while block := file.read(BLOCK):
            copy.write(block)
    return {"landed": asked["rows"]}


def pull(shape: str, folder: Path) -> dict[str, object]:
    """Take the stream in; what the ledger says of it."""
    from bench._intake_rows import contract_of
    from connectors.intake import run_stream

    contract, stream = contract_of(shape, folder)
    result = run_stream(contract, stream, run_id="bench")
    if result.state != "committed":
        raise RuntimeError(f"the load is {result.state}: see its reasons")
    return {
        "rows_in": result.rows_in, "landed": result.landed, "unchanged": result.unchanged,
        "quarantined": result.quarantined, "steps": result.seconds,
    }  # fmt: skip


if __name__ == "__main__":
    asked, place = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(plain_copy(place) if asked == "copy" else pull(asked, place)))
