"""Data of the user's own over ours: effect labels, actors."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rolelint.errors import InputError, Location, UsageError, printable


def use_labels(path: str) -> None:
    """Lay the labels of a file over the catalogue's; nothing where no file is named.

    Raises:
        InputError: for the first mistake in the file, with its place.
        UsageError: when there is no such file.
    """
    if not path:
        return
    from rolelint.catalog import catalog, use
    from rolelint.catalog.labels import overlay

    _expect(path)
    use(catalog().with_overlay(overlay([Path(path)], catalog())))


def use_actors(path: str) -> None:
    """Lay the actors of a file, of the shape of `actors.schema.json`, over ours; nothing where no file is named.

    Raises:
        InputError: for the first mistake in the file, with its place.
        UsageError: when there is no such file, or an actor is like one that is not known.
    """
    if not path:
        return
    import rolelint.engine
    from rolelint.documents import parse
    from rolelint.documents.shape import misfits
    from rolelint.engine import actors
    from rolelint.sources.files import read_bytes

    _expect(path)
    documents = parse(path, read_bytes(path))
    if len(documents) != 1:
        raise InputError("the file must hold one object of actors", location=Location(path))
    schema = Path(rolelint.engine.__file__).parent / "actors.schema.json"
    wrong = misfits(documents[0], json.loads(schema.read_bytes()))
    if wrong:
        raise InputError(wrong[0].message, location=wrong[0].location, hint=wrong[0].hint)
    actors.use_actors({name: entry for name, entry in documents[0].data.items() if name != "$schema"})


def _expect(path: str) -> None:
    if not os.path.exists(path):
        raise UsageError(f"no such file: `{printable(path)}`")
