"""The JSON text of a policy that stands as a string inside another document."""

from __future__ import annotations

import json
from typing import Any

from rolelint.errors import printable


class PolicyTextError(ValueError):
    """A text that cannot be read as AWS would read it.

    Attributes:
        is_json: whether it is JSON all the same: a key stands twice, or it is nested too deeply.
    """

    def __init__(self, message: str, is_json: bool) -> None:
        super().__init__(message)
        self.is_json = is_json


def loads(text: str) -> Any:
    """Turn JSON text into plain data.

    AWS refuses a key that stands twice in one object, where most parsers keep the last one without a word (S1.11).

    Raises:
        PolicyTextError: for text that is not JSON, with such a key, or nested too deeply.
    """
    try:
        return _decode(text)
    except PolicyTextError:
        raise
    except RecursionError:
        raise PolicyTextError("the policy text is nested too deeply to be read", True) from None
    except ValueError as error:
        raise PolicyTextError(f"the policy text is not JSON: {error}", False) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise PolicyTextError(f"the key `{printable(twice)}` appears twice in one object of the policy text", True)
    return made


#: Made once: `json.loads` makes a decoder for each call that has a hook.
_decode = json.JSONDecoder(object_pairs_hook=_object).decode
