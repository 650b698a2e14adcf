"""Match one value against one policy text: the plain definition.

`decide` matches with it, and the set engine where it looks at one given value or action: a mistake made here is made
by both, so the laws that check one against the other cannot show it. The spec cases do: each cites AWS's page.

Inside this module a pattern is text in which two private characters stand for the wildcards, so that a `*` that came
from a policy variable or from `${*}` stays an ordinary character (S3.16, S10.9).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rolelint.algebra.strings import ANY, STAR, wildcards
from rolelint.catalog.patterns import glob
from rolelint.policies.text import VARIABLE

_DEFAULTED = re.compile(r"^([^,]+), '(.*)'$", re.DOTALL)

#: Gives the single value of a context key (lower-cased), or None when it is absent or multivalued.
Lookup = Callable[[str], "str | None"]


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern covers the whole text; linear in the text for each star, never exponential."""
    return glob(pattern, text, STAR, ANY)


def substitute(text: str, lookup: Lookup, *, wild: bool) -> str | None:
    """Put the values of policy variables into a policy text (S5.25).

    Args:
        wild: whether `*` and `?` outside variables are wildcards.

    Returns:
        The pattern, or None when a variable has no value (S3.14, S5.26).
    """
    out: list[str] = []
    at = 0
    for found in VARIABLE.finditer(text):
        plain = text[at : found.start()]
        out.append(wildcards(plain) if wild else plain)
        name = found.group(1)
        if name in ("*", "?", "$"):
            out.append(name)
        else:
            defaulted = _DEFAULTED.match(name)
            value = lookup((defaulted.group(1) if defaulted else name).strip().lower())
            if value is None and defaulted:
                value = defaulted.group(2)
            if value is None:
                return None
            out.append(value)
        at = found.end()
    plain = text[at:]
    out.append(wildcards(plain) if wild else plain)
    return "".join(out)


def action_matches(pattern: str, action: str) -> bool:
    """Compare an action pattern with an action, ignoring case (S2.1 to S2.7)."""
    if pattern == "*":
        return True
    pattern, action = pattern.lower(), action.lower()
    return pattern[:1] in ("*", "?", action[:1]) and glob(pattern, action)


def arn_matches(pattern: str, text: str) -> bool:
    """Compare an ARN pattern with an ARN, field by field; the sixth field is greedy (S3.2 to S3.5, S5.17).

    A pattern with fewer than six fields is completed with `*`.
    """
    fields = pattern.split(":", 5)
    fields += [STAR] * (6 - len(fields))
    values = text.split(":", 5)
    if len(values) < 6:
        return False
    return all(glob_matches(f, v) for f, v in zip(fields, values, strict=True))


def resource_matches(written: str, arn: str, lookup: Lookup, *, variables: bool) -> bool:
    """Compare one entry of `Resource` with a resource (S3).

    Variables count after the fifth colon only (S3.13); an entry whose variable has no value matches nothing (S3.14).
    """
    if written == "*":
        return True
    if arn == "*":
        return False
    head, tail = _split_resource(written)
    if tail is None:
        return arn_matches(wildcards(head), arn)
    field = substitute(tail, lookup, wild=True) if variables else wildcards(tail)
    if field is None:
        return False
    return arn_matches(f"{wildcards(head)}:{field}", arn)


def _split_resource(written: str) -> tuple[str, str | None]:
    parts = written.split(":", 5)
    if len(parts) < 6:
        return written, None
    return ":".join(parts[:5]), parts[5]
