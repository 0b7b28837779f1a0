"""`townhub resolve`: identity resolution of tables outside the warehouse, and the training of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration import output

app = typer.Typer(
    help="Which records are one resident, and whom a record, a person or an old key belongs to.", no_args_is_help=True
)

INPUT = typer.Argument(help="Parquet file with record_id and any of: system, resident_id_no, name, birth_date, sex, "
                            "phone, address, community.")  # fmt: skip


@app.command()
def residents(
    table: Annotated[Path, INPUT],
    out: Annotated[Path, typer.Option("--output", help="Parquet file to write: record_id, resident_key, link_kind.")],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Put the records of a table together, by the code that the hub uses.

    Example: townhub resolve residents people.parquet --output links.parquet
    """
    from resolution.residents import table as tables

    if not out.parent.is_dir():
        raise output.CommandError(f"there is no folder {out.parent}: make it, or choose another --output")
    links = tables.links(tables.read(table))
    links.write_parquet(out)
    kinds = {str(kind): int(rows) for kind, rows in links.group_by("link_kind").len().sort("link_kind").rows()}
    found = {"records": links.height, "residents": links["resident_key"].n_unique(), **kinds}
    if as_json:
        output.emit_json(found)
    else:
        output.table(["what", "rows"], list(found.items()))


@app.command()
def train(table: Annotated[Path, INPUT]) -> None:
    """Learn the model's weights anew from a table, without any answers; to be committed with the code.

    Example: townhub resolve train people.parquet
    """
    from resolution.residents import model, training
    from resolution.residents import table as tables

    trained = training.train(tables.read(table))
    model.save(trained)
    output.say(f"the model is in {model.PATH}; look at its difference, measure (townhub bench identity), commit it")
