"""Compiles the shipped rules: into one file that loads without YAML, and another with their sets of actions.

Run `python -m rolelint.rulebook.compile` after a change to `rules/` or to the catalogue; `--check` only tells whether
the files are current.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from rolelint.errors import RolelintError
from rolelint.rulebook.load import COMPILED, rule_of, rules_folder
from rolelint.rulebook.source import read_rule

#: What a check needs of a rule; the rest stays in YAML.
FIELDS = (
    "id",
    "name",
    "title",
    "severity",
    "since",
    "category",
    "subsumed_by",
    "when",
    "lower",
    "message",
    "fix",
)


def compiled() -> str:
    """Read every shipped rule and write the compiled form.

    Raises:
        InputError: for a broken rule file.
    """
    folder = Path(rules_folder())
    entries: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*/*.yaml"), key=lambda p: p.name):
        data = read_rule(path)
        entries.append({**{f: data[f] for f in FIELDS if f in data}, "path": path.relative_to(folder).as_posix()})
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries)
    return f'{{"made_by":"python -m rolelint.rulebook.compile","rules":[\n{lines}\n]}}\n'


def masks(text: str) -> bytes:
    """Work out the sets of actions of compiled rules."""
    from rolelint.rulebook.masks import pack

    folder = rules_folder()
    return pack(rule_of(entry, os.path.join(folder, entry["path"])) for entry in json.loads(text)["rules"])


def main(arguments: list[str]) -> int:
    """Write the compiled rules, or check that they are current."""
    from rolelint.rulebook.masks import STORED

    try:
        text = compiled()
    except RolelintError as error:
        print(error, file=sys.stderr)
        return 2
    files = {Path(COMPILED): text.encode(), Path(STORED): masks(text)}
    stale = [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]
    if "--check" in arguments:
        for path in stale:
            print(f"{path} is not current; run `python -m rolelint.rulebook.compile`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_bytes(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
