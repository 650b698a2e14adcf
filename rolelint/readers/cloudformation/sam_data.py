"""Write or check `sam.json`, the policy templates and connector profiles of the SAM transform.

    python -m rolelint.readers.cloudformation.sam_data write
    python -m rolelint.readers.cloudformation.sam_data check

Both need the package `aws-sam-translator`, where AWS publishes them (Apache-2.0).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("sam.json")

_MEMO: list[dict[str, Any]] = []


def load() -> dict[str, Any]:
    """Give the data: `templates`, `connectors` by source and destination type, and `resources`.

    A template has `Parameters` and `Statement`; a connector has `Type`, `SourcePolicy` and `Access`, statements by
    access category with `%{Source.Arn}`-like names; a resource has the properties that give those names.
    """
    if not _MEMO:
        import json

        _MEMO.append(json.loads(PATH.read_text(encoding="utf-8")))
    return _MEMO[0]


def published() -> str:
    """Make the text of the data file from the installed `aws-sam-translator`."""
    import json
    from importlib.metadata import version
    from importlib.resources import files

    root = files("samtranslator")
    templates = json.loads(root.joinpath("policy_templates_data/policy_templates.json").read_text())["Templates"]
    profiles = json.loads(root.joinpath("model/connector_profiles/profiles.json").read_text())
    header = {
        "source": f"aws-sam-translator {version('aws-sam-translator')}",
        "license": "Apache-2.0",
        "command": "python -m rolelint.readers.cloudformation.sam_data write",
    }
    sections: dict[str, Mapping[str, Any]] = {
        "templates": {
            name: {"Parameters": sorted(entry["Parameters"]), "Statement": entry["Definition"]["Statement"]}
            for name, entry in templates.items()
        },
        "connectors": {
            f"{source} {destination}": {
                "Type": profile["Type"],
                "SourcePolicy": profile["Properties"]["SourcePolicy"],
                "Access": profile["Properties"]["AccessCategories"],
            }
            for source, by_destination in profiles["Permissions"].items()
            for destination, profile in by_destination.items()
        },
        "resources": profiles["CfnResourceProperties"],
    }

    def dump(value: object) -> str:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    parts = [f'"header":{dump(header)}']
    for name, rows in sections.items():
        lines = ",\n".join(f"{dump(key)}:{dump(rows[key])}" for key in sorted(rows))
        parts.append(f'"{name}":{{\n{lines}}}')
    return "{" + ",\n".join(parts) + "}\n"


def main(arguments: list[str]) -> int:
    """Run the command; 1 when the data file is not what the package gives."""
    if arguments == ["write"]:
        PATH.write_text(published(), encoding="utf-8")
        return 0
    if arguments == ["check"]:
        return int(PATH.read_text(encoding="utf-8") != published())
    sys.stderr.write("usage: python -m rolelint.readers.cloudformation.sam_data write|check\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
