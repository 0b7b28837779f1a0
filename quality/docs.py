"""The data docs: Great Expectations' own site, made from the last answers of every suite.

Built without a network and without a database: from checks and counts alone, so no value of a row can be in it. GX's
pages ask four content networks for their style sheets and scripts; those are taken out and a style of ours put in, so
that the site opens from a folder on a machine without internet, and tells nobody that it was opened.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from quality import expectations, record
from warehouse.settings import TIME_ZONE

STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans SC",sans-serif;margin:0;color:#222}
.container-fluid{max-width:1200px;margin:auto;padding:1rem}
nav,.navbar{background:#24506b;padding:.5rem 1rem}nav a,nav li{color:#fff;list-style:none;display:inline}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{border:1px solid #ddd;padding:.35rem .6rem;text-align:left}
.badge{background:#eee;border-radius:.3rem;padding:.1rem .4rem;font-family:monospace}
.text-success{color:#1a7f37}.text-danger{color:#c0392b}.text-muted{color:#777}
.alert{padding:.5rem 1rem;border-left:4px solid #24506b;background:#f6f8fa}
.modal,.d-none,.ge-cta-footer,#cta-footer{display:none}.row{display:block}img{max-height:2rem}
pre,code{white-space:pre-wrap;word-break:break-word}
"""
_FOREIGN = re.compile(
    r"<script[^>]*\ssrc=\"https?://[^>]*>\s*</script>|<link[^>]*href=\"https?://[^>]*>|<img[^>]*src=\"https?://[^>]*>",
    re.IGNORECASE,
)
_FOREIGN_STYLE = re.compile(r"url\(['\"]?https?://[^)]*\)")
_NEWSLETTER = re.compile(r"<a[^>]*href=\"https://greatexpectations\.io[^>]*>.*?</a>", re.IGNORECASE | re.DOTALL)


class NothingJudged(LookupError):
    """No suite has run on this hub yet."""


def build(out_dir: Path) -> Path:
    """Write the site into `out_dir` (made if missing) and return its index.html.

    Raises NothingJudged before the first run.
    """
    records = record.load()
    if not records:
        raise NothingJudged("no check has run yet: there is nothing to show; run once (townhub run)")
    target = Path(out_dir).resolve()
    target.mkdir(parents=True, exist_ok=True)
    for former in ("validations", "expectations", "static"):
        shutil.rmtree(target / former, ignore_errors=True)
    with expectations.quiet(), tempfile.TemporaryDirectory(prefix="townhub-docs-") as workshop:
        context = _context(Path(workshop), target)
        for one in records:
            _add(context, one)
        context.build_data_docs()
    for page in target.rglob("*.html"):
        page.write_text(_at_home(page.read_text(encoding="utf-8")), encoding="utf-8")
    index = target / "index.html"
    index.write_text(_index(records, target), encoding="utf-8")
    return index


def _context(workshop: Path, target: Path) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="file", project_root_dir=workshop)
    context.variables.progress_bars = {"globally": False}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(target)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
    }
    for name in list(context.list_data_docs_sites()):
        context.delete_data_docs_site(name)
    context.add_data_docs_site("townhub", site)
    return context


def _add(context: Any, one: record.Record) -> None:
    """One suite and its last validation, as if GX had kept them."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult, RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    suite = context.suites.add(gx.ExpectationSuite(one.table))
    results = []
    for answer in one.answers:
        made = expectations.expectation(answer.check)
        suite.add_expectation(made)
        results.append(
            ExpectationValidationResult(
                success=answer.passed,
                expectation_config=made.configuration,
                result=dict(answer.observed) or ({"unexpected_percent": 0.0} if answer.passed else {}),
                exception_info=_exception(answer.error),
            )
        )
    met = sum(answer.passed for answer in one.answers)
    statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": met,
        "unsuccessful_expectations": len(results) - met,
        "success_percent": 100.0 * met / len(results) if results else None,
    }
    run = RunIdentifier(run_name=one.judged_at.strftime("%Y-%m-%d %H:%M:%S"), run_time=one.judged_at)
    validation = ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=one.table,
        statistics=statistics,
        meta={"run_id": run, "great_expectations_version": gx.__version__, "active_batch_definition": {}},
    )
    key = ValidationResultIdentifier(ExpectationSuiteIdentifier(one.table), run, one.table)
    context.validation_results_store.add(key, validation)


def _index(records: list[record.Record], target: Path) -> str:
    """The first page: a row per suite with its last validation. (GX's own is drawn by a script from elsewhere.)"""
    rows = []
    for one in records:
        met = sum(answer.passed for answer in one.answers)
        colour = "success" if met == len(one.answers) else "danger"
        pages = sorted(target.glob(f"validations/{one.table.replace('.', '/')}/**/*.html"))
        link = quote(pages[-1].relative_to(target).as_posix()) if pages else ""
        rows.append(
            f'<tr><td><a href="{link}">{escape(one.table)}</a></td>'
            f'<td class="text-{colour}">{met} of {len(one.answers)} met</td>'
            f"<td>{one.judged_at.astimezone(ZoneInfo(TIME_ZONE)):%Y-%m-%d %H:%M:%S}</td></tr>"
        )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>TownHub data docs</title>'
        f'<style>{STYLE}</style></head><body><div class="container-fluid"><h1>TownHub data docs</h1>'
        "<p>What is expected of each table, and how that went last. Counts only: no value of a row is here.</p>"
        "<table><thead><tr><th>Table</th><th>Expectations</th><th>Judged at</th></tr></thead><tbody>"
        f"{''.join(rows)}</tbody></table></div></body></html>"
    )


def _exception(error: str | None) -> dict[str, Any]:
    return {"raised_exception": error is not None, "exception_message": error, "exception_traceback": None}


def _at_home(page: str) -> str:
    """The page without anything that a browser would fetch from elsewhere, in our style."""
    page = _NEWSLETTER.sub("", _FOREIGN_STYLE.sub("none", _FOREIGN.sub("", page)))
    return page.replace("</head>", f"<style>{STYLE}</style></head>", 1)
