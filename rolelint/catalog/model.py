"""The values of the catalogue: resource types, signatures, labels and actions."""

from __future__ import annotations

from collections.abc import Callable

from rolelint.records import field, record

#: Effect classes from worst to harmless; all before `mutate` are destructive. See the documentation of labels.
CLASSES = (
    "account",
    "destroy-data",
    "destroy-backup",
    "lock-out",
    "destroy-resource",
    "unprotect",
    "overwrite",
    "disrupt",
    "blind",
    "orchestrate",
    "escalate",
    "mutate",
    "none",
)
DESTRUCTIVE = CLASSES[: CLASSES.index("mutate")]
#: The class of an action that came with an update and has no decision yet. It is not destructive and not harmless.
UNKNOWN = "unknown"
REVERSIBILITIES = ("R0", "R1", "R2", "R3")
BLASTS = ("B0", "B1", "B2", "B3", "B4")
TIMINGS = ("now", "grace", "deferred", "on-trigger")
VIAS = ("direct", "parameter", "payload")
DECISIONS = ("reviewed", "rule", "user", "undecided")

#: What `Catalog.attribute_mask` knows.
ATTRIBUTES = (
    *REVERSIBILITIES,
    *BLASTS,
    *TIMINGS,
    *VIAS,
    *DECISIONS,
    "resource",
    "no-resource",
    "stateful",
    "recovery",
    "taggable",
    "parameter-key",
    "write-level",
)

#: Reversibility and blast radius of a class where a label does not say.
DEFAULTS = {
    "account": ("R2", "B3"),
    "destroy-data": ("R3", "B1"),
    "destroy-backup": ("R3", "B1"),
    "lock-out": ("R0", "B1"),
    "destroy-resource": ("R1", "B1"),
    "unprotect": ("R0", "B1"),
    "overwrite": ("R1", "B1"),
    "disrupt": ("R0", "B1"),
    "blind": ("R0", "B1"),
    "orchestrate": ("R1", "B1"),
    "escalate": ("R0", "B3"),
    "mutate": ("R0", "B0"),
    "none": ("R0", "B0"),
    UNKNOWN: ("R3", "B4"),
}


@record
class ResourceType:
    """One resource type of one service.

    Attributes:
        id: its place in `Catalog.types`.
        formats: ARN formats with `${...}` fields.
        stateful: its contents come from use; configuration cannot bring them back.
        recovery: it is a copy kept for recovery.
        taggable: `aws:ResourceTag/...` describes it.
    """

    id: int
    service: str
    name: str
    formats: tuple[str, ...]
    stateful: bool
    recovery: bool
    taggable: bool

    @property
    def key(self) -> str:
        """Name it as `service:type`."""
        return f"{self.service}:{self.name}"

    def __hash__(self) -> int:
        return self.id


@record
class Signature:
    """How a group of actions names resources. Without any type it is authorised against `*` (S3.9).

    Attributes:
        required: types that must be allowed, each (S3.11).
        optional: types that a call may name too, or of which it names one where none is required.
    """

    id: int
    required: tuple[ResourceType, ...]
    optional: tuple[ResourceType, ...]

    def __hash__(self) -> int:
        return self.id

    @property
    def types(self) -> tuple[ResourceType, ...]:
        """List every type that a call may name."""
        return (*self.required, *self.optional)

    @property
    def targets(self) -> tuple[ResourceType, ...]:
        """List the types that a call is about: those that must be allowed, else those of which it names one."""
        return self.required or self.optional

    @property
    def told(self) -> tuple[ResourceType, ...]:
        """List the types that a call is about, the one to speak of first: of optional ones the shortest name."""
        return self.required or tuple(sorted(self.optional, key=lambda kind: len(kind.name)))


@record
class Label:
    """What an action does to an environment.

    Attributes:
        cls: the primary effect class, or `unknown`.
        also: further classes.
        reversibility, blast, timing: as defined for labels (`R0`-`R3`, `B0`-`B4`, `now` ...).
        via: `direct`, `parameter` (named in `parameter`) or `payload`.
        decided: who decided: `reviewed`, `rule`, `user` or `undecided`.
        reason: why; for a rule, its name.
    """

    cls: str
    also: tuple[str, ...] = ()
    reversibility: str = "R0"
    blast: str = "B0"
    timing: str = "now"
    via: str = "direct"
    parameter: str = ""
    decided: str = "rule"
    reason: str = ""

    @property
    def destructive(self) -> bool:
        """Tell whether the primary class is destructive."""
        return self.cls in DESTRUCTIVE


@record
class Action:
    """One action, with its label and how it names resources. `keys` are read on first use."""

    index: int
    name: str
    levels: frozenset[str]
    signature: Signature
    label: Label
    _keys: Callable[[int], tuple[str, ...]] = field(repr=False, compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """List the condition keys the action itself is published with."""
        return self._keys(self.index)
