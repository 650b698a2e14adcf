"""What marks a resource as production: its tags, its name, its account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from rolelint.records import record

_VALUES = frozenset(("prod", "production", "prd", "live"))


@record
class Production:
    """Marks, any of which is enough; names and values are compared without case.

    Attributes:
        tag_keys: tags whose value names the environment.
        tag_values: the values that mean production; globs.
        names: globs over the last part of an ARN.
        accounts: globs over account ids, names and aliases.
    """

    tag_keys: tuple[str, ...] = ("env", "environment", "stage")
    tag_values: tuple[str, ...] = tuple(sorted(_VALUES))
    names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def marks(self, arn: str, tags: Mapping[str, str], account: str, account_names: Sequence[str] = ()) -> bool | None:
        """Tell whether a resource is production; None when nothing tells."""
        if any(fnmatchcase(text.lower(), glob.lower()) for text in (account, *account_names) for glob in self.accounts):
            return True
        name = re.split("[:/]", arn.lower())[-1]
        if any(fnmatchcase(name, glob.lower()) for glob in self.names):
            return True
        said = [v.lower() for k, v in tags.items() if k.lower() in self.tag_keys and v]
        if not said:
            return None
        return any(fnmatchcase(value, glob.lower()) for value in said for glob in self.tag_values)
