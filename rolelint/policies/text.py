"""Strings of which a part is known only at deployment.

IAM policies hold characters up to U+00FF only (S1.13), so private-use characters can carry, inside an
ordinary string, the name of a value that is not known yet: `arn:aws:s3:::<U+E000>aws_s3_bucket.data.id<U+E001>/*`.
The same name is the same value. Such a value is one opaque literal, never a wildcard.
"""

from __future__ import annotations

import re

OPEN = "\ue000"
CLOSE = "\ue001"
_UNKNOWN = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")

#: A policy variable (S5.25), or the part of a published ARN format that differs; the group is its name. Braces do not
#: nest: of `${a${b}}` only `${b}` is one.
VARIABLE = re.compile(r"\$\{([^{}]*)\}")


def unknown(name: str) -> str:
    """Make the text that stands for a value not known yet.

    Args:
        name: what the input calls the value: a Terraform reference, a CloudFormation function.
    """
    return f"{OPEN}{name.replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"


def has_unknown(text: str) -> bool:
    """Tell whether some part of the text is not known."""
    return OPEN in text


def unknown_names(text: str) -> tuple[str, ...]:
    """List the names of the values not known, in order."""
    return tuple(_UNKNOWN.findall(text))


def split_unknown(text: str) -> list[str]:
    """Split at unknown values: even items are known text, odd items are names of unknown values."""
    return _UNKNOWN.split(text)


def pieces_between(separator: str, text: str, other: str) -> list[str]:
    """Split a text; `other` stands for each piece that is not known, and so may be several."""
    # A name of what is not known may hold the separator.
    pieces = OPEN.join(split_unknown(text)[::2]).split(separator)
    return [other if OPEN in piece else piece for piece in pieces]


def show(text: str) -> str:
    """Write the text for people: unknown values as `${name}`."""
    if OPEN not in text:
        return text
    return _UNKNOWN.sub(lambda m: "${" + m.group(1) + "}", text)
