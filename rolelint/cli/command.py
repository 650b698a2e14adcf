"""What all commands have in common as click sees them."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import click


def wants_color(choice: str = "auto", to_file: bool = False) -> bool:
    """Tell whether to colour: as asked, else NO_COLOR, FORCE_COLOR, and whether a person looks at a terminal."""
    if choice != "auto":
        return choice == "always"
    if to_file or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0", "false"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


#: What click is told of every command.
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A command whose options hold what they say.

    It refuses an option that takes one value and is given twice, as click would drop all but the last; and an empty
    text, as of a variable that is not set, which would pass for an option that is not given, or for standard input.

    Args:
        emptied: options, by parameter name, for which an empty text means something.
    """

    def __init__(self, *arguments: Any, emptied: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._emptied = emptied
        self.context_settings.update(_SETTINGS)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments apart, once more than click does, which keeps no count of what it drops.

        Raises:
            click.BadParameter: for an option that is given more often than it has values, or without one.
        """
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)  # a shell asks how the line may go on
        values, _, given = self.make_parser(ctx).parse_args([*args])
        for parameter, times in Counter(given).items():
            if isinstance(parameter, click.Option) and times > 1 and not (parameter.multiple or parameter.is_flag):
                name = parameter.opts[0]
                raise click.BadParameter(f"`{name}` is given {times} times, and takes one value", ctx, parameter)
        rest = super().parse_args(ctx, args)
        for parameter in dict.fromkeys(given):
            value = values.get(parameter.name or "")
            empty = value == "" or (isinstance(value, list | tuple) and "" in value)
            if empty and parameter.name not in self._emptied:
                hint = ". leave the option out where it has no value" if isinstance(parameter, click.Option) else ""
                raise click.BadParameter(f"it is empty{hint}", ctx, parameter)
        return rest


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.context_settings.update(_SETTINGS)
