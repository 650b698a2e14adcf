"""Proposes an effect label for an action from what AWS publishes about it.

The steps are those of the labelling procedure, in its order, each under its own name. A proposal is not a decision:
a reviewed label file decides over it. Where nobody reviewed an action, the label says which step proposed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rolelint.catalog.model import DEFAULTS, Label
from rolelint.catalog.published import PublishedAction, PublishedService
from rolelint.catalog.wording import (
    ACCOUNT,
    APPENDS,
    CONTENT,
    DELETE,
    EMPTY_GRANT,
    EXPIRY,
    GRANT,
    GRANT_SERVICES,
    GUARD,
    HARMLESS_GRANT_VERBS,
    INGRESS,
    JOB,
    KEY_LOSS,
    KEY_SERVICES,
    LEND,
    MAKE,
    NO_CONSEQUENCE,
    RECOVERY,
    REDEFINES,
    RENT,
    RUN,
    RUN_WORDS,
    RUNNING,
    STATEFUL_NOUN,
    STATEMENT,
    STOP,
    STRONG_GRANT,
    TEXT_ONLY,
    WATCH,
    WATCH_DOWN,
    WORDS,
    WRITE,
)
from rolelint.records import field, record


@record
class Subject:
    """One action with everything the steps look at."""

    service: str
    action: PublishedAction
    stateful: frozenset[str]
    recovery: frozenset[str]
    parameters: tuple[Mapping[str, Any], ...]
    words: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def verb(self) -> str:
        """The verb: the first word, past a leading `Batch`, `Admin`, `Bulk`, `Partial` or `Force`."""
        words = [w.lower() for w in self.words]
        while len(words) > 1 and words[0] in {"batch", "admin", "bulk", "force", "start"} and words[1] in _VERBS:
            words = words[1:]
        return words[0] if words else ""

    @property
    def target(self) -> str:
        """What the verb acts on: the name without its verb."""
        return re.sub(r"^(Batch|Admin|Bulk|Force)?[A-Z]?[a-z]+", "", self.name, count=1) or self.name

    def uses(self, keys: frozenset[str]) -> bool:
        """Tell whether a resource type of the given kind is acted on: a required one, or any where none is."""
        required = [use.type for use in self.action.uses if use.required]
        names = required or [use.type for use in self.action.uses]
        return any(f"{self.service}:{name}" in keys for name in names)

    def has(self, words: Iterable[str]) -> bool:
        """Tell whether one of the words occurs anywhere in the name."""
        wanted = frozenset(words)
        return any(word.lower() in wanted for word in self.words)


_VERBS = DELETE | STOP | WRITE | MAKE


def propose(
    service: PublishedService,
    action: PublishedAction,
    stateful: frozenset[str],
    recovery: frozenset[str],
    parameters: tuple[Mapping[str, Any], ...],
) -> Label:
    """Propose a label for one action: the first step that has an opinion decides, and is its `reason`.

    Args:
        stateful, recovery: resource types as `service:type`.
        parameters: rows of the parameter table.
    """
    words = tuple(WORDS.findall(action.name))
    subject = Subject(service.prefix, action, stateful, recovery, parameters, words)
    for name, step in STEPS:
        fields = step(subject)
        if fields is not None:
            return _label(fields, name)
    return _label({"class": "mutate"}, "12-otherwise-mutate")


def _label(fields: Mapping[str, Any], step: str) -> Label:
    cls = fields["class"]
    r, b = DEFAULTS[cls]
    parameter = str(fields.get("parameter", ""))
    return Label(
        cls=cls,
        also=tuple(fields.get("also", ())),
        reversibility=fields.get("r", r),
        blast=fields.get("b", b),
        timing=fields.get("timing", "now"),
        via=fields.get("via", "parameter" if parameter else "direct"),
        parameter=parameter,
        decided="rule",
        reason=step,
    )


Fields = dict[str, Any]


def _account(s: Subject) -> Fields | None:
    found = ACCOUNT.get(f"{s.service}:{s.name}")
    return {"class": "account", "r": found[0], "b": found[1]} if found else None


def _read(s: Subject) -> Fields | None:
    levels = set(s.action.levels)
    if "Tagging" in levels and not s.has({"untag"} | DELETE):
        return {"class": "none"}
    if levels & {"Write", "Permissions management"} and "Tagging" not in levels:
        return None
    if "Tagging" not in levels and STATEMENT.match(s.name):
        return {"class": "orchestrate", "via": "payload"}
    return {"class": "none"}


def _key(s: Subject) -> Fields | None:
    if s.service not in KEY_SERVICES or not KEY_LOSS.match(s.name):
        return None
    if "Deletion" in s.name or s.name == "DeleteKey":
        return {"class": "lock-out", "also": ["destroy-data"], "r": "R2", "timing": "grace"}
    return {"class": "lock-out"}


def _grant(s: Subject) -> Fields | None:
    named = GRANT.search(s.name) is not None
    managed = "Permissions management" in s.action.levels
    if s.verb == "revoke":
        return {"class": "disrupt"} if INGRESS.search(s.name) else {"class": "lock-out"}
    if LEND.search(s.name) and s.verb not in DELETE | STOP | {"accept"}:
        return {"class": "escalate"}
    if not managed and not named and s.service not in GRANT_SERVICES:
        return None
    if s.verb in HARMLESS_GRANT_VERBS or s.name.startswith("AllowVendedLogDelivery"):
        return {"class": "none"}
    if s.verb in DELETE | STOP:
        return {"class": "lock-out"} if named or s.service in GRANT_SERVICES else None
    if re.search(r"Polic(y|ies)$|PolicyStatement$|Acl$|ACL$", s.name) and s.verb in {"put", "set", "update"}:
        return {"class": "lock-out", "also": ["escalate"]}
    if not named or EMPTY_GRANT.search(s.name):
        return None
    if s.verb in {"put", "attach", "add", "update", "grant", "associate", "modify", "set", "create"} and (
        managed or STRONG_GRANT.search(s.name)
    ):
        return {"class": "escalate"}
    return None


def _watch(s: Subject) -> Fields | None:
    if not WATCH.search(s.name) or s.verb not in WATCH_DOWN:
        return None
    if s.uses(s.stateful) and s.verb in DELETE:
        return {"class": "blind", "also": ["destroy-data"], "r": "R3"}
    return {"class": "blind"}


def _expiry(s: Subject) -> Fields | None:
    if not EXPIRY.search(s.name):
        return None
    if s.verb in DELETE or s.verb in STOP - {"decrease"}:
        return {"class": "none"}
    if s.verb in WRITE | {"create", "decrease", "start", "enable"}:
        cls = "destroy-backup" if s.uses(s.recovery) or "RecoveryPoint" in s.name else "destroy-data"
        return {"class": cls, "timing": "deferred", "b": "B2", "parameter": "expiry rules"}
    return None


def _guard(s: Subject) -> Fields | None:
    if not GUARD.search(s.name):
        return None
    if s.verb in DELETE | STOP | {"bypass", "unlock", "skip", "override"}:
        return {"class": "unprotect"}
    if s.verb in {"put", "update", "modify", "set", "change", "replace"}:
        return {"class": "unprotect", "parameter": "the guard's settings"}
    return None


def _run(s: Subject) -> Fields | None:
    if s.verb in DELETE or s.verb in {"stop", "cancel", "pause"}:
        return None
    if RUN.match(s.name) or (s.verb in {"start", "run", "execute", "invoke"} and RUN_WORDS.search(_text(s))):
        return {"class": "orchestrate", "via": "payload"}
    return None


def _delete(s: Subject) -> Fields | None:
    first = s.verb in DELETE
    inside = s.has({"delete", "deletion", "wipe", "purge", "reset", "erase", "rebuild"}) and s.verb not in {
        "cancel",
        "disable",
        "put",
        "get",
        "update",
        "restore",
    }
    if not first and not inside:
        return None
    if not first and s.has({"reset"}) and not s.has({"database", "graph"}):
        return None
    if "Tagging" in s.action.levels:
        return {"class": "none"}
    if RECOVERY.search(s.name) or (s.uses(s.recovery) and not s.uses(s.stateful)):
        return {"class": "destroy-backup"}
    if not first:
        # The verb is inside the name: a job or a call whose purpose is to delete in bulk.
        return {"class": "destroy-data"}
    if NO_CONSEQUENCE.search(s.name) and not s.uses(s.stateful):
        return {"class": "none"}
    named = s.target.lower()
    acted = [use.type.lower().replace("-", "") for use in s.action.uses if use.required]
    if s.uses(s.stateful):
        # A part of a stateful thing (a role of a cluster, a rule of a bucket) is not the thing.
        if not acted or any(named.rstrip("s").endswith(t.rstrip("s")) or t.endswith(named.rstrip("s")) for t in acted):
            return {"class": "destroy-data"}
        return {"class": "destroy-data" if STATEFUL_NOUN.search(s.name) else "destroy-resource"}
    if not s.action.uses and STATEFUL_NOUN.search(s.name):
        return {"class": "destroy-data"}
    return {"class": "destroy-resource"}


def _stop(s: Subject) -> Fields | None:
    scaled = s.has({"capacity", "concurrency"}) and s.verb in WRITE
    if s.verb not in STOP and not scaled and s.verb != "scale":
        return None
    if JOB.search(s.name) and not s.has({"instance", "cluster", "pipeline", "service"}):
        return {"class": "none"}
    return {"class": "disrupt"}


def _write(s: Subject) -> Fields | None:
    full = f"{s.service}:{s.name}"
    if s.verb in WRITE | {"create"} or s.name.startswith("Alter"):
        for row in s.parameters:
            if fnmatchcase(full, row["match"]) and not (s.verb == "create" and "Lifecycle" not in s.name):
                return dict(row)
    if s.verb not in WRITE:
        return None
    if APPENDS.search(s.name) or TEXT_ONLY.search(s.name):
        return {"class": "mutate"}
    if REDEFINES.search(s.name) and s.verb in {"update", "put", "modify"}:
        return {"class": "orchestrate", "parameter": "the definition"}
    if RUNNING.search(s.name):
        return {"class": "disrupt", "parameter": "capacity, version or network settings"}
    if s.verb in {"import", "upload", "publish", "post", "promote", "rotate", "move"}:
        return {"class": "mutate"}
    if CONTENT.search(s.name) or s.uses(frozenset({"lambda:function"})):
        return {"class": "overwrite"}
    return {"class": "mutate"}


def _make(s: Subject) -> Fields | None:
    if RENT.search(s.name):
        return {"class": "destroy-resource"}
    return {"class": "none"} if s.verb in MAKE else None


def _text(s: Subject) -> str:
    return s.action.description.lower()


#: The steps by name, in order.
STEPS: tuple[tuple[str, Callable[[Subject], Fields | None]], ...] = (
    ("02-account-list", _account),
    ("03-read-or-tag", _read),
    ("04-key-availability", _key),
    ("05-grants", _grant),
    ("06-watchers", _watch),
    ("07-expiry", _expiry),
    (
        "11-parameters",
        lambda s: _write(s) if any(fnmatchcase(f"{s.service}:{s.name}", r["match"]) for r in s.parameters) else None,
    ),
    ("07-guards", _guard),
    ("08-runs-payload", _run),
    ("09-delete-verb", _delete),
    ("10-stop-verb", _stop),
    ("11-in-place-write", _write),
    ("12-make-or-undo", _make),
)
