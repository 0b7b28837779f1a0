"""A contract file as YAML with a memory of lines, held against the Open Data Contract Standard's own JSON schema.

The schema comes from the package `open-data-contract-standard`, with one extension: `semanticType` may name a
standard of `connectors.semantics`, and `servers` are judged by the hub's own rules, because it speaks protocols
that the standard does not list. Those rules are in `connectors.contract_check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml reads a contract ten times faster; the wheel of PyYAML has it nearly everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_HARMLESS = {"required", "enum", "const", "pattern", "format", "additionalProperties", "unevaluatedProperties"}
"""Schema errors after which the document still has the shape that the hub's own rules walk through."""

_DEEPEST = 100
"""Levels of a document; the standard's own shape has a dozen."""

Place = tuple[Any, ...]
"""Keys and indexes that lead to a node of the document."""


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what is wrong, what to do."""

    file: Path
    line: int
    where: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.where}: {self.reason}. {self.remedy}"


class ContractError(Exception):
    """One or more contract files are refused; `problems` lists every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ContractFile:
    """One contract document; collects problems instead of stopping at the first.

    `shaped` says whether the document has the shape that rules can walk through; without it, `problems` is all
    that can be said.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.document: dict[str, Any] = {}
        self._root: yaml.Node | None = None
        self.shaped = self._read() and self._check_schema()

    def problem(self, where: Place, reason: str, remedy: str) -> None:
        label = ".".join(str(step) for step in where) or "file"
        self.problems.append(Problem(self.path, self.line(where), label, reason, remedy))

    def line(self, where: Place) -> int:
        """The line on which a path of keys and indexes begins (the nearest one that exists)."""
        node = self._root
        for step in where:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next((v for k, v in node.value if k.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            if found is None:
                break
            node = found
        return int(node.start_mark.line) + 1 if node is not None else 1

    def properties(self, node: dict[str, Any], where: Place, known: set[str]) -> dict[str, Any]:
        """`customProperties` of a node as a mapping; an unknown or repeated name is a problem, never ignored."""
        found: dict[str, Any] = {}
        for index, item in enumerate(node.get("customProperties") or []):
            name = item.get("property")
            if name not in known:
                self.problem(
                    (*where, "customProperties", index),
                    f"the property {name!r} is not understood",
                    f"Use one of: {', '.join(sorted(known))}.",
                )
            if name in found:
                # The last would win and drop the others, a list of refusals among them, without a word.
                reason = f"the property {name} stands twice"
                self.problem((*where, "customProperties", index), reason, "Keep one of the two.")
            found[str(name)] = item.get("value")
        return found

    def _read(self) -> bool:
        try:
            text = self.path.read_text(encoding="utf-8")
            if (hostile := _hostile(text)) is not None:
                self._refuse(*hostile)
                return False
            loader = _LOADER(text)
            self._root = loader.get_single_node()
            document = loader.construct_document(self._root) if self._root is not None else None
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(1, "file", f"cannot be read: {error}", "Give a readable UTF-8 file.")
            return False
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "is not YAML"
            self._refuse(
                mark.line + 1 if mark else 1, "yaml", str(reason), "Mend the YAML; quote texts that hold ': '."
            )
            return False
        if not isinstance(document, dict) or self._root is None:
            self._refuse(1, "file", "is not a mapping", "Begin with apiVersion and kind.")
            return False
        self.document = document
        for line, key in _repeated_keys(self._root):
            # YAML would keep the last one and drop the others without a word.
            self._refuse(line, key, "stands twice in one mapping", "Keep one of the two.")
        return True

    def _check_schema(self) -> bool:
        # Through JSON and back: YAML has dates and non-text keys, which the standard's schema does not know. Numbers
        # that JSON does not have are judged by the hub's own rules: to the schema they are numbers.
        plain = json.loads(json.dumps(self.document, default=str), parse_constant=lambda _: 0)
        shaped = True
        for error in _validator().iter_errors(plain):
            shaped &= error.kind.name in _HARMLESS
            self.problem(tuple(error.instance_path), _said(error)[:200], "Follow the Open Data Contract Standard v3.2.")
        return shaped

    def _refuse(self, line: int, where: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, where, reason, remedy))


def _hostile(text: str) -> tuple[int, str, str, str] | None:
    """Line, place, reason and remedy of what may not be built: libyaml dies of depth, and references grow without end.

    Events alone are read here: they need no stack. Raises YAMLError.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = int(event.start_mark.line) + 1
        if isinstance(event, yaml.AliasEvent):
            return line, "yaml", f"the reference *{event.anchor} is not followed", "Write out what it stands for."
        if depth > _DEEPEST:
            return line, "yaml", "is nested too deeply", f"Write it flatter: at most {_DEEPEST} levels."
    return None


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


@cache
def _schema() -> dict[str, Any]:
    """The standard's JSON schema, with `semanticType` and `servers` left to us."""
    from importlib.resources import files

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    schema["properties"]["servers"] = {"type": "array"}
    for definition in schema["$defs"].values():
        if "semanticType" in definition.get("properties", {}):
            definition["properties"]["semanticType"] = {"type": "string"}
    return dict(schema)


@cache
def _validator() -> Any:
    # In Rust: every process that reads contracts would spend two seconds on them in Python.
    import jsonschema_rs

    return jsonschema_rs.validator_for(_schema())


def _said(error: Any) -> str:
    """What is wrong; of a word that is none of a list, with the whole list."""
    if error.kind.name != "enum":
        return str(error.message)
    return f"{json.dumps(error.instance, ensure_ascii=False)} is not one of {', '.join(map(str, error.kind.options))}"


_OWN_ID = re.compile(r"^id:[ \t]*([\"']?)([a-z][a-z0-9_]*)\1(?:[ \t]+#.*)?[ \t]*$", re.MULTILINE)


def own_id(path: Path) -> str:
    """Whose contract a broken file is: the id it gives itself, or its name. It need not be YAML for that."""
    try:
        found = _OWN_ID.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found.group(2) if found else path.name.removesuffix(".odcs.yaml")
