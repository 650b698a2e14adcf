"""Renders the documentation of the rules from their YAML files.

Run `python -m rolelint.rulebook.docs` after a change to `rules/`; `--check` tells whether `docs/rules/` is current.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rolelint.errors import RolelintError
from rolelint.rulebook.load import load, rules_folder
from rolelint.rulebook.model import CATEGORIES, Example, Rule
from rolelint.rulebook.source import schema

_TITLES = {
    "teardown": "Teardown",
    "data": "Data loss and overwrite",
    "protection": "Protection removal",
    "lock-out": "Lock-out",
    "indirect": "Indirect destroyers",
    "escalation": "Escalation to destroy",
    "trust": "Trust of automated tools",
    "gates": "Missing gates and guardrails",
    "hygiene": "Hygiene",
}

_INTRODUCTION = """\
# Rules

Each rule is one YAML file under `rules/`, and this folder is rendered from those files by
`python -m rolelint.rulebook.docs`. `rolelint explain RULE` prints the same in the terminal.

A rule asks what the *effective* policy allows: all identity policies of the role together, minus explicit Deny, within
the permissions boundary, session policies and every level of SCPs. It names the statement that grants the power and
one concrete request that AWS would allow. Statement rules (`hygiene`, some `gates`) look at the text of policies.
"""

_SEVERITY = """\
## Severity

Every rule has a severity of its own. A finding drops one level for each of these, and says so in `lowered`:

- the grant is limited to a pattern of resources or to named ones;
- an effective condition on resource tags or on the aliases of keys limits it, or one that names the service that
  manages the resource, or its holder as the one who made it;
- a Deny for the tool channel (`aws:ViaAWSMCPService`) covers its actions;
- a permissions boundary takes part of its actions away;
- what the rule itself lists as a reason, for example that nothing worse than one rebuildable resource is deleted.

A resource or tag that says production (`prod`, `production`, `prd`, `live`) counts as unscoped. Where everything in
question is called disposable (dev, test, preview, sandbox, tmp, ephemeral, ci, staging ...), rules about power do not
fire, but for power to write policies: no name limits what is written. A finding about several powers is as severe as
the worst of them; one that needs two together, as the lesser.
`certainty: possible` keeps the severity and says that something about the role is not known.

## Findings that hold others

One statement may set off many rules. A finding folds into a wider one (`subsumed_by` below) when the wider one rests on
every statement that it rests on and speaks of all of its actions, and when the wider one stands at high or above and is
more severe, or is as severe and not the only one of the two that was lowered to that. The wider finding then ends with
the codes that it includes. A finding that rests on another statement never folds, and with `--ignore` or `--select`
only the rules that take part fold.
"""

_OWN_RULES = """\
## Your own rules

`--rules DIR` loads further rule files of the same form, checked against `rules/schema.json`; give them a prefix of your
own (`ACME001`). A file that does not fit is reported with its line. The words of `when`:

{words}

Fields of a `message`: `{{role}}`, `{{deed}}` (the worst action, where, and how many more), `{{text}}`, `{{first}}` and
`{{second}}` (of a pair), `{{layers}}`, `{{count}}`, `{{statement}}`, `{{effect}}`, `{{reason}}`,
`{{hint}}`, `{{issuer}}`, `{{fault}}`. Which of them a rule has depends on the word in its `when`; one that it does not
have is left empty.

