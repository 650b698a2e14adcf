"""Rules as questions to the engine, and their answers as findings.

```python
rulebook = load_rules()                       # the shipped rules; load_rules([Path("my-rules")]) adds a user's own
options = CheckOptions(select=rulebook.resolve(["RL106", "destroy-data"]))
report = check_role(role, rulebook, options)  # RoleReport: effects and findings of one role
```
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rolelint.findings.model import Finding, RoleReport, UnknownItem
from rolelint.memory import alone
from rolelint.policies.role import Policy, Role
from rolelint.rulebook.model import CATEGORIES, CheckOptions, Details, Example, Rule, Rulebook

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CATEGORIES",
    "CheckOptions",
    "Details",
    "Example",
    "Rule",
    "Rulebook",
    "check_change",
    "check_guardrails",
    "check_policy",
    "check_role",
    "load_rules",
    "role_unknowns",
]


@alone
def load_rules(extra_dirs: Iterable[Path | str] = ()) -> Rulebook:
    """Load the shipped rules, and the rules of further folders after them.

    Raises:
        InputError: for the first broken rule file of a further folder, with its file, line and column.
        UsageError: when a folder does not exist or holds no rule.
    """
    from rolelint.rulebook.load import load

    folders = list(extra_dirs)
    if folders:
        from pathlib import Path

        return load([Path(folder) for folder in folders])
    return load()


@alone
def check_role(role: Role, rulebook: Rulebook, options: CheckOptions | None = None) -> RoleReport:
    """Say what one role can do to its environment, and what a reviewer should act on.

    At most one finding per rule, in the order of severity and code. A lone identity policy comes as a role of
    kind `policy`. The role's SCPs and RCPs limit what it can do, and are judged themselves by `check_guardrails`.
    """
    from rolelint.rulebook.check import role_report

    return role_report(role, rulebook, options or CheckOptions())


@alone
def check_change(role: Role, rulebook: Rulebook, options: CheckOptions, gained: int) -> RoleReport:
    """Judge a role by the actions that it gains over itself as it was before."""
    from rolelint.rulebook.change import role_change

    return role_change(role, rulebook, options, gained)


@alone
def check_policy(policy: Policy, rulebook: Rulebook, options: CheckOptions | None = None) -> list[Finding]:
    """Judge a policy by itself: trust, resource, SCP, RCP and boundary documents that belong to no role here."""
    from rolelint.rulebook.check import policy_findings

    return policy_findings(policy, rulebook, options or CheckOptions())


@alone
def check_guardrails(roles: Iterable[Role], rulebook: Rulebook, options: CheckOptions | None = None) -> list[Finding]:
    """Judge the SCPs and RCPs around some roles, each distinct policy once."""
    from rolelint.rulebook.check import guardrail_findings

    return guardrail_findings(roles, rulebook, options or CheckOptions())


@alone
def role_unknowns(role: Role, options: CheckOptions | None = None) -> list[UnknownItem]:
    """List what could not be decided about a role, with reasons: its own unknowns first, then the engine's."""
    from rolelint.rulebook.check import unknown_items

    return unknown_items(role, options or CheckOptions())
