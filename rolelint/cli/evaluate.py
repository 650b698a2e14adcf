"""`rolelint evaluate`: decide concrete requests from a file, and compare with what is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from rolelint.cli import tell
from rolelint.cli.command import Command
from rolelint.errors import InputError, Location, Problem, printable
from rolelint.reporters import inert


@click.command("evaluate", cls=Command)
@click.argument("path", metavar="CASES")
@click.option("--format", "-f", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--quiet", "-q", is_flag=True, help="Text: show only the cases that are not as expected.")
def command(path: str, format_name: str, quiet: bool) -> int:
    """Decide the requests in CASES (JSON or YAML, `-` for standard input) as AWS would.

    Each case has policies, one request and, optionally, the decision expected: `allow`, `deny` (explicit) or
    `implicit_deny`. The published schema is rolelint/engine/cases.schema.json.

    A case that does not have this form is told on standard error, and the others are decided.

    Exit codes: 0 as expected, 1 a case is not as expected, 2 errors, 3 no cases.
    """
    from rolelint.engine.cases import CaseError, evaluate, parse_cases

    document = _load(path)
    malformed: list[CaseError] = []
    cases = parse_cases(document.data, malformed)
    for error in malformed:
        tell(str(Problem(printable(str(error)), document.locate(error.route), "see cases.schema.json")))
    results = list(evaluate(cases))
    if format_name == "json":
        click.echo(inert(json.dumps([_row(r) for r in results], indent=2)))
    else:
        for result in results:
            if not (quiet and result.passed):
                click.echo(_line(result))
                for problem in _problems(result):
                    click.echo(f"     {problem}")
        wrong = sum(not r.passed for r in results)
        noun = "case" if len(results) == 1 else "cases"
        left_out = f", {len(malformed)} malformed" if malformed else ""
        click.echo(f"{len(results)} {noun}, {wrong} not as expected{left_out}")
    if malformed:
        return 2
    if not results:
        return 3
    return 0 if all(r.passed for r in results) else 1


def _load(path: str) -> Any:
    from rolelint.documents import parse
    from rolelint.sources.files import named_source, read_source

    source = named_source(path)
    documents = parse(source.name, read_source(source))
    if len(documents) != 1:
        raise InputError("the file must hold one list of cases", location=Location(source.name))
    return documents[0]


def _row(result: Any) -> dict[str, Any]:
    decision = result.decision
    return {
        "id": result.case.id,
        "decision": decision.outcome.value,
        "expected": result.case.expected or None,
        "statement": decision.statements[-1].label if decision.statements else None,
        "statements": [s.label for s in decision.statements],
        "explanation": decision.explanation,
        "passed": result.passed,
        "problems": _problems(result),
    }


def _problems(result: Any) -> list[str]:
    """List what AWS would refuse in the policies of a case, with its place, and what no request can have."""
    of_policies = (
        f"{place}: {problem.message}"
        for place, document in result.case.policies.documents()
        for problem in document.problems
    )
    return [printable(text) for text in (*of_policies, *_misspelt(result.case.request))]


def _misspelt(request: Any) -> Iterator[str]:
    """Name the action and keys of a request that the catalogue does not know: a refusal of these proves nothing."""
    from rolelint.catalog import catalog
    from rolelint.cli.asking import nearest_action, strange_keys

    known = catalog()
    if known.index(request.action) is None:
        hint = nearest_action(known, request.action)
        yield f"request: no known action is called `{request.action}`" + (f"; {hint}" if hint else "")
    contexts = (request.context, *(target.context for target in request.targets))
    for key in strange_keys(known, (key for context in contexts for key in context)):
        yield f"request: unknown condition key `{key}`"


def _line(result: Any) -> str:
    decision = result.decision
    mark = "ok  " if result.passed else "FAIL"
    expected = f" expected {result.case.expected}" if result.case.expected and not result.passed else ""
    return printable(f"{mark} {result.case.id}: {decision.outcome.value}{expected} ({decision.explanation})")
