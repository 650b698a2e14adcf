"""An action that AWS publishes and nobody has labelled yet: unknown, and told by RL901; never a pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolelint.catalog import Catalog, catalog, use
from rolelint.catalog.model import Label
from rolelint.rulebook import CheckOptions, check_role, load_rules, role_unknowns
from tests.rulebook.build import allow, deny, statements

_NEW = "s3:PutObjectTagging"


@pytest.fixture
def undecided() -> Iterator[Catalog]:
    """Use a catalogue in which one action has no label."""
    before = catalog()
    changed = before.with_overlay({_NEW: Label("unknown", decided="undecided")})
    use(changed)
    yield changed
    use(before)


def test_a_grant_of_it_is_told_and_unknown(undecided: Catalog) -> None:
    role = statements(allow(_NEW))
    found = check_role(role, load_rules(), CheckOptions())
    assert [(f.rule, f.severity) for f in found.findings] == [("RL901", "medium")]
    assert "nobody has decided" in found.findings[0].message
    assert [u.what for u in role_unknowns(role)] == [f"`{_NEW}`"]


def test_a_deny_of_it_is_fine(undecided: Catalog) -> None:
    role = statements(deny(_NEW))
    assert check_role(role, load_rules(), CheckOptions()).findings == []
    assert role_unknowns(role) == []


def test_nothing_is_undecided_in_the_shipped_catalogue() -> None:
    assert catalog().attribute_mask("undecided") == 0
