"""What AWS publishes (actions, resource types, condition keys, managed policies) and what each action destroys.

>>> from rolelint.catalog import catalog
>>> catalog().names(catalog().expand("sqs:Purge*"))
['sqs:PurgeQueue']
"""

from __future__ import annotations

from rolelint.catalog.loaded import Catalog, load
from rolelint.catalog.model import Action, Label, ResourceType, Signature
from rolelint.memory import forget

__all__ = ["Action", "Catalog", "Label", "ResourceType", "Signature", "catalog", "use"]

_current: list[Catalog] = []


def catalog() -> Catalog:
    """Give the catalogue in use: the one shipped with rolelint unless `use` set another."""
    return _current[0] if _current else load()


def use(other: Catalog | None) -> None:
    """Set the catalogue in use, for example one with a user's labels over it; None goes back to the shipped one.

    What was worked out with the catalogue before is forgotten.
    """
    _current[:] = [] if other is None else [other]
    forget()