With `adapt` in its `fix`, a finding about an action that the `statement` does not name has one of its own: narrowed to
resources (`scope`), by its name instead of a wildcard (`name`), what looks at its service (`read`), or denied (`deny`).
What takes no resource, or with `scope` is limited already, is told so.
"""


def render() -> dict[str, str]:
    """Render every page, by file name."""
    rules = load().rules
    pages = {f"{rule.id}.md": _page(rule) for rule in rules}
    pages["index.md"] = _index(rules)
    return pages


def _index(rules: tuple[Rule, ...]) -> str:
    from rolelint.rulebook.vocabulary import WORDS

    parts = [_INTRODUCTION]
    for category in CATEGORIES:
        rows = [
            f"| [{r.id}]({r.id}.md) | `{r.name}` | {r.severity} | {r.title} |" for r in rules if r.category == category
        ]
        parts.append(
            "\n".join([f"## {_TITLES[category]}", "", "| code | name | severity | |", "|---|---|---|---|", *rows, ""])
        )
    parts.append(_SEVERITY)
    words = "\n".join(f"- `{word}`: {_first_sentence(function.__doc__)}" for word, function in WORDS.items())
    parts.append(_OWN_RULES.format(words=words))
    fields = schema()["$defs"]["selector-fields"]["properties"]
    parts.append(
        "A selector names actions by "
        + ", ".join(f"`{name}`" for name in fields)
        + "; effect classes and attributes are those of the catalogue (`rolelint catalog show ACTION`).\n"
    )
    return "\n".join(parts)


def _first_sentence(text: str | None) -> str:
    line = (text or "").strip().partition("\n\n")[0].replace("\n    ", " ")
    return line[0].lower() + line[1:]


def _page(rule: Rule) -> str:
    lines = [
        f"# {rule.id} {rule.name}",
        "",
        f"{rule.title}.",
        "",
        f"Severity {rule.severity}, category {rule.category}, since {rule.since}.",
        "",
        "## Why",
        "",
        rule.why,
        "",
        "## Fix",
        "",
        rule.fix,
        "",
    ]
    if rule.statement is not None:
        lines += [_json(rule.statement), ""]
    bad = [e for e in rule.examples if rule.id in e.flags]
    good = [e for e in rule.examples if rule.id not in e.flags]
    for title, examples in (("Reported", bad), ("Not reported", good)):
        lines += [f"## {title}", ""]
        for example in examples:
            lines += [f"{_capital(example.name)}{_kind(example)}:", "", _json(_shown(example)), ""]
    if rule.lower:
        lines += ["## Lowered by one level", ""]
        lines += [f"- {_capital(entry['because'])}." for entry in rule.lower]
        lines.append("")
    if rule.subsumed_by:
        codes = ", ".join(f"[{code}]({code}.md)" for code in rule.subsumed_by)
        lines += ["## Included in", "", f"The same statements may already be reported by {codes}.", ""]
    lines += ["## References", "", *(f"- <{url}>" for url in rule.references), ""]
    return "\n".join(lines)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _kind(example: Example) -> str:
    if example.role is not None:
        return " (a role bundle)"
    return {"trust": " (a trust policy)", "scp": " (an SCP)"}.get(example.type, "")


def _shown(example: Example) -> Any:
    if example.role is not None:
        return example.role
    assert example.policy is not None
    return example.policy["Statement"]


def _json(value: Any) -> str:
    """Write plain data as a JSON block: one statement, or one short member, per line."""
    return f"```json\n{_pretty(value, '')}\n```"


def _pretty(value: Any, indent: str) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + len(indent) <= 100 or not isinstance(value, dict | list) or not value:
        return flat
    inner = f"{indent}  "
    if isinstance(value, list):
        items = [f"{inner}{_pretty(item, inner)}" for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    items = [f"{inner}{json.dumps(key)}: {_pretty(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(items) + f"\n{indent}}}"


def stale(pages: Mapping[str, str], folder: Path) -> list[str]:
    """List the pages that a folder lacks, has in another form, or has too many."""
    existing = {path.name for path in folder.glob("*.md")}
    wrong = [name for name, text in pages.items() if name not in existing or (folder / name).read_text("utf-8") != text]
    return sorted([*wrong, *(existing - pages.keys())])


def main(arguments: list[str]) -> int:
    """Write the pages, or check that they are current."""
    folder = Path(rules_folder()).parent / "docs" / "rules"
    try:
        pages = render()
    except RolelintError as error:
        print(error, file=sys.stderr)
        return 2
    if "--check" in arguments:
        wrong = stale(pages, folder)
        if wrong:
            print(f"not current: {', '.join(wrong)}; run `python -m rolelint.rulebook.docs`", file=sys.stderr)
        return 1 if wrong else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(pages, folder):
        if name in pages:
            (folder / name).write_text(pages[name], "utf-8")
        else:
            (folder / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
