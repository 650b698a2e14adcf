"""Tell which provider configurations work in the same account: IAM knows one set of names for each account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.parts import mapping, rows
from rolelint.readers.terraform.world import Scope

#: Arguments of a provider that decide whose account it works in; all others leave that as it is.
CREDENTIALS = (
    "access_key",
    "secret_key",
    "token",
    "profile",
    "shared_config_files",
    "shared_credentials_files",
    "shared_credentials_file",
    "assume_role",
    "assume_role_with_web_identity",
)
_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/.+")


def assumed_account(roles: Iterable[object]) -> str:
    """Give the account of the last of the roles that a provider assumes, or empty when that is not known."""
    last = list(roles)[-1:]
    match = _ROLE.fullmatch(last[0]) if last and isinstance(last[0], str) and not has_unknown(last[0]) else None
    return match.group(1) if match else ""


def planned_accounts(providers: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Read the provider configurations of a plan.

    Returns:
        What decides the account of each one, as a text that is equal where that is the same; and the accounts
        that the configurations themselves name.
    """
    deciding: dict[str, str] = {}
    named: dict[str, str] = {}
    for key, provider in providers.items():
        if not isinstance(provider, dict) or provider.get("name") not in ("aws", "awscc"):
            continue
        expressions = mapping(provider.get("expressions"))
        found = {name: expressions[name] for name in CREDENTIALS if name in expressions}
        text = json.dumps(found, sort_keys=True)
        # What a module's own configuration refers to means something else in each module.
        deciding[key] = f"{key} {text}" if provider.get("module_address") and '"references"' in text else text
        roles = (mapping(row.get("role_arn")).get("constant_value") for row in rows(found.get("assume_role")))
        account = assumed_account(roles)
        if account:
            named[key] = account
    return deciding, named


def share_accounts(scopes: dict[str, Scope], deciding: Mapping[str, str]) -> None:
    """Give provider configurations of the same account the same account, known or not.

    Configurations of equal credentials whose accounts are known to differ are left as they are.
    """
    groups: dict[str, list[str]] = {}
    for provider, text in deciding.items():
        groups.setdefault(text, []).append(provider)
    for members in groups.values():
        listed = [scopes.setdefault(provider, Scope()) for provider in members]
        accounts = {scope.account for scope in listed if scope.account}
        partitions = {scope.partition for scope in listed if scope.partition}
        if len(accounts) > 1:
            continue
        first = next((p for p in members if p in ("aws", "awscc")), members[0])
        plain = first == "aws" or (first == "awscc" and "aws" not in deciding)
        account = accounts.pop() if accounts else unknown("account id" if plain else f"account id of {first}")
        for scope in listed:
            scope.account = account
            if len(partitions) == 1:
                scope.partition = next(iter(partitions))
