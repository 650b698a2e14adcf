"""Import parliament wherever that can be made to work, and leave nothing of the attempt behind."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from rolelint.errors import UsageError, printable

#: What the pack needs of parliament, as module and name; another version may lack it.
_NEEDED = (
    ("parliament", "iam_definition"),
    ("parliament", "config"),
    ("parliament", "Policy"),
    ("parliament", "expand_action"),
    ("parliament", "is_glob_match"),
    ("parliament", "override_config"),
    ("parliament", "analyze_policy_string"),
    ("parliament.statement", "get_privilege_info"),
    ("parliament.statement", "Statement"),
    ("parliament.statement", "is_valid_region"),
    ("parliament.statement", "is_valid_account_id"),
    ("parliament.misc", "make_list"),
    ("parliament.finding", "Finding"),
)
_MISSING = object()


def parliament() -> Any:
    """Import parliament.

    It imports `pkg_resources`, which it does not declare and which newer versions of setuptools no longer have.

    Raises:
        UsageError: when it cannot be imported, or lacks what the pack needs; one line says why.
    """
    try:
        with _pkg_resources(), warnings.catch_warnings():
            # Its regular expressions are not raw strings, and it does not close the files it reads.
            warnings.simplefilter("ignore")
            # Not `parliament.cli`: its `main` writes a log file into the folder for temporary files.
            modules = {name: import_module(name) for name, _ in _NEEDED}
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(
            f"parliament cannot be imported: {printable(reason)}",
            hint="install the package `parliament`, or check without --grammar",
        ) from error
    lacking = [f"{module}.{name}" for module, name in _NEEDED if not hasattr(modules[module], name)]
    if lacking:
        raise UsageError(
            f"this version of parliament has no `{lacking[0]}`",
            hint="install parliament 1.6.4, or check without --grammar",
        )
    return modules["parliament"]


@contextmanager
def _pkg_resources() -> Iterator[None]:
    """Put a stand-in for `pkg_resources` into `sys.modules` while the real one cannot be imported."""
    before = sys.modules.get("pkg_resources", _MISSING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("pkg_resources")
    except (ImportError, AttributeError):
        # An old setuptools raises AttributeError on Python 3.12 and later.
        sys.modules["pkg_resources"] = _stand_in()
    else:
        yield
        return
    try:
        yield
    finally:
        if before is _MISSING:
            sys.modules.pop("pkg_resources", None)
        else:
            sys.modules["pkg_resources"] = before  # type: ignore[assignment]


def _stand_in() -> ModuleType:
    module = ModuleType("pkg_resources", "The part of pkg_resources that parliament uses.")

    def resource_filename(package: str, name: str) -> str:
        from importlib.resources import files

        return str(files(package).joinpath(name))

    module.resource_filename = resource_filename  # type: ignore[attr-defined]
    return module


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what auditors do to the process inside: output goes to standard error, path and log handlers stay."""
    import logging
    from contextlib import redirect_stdout

    path, handlers, modules = list(sys.path), list(logging.root.handlers), sys.dont_write_bytecode
    # An audit must not leave a `__pycache__` in the user's folder of auditors.
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.path[:] = path
        logging.root.handlers[:] = handlers
        sys.dont_write_bytecode = modules
