"""The report for people: grouped by principal, the source quoted, a summary last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rolelint.errors import printable, shortened
from rolelint.findings.model import SEVERITIES, Finding, Report, RoleReport
from rolelint.policies.text import show
from rolelint.reporters import Style, Write

_COLORS: dict[str, dict[str, Any]] = {
    "critical": {"fg": "red", "bold": True},
    "high": {"fg": "red"},
    "medium": {"fg": "yellow"},
    "low": {"fg": "cyan"},
    "info": {"fg": "blue"},
    "unknown": {"fg": "magenta"},
    "dim": {"dim": True},
    "head": {"bold": True},
    "good": {"fg": "green"},
}
#: Labels stand in a column of this width, or, where there are fewer columns than `_ROOMY`, above what they name.
_LABEL = 11
_ROOMY = 60
_MARGIN = 4
_KINDS = {"policy": "policy", "role": "role", "user": "user", "permission-set": "permission set"}
#: More actions than this are counted, not listed: the JSON report has them all.
_SHOWN_ACTIONS = 4
#: Past so many with findings, the worst ones are named once more at the end, where a person looks first.
_MOST_ROLES = 10
_TYPES = str.maketrans({"·": "-", "│": "|", "…": "~", "→": ">"})


def render(report: Report, style: Style, write: Write) -> None:
    """Write the report as text."""
    _Text(style, write).report(report)


def clean(text: str) -> str:
    """Make text from an input safe to show: unknown values by name, control characters escaped."""
    return printable(show(text))


class _Text:
    def __init__(self, style: Style, write: Write) -> None:
        self.style = style
        self.width = max(40, style.width)
        #: Where the text beside, or below, a label begins.
        self._indent = _MARGIN + (_LABEL if self.width >= _ROOMY else 2)
        self._write = write
        #: What the findings of one principal repeat is shown where it changes.
        self._place: object = None
        self._principal = ""
        self._explained: set[str] = set()

    def line(self, text: str = "") -> None:
        text = text.rstrip() + "\n"
        self._write(text.translate(_TYPES) if self.style.ascii else text)

    def paint(self, text: str, color: str) -> str:
        if not self.style.color:
            return text
        import click

        return click.style(text, **_COLORS[color])

    def report(self, report: Report) -> None:
        shown = 0
        for role in report.roles:
            if role.findings or (self.style.verbose and role.effects):
                self.role(role)
                shown += 1
        if report.findings:
            self.line(self.paint("policies by themselves", "head"))
            for finding in report.findings:
                self.finding(finding)
        if report.unknown:
            self.line(self.paint("unknown", "unknown"))
            self.unknown(report)
        for problem in report.warnings:
            where = f"{problem.location}: " if problem.location.line else f"{clean(problem.location.file)}: "
            hint = f". {clean(problem.hint)}" if problem.hint else ""
            self.wrapped(f"{self.paint('warning', 'medium')} ", f"{where}{clean(shortened(problem.message))}{hint}", 8)
        if report.warnings:
            self.line()
        self.worst(report)
        self.summary(report)

    def wrapped(self, head: str, text: str, indent: int) -> None:
        """Write text after a head that is `indent` columns wide, wrapped below itself."""
        lines = wrap(text, max(20, self.width - indent))
        self.line(head + lines[0])
        for rest in lines[1:]:
            self.line(" " * indent + rest)

    def labelled(self, label: str, text: str, color: str = "dim") -> None:
        margin, pad = " " * _MARGIN, " " * self._indent
        head = margin + self.paint(label.ljust(_LABEL), color)
        if self.width < _ROOMY:
            self.line(margin + self.paint(label, color))
            head = pad
        for paragraph in text.splitlines() or [""]:
            self.wrapped(head, paragraph, self._indent)
            head = pad

    def role(self, role: RoleReport) -> None:
        kind = _KINDS.get(role.kind, role.kind)
        name, where = clean(role.name), clean(role.arn or str(role.source))
        fits = _columns(name) + len(kind) + 5 + _columns(where) <= self.width
        title = f"{self.paint(name, 'head')} ({kind})"
        self._principal = role.arn
        self.line(f"{title}  {self.paint(where, 'dim')}" if fits else title)
        if not fits:
            self.line("  " + self.paint(where, "dim"))
        if "assigned" in role.extra:
            self.labelled("assigned", f"to {_holders(role.extra['assigned'])}")
        if role.effects and self.style.effects != "none":
            self.labelled("can", " · ".join(self.power(name, groups) for name, groups in role.effects.items()))
        for finding in role.findings:
            self.finding(finding)
        if not role.findings:
            self.line()

    def power(self, name: str, groups: Iterable[Any]) -> str:
        scopes: dict[str, int] = {}
        for group in groups:
            words = group.scope if group.certainty == "proved" else f"{group.scope}, possible"
            words = f"{words}, gated" if group.gate else words
            scopes[words] = scopes.get(words, 0) + group.count
        return f"{name} " + " + ".join(f"{count} ({words})" for words, count in scopes.items())

    def finding(self, finding: Finding) -> None:
        certainty = "" if finding.certainty == "proved" else f" ({finding.certainty})"
        head = f"  {self.paint(finding.severity, finding.severity)} {finding.rule} {finding.name}{certainty}"
        self.line(head)
        self.wrapped("    ", clean(finding.message), 4)
        place = str(finding.location) if finding.location.line else clean(finding.location.file)
        if finding.location.address and finding.location.address not in (finding.role, ""):
            place += f"  {clean(finding.location.address)}"
        self.wrapped(f"    {self.paint('at', 'dim')} ", place, 7)
        self.excerpt(finding)
        count = finding.count or len(finding.actions)
        if count and not (finding.witness and count == 1):
            names = ", ".join(finding.actions[:_SHOWN_ACTIONS])
            more = count - _SHOWN_ACTIONS
            self.labelled("actions", names + (f" and {more} more" if more > 0 else ""))
        if finding.witness:
            witness = finding.witness
            self.labelled("request", f"{clean(witness.action)} on {clean(witness.resource)}")
            if witness.principal and witness.principal != self._principal:
                self.labelled("as", clean(witness.principal))
                self._principal = witness.principal
            if witness.context:
                pairs = ", ".join(f"{clean(key)} = {_value(value)}" for key, value in witness.context.items())
                self.labelled("with", pairs)
            if witness.assumes:
                self.labelled("assuming", clean("; ".join(witness.assumes)))
        if finding.granted_by:
            self.labelled("granted by", clean(", ".join(finding.granted_by)))
        if finding.gate:
            self.labelled("gate", clean(finding.gate))
        for related in finding.related:
            self.labelled("see also", f"{related.location} {clean(related.message)}")
        if finding.lowered:
            self.labelled("lowered", f"from {finding.base_severity}: {clean('; '.join(finding.lowered))}")
        if finding.fix:
            self.fix(finding.rule, clean(finding.fix.replace("\n", " ")))
        self.line()

    def fix(self, rule: str, text: str) -> None:
        """Write the advice as prose, and once for each rule the statement that it ends with, to be copied."""
        prose, statement = _split_statement(text)
        shown = statement is not None and rule not in self._explained
        self._explained.add(rule)
        self.labelled("fix", prose if shown else prose.removesuffix(" For example:"), "good")
        if shown:
            for line in layout(statement, self.width - self._indent):
                self.line(" " * self._indent + line)

    def excerpt(self, finding: Finding) -> None:
        place = finding.location
        if not finding.excerpt or place == self._place:
            return
        self._place = place
        margin = len(str(finding.excerpt[-1][0]))
        for number, text in finding.excerpt:
            text = text.rstrip()
            room = self.width - margin - 9
            if _columns(_show(text)) > room:
                room -= 2  # what is left out before and behind is marked
            first, last = _window(text, place.column if number == place.line else 1, room)
            body, before, span = _quoted(text[first:last], number, place, first)
            head, tail = "…" if first else "", "…" if last < len(text) else ""
            self.line(f"      {self.paint(f'{number:>{margin}} │', 'dim')} {head}{body}{tail}")
            if span:
                caret = self.paint("^" * span, finding.severity)
                self.line(f"      {self.paint(' ' * margin + ' │', 'dim')} {' ' * (len(head) + before)}{caret}")

    def unknown(self, report: Report) -> None:
        for item in report.unknown:
            name = f"{clean(item.role_name)}: " if item.role_name else ""
            place = str(item.location) if item.location.line else clean(item.location.file)
            self.wrapped("  ", f"{name}{clean(item.what)}: {clean(item.reason)} ({place})", 4)
        self.line()

    def worst(self, report: Report) -> None:
        """Name the roles to begin with, where their findings are too many to look through."""
        told: list[tuple[tuple[int, ...], RoleReport]] = []
        for role in report.roles:
            if role.findings:
                counts = Counter(finding.severity for finding in role.findings)
                told.append((tuple(counts[severity] for severity in SEVERITIES), role))
        if len(told) <= _MOST_ROLES:
            return
        if not any("damage" in role.extra for role in report.roles):  # ranked by what there is to lose already
            told.sort(key=lambda pair: pair[0], reverse=True)
        self.line(self.paint("where to begin", "head"))
        for numbers, role in told[:_MOST_ROLES]:
            said = " · ".join(f"{severity} {n}" for severity, n in zip(SEVERITIES, numbers, strict=True) if n)
            self.wrapped("  ", f"{clean(role.name)}: {said} ({clean(str(role.source))})", 4)
        self.line(f"  and {len(told) - _MOST_ROLES} more with findings")
        self.line()

    def summary(self, report: Report) -> None:
        counts = dict.fromkeys(SEVERITIES, 0)
        for finding in report.all_findings():
            counts[finding.severity] += 1
        kinds = {role.kind for role in report.roles}
        noun = "policy" if kinds == {"policy"} else "user" if kinds == {"user"} else "role"
        plural = {"policy": "policies"}.get(noun, f"{noun}s")
        parts = [(f"{len(report.roles)} {noun if len(report.roles) == 1 else plural}", "")]
        parts += [(f"{severity} {count}", severity if count else "") for severity, count in counts.items()]
        parts.append((f"unknown {len(report.unknown)}", "unknown" if report.unknown else ""))
        parts.append((f"suppressed {report.suppressed}", ""))
        if report.errors:
            parts.append((f"errors {len(report.errors)}", "critical"))
        line, taken = "", 0
        for text, color in parts:
            if line and taken + 3 + len(text) > self.width:
                self.line(line)
                line, taken = "", 0
            line += (" · " if line else "") + (self.paint(text, color) if color else text)
            taken += 3 + len(text)
        self.line(line)
        if self._explained:
            for line in wrap("`rolelint explain CODE` says why, with a bad and a good example", self.width):
                self.line(self.paint(line, "dim"))


def _holders(assigned: Sequence[Mapping[str, str]]) -> str:
    """Count the users and groups that a permission set is assigned to."""
    counts = Counter(clean(one["type"]).lower() for one in assigned)
    told = [f"{count} {noun}" if count == 1 else f"{count} {noun}s" for noun, count in sorted(counts.items())]
    return " and ".join(told) or "nobody"


def _split_statement(text: str) -> tuple[str, Any]:
    """Split advice that ends in a policy statement, or a list of them, from the statement."""
    for opening in (": {", ": [{"):
        at = text.find(opening)
        if at >= 0:
            import json

            try:
                return text[: at + 1], json.loads(text[at + 2 :])
            except ValueError:
                continue
    return text, None


def wrap(text: str, width: int) -> list[str]:
    """Break text at spaces into lines of a width; a word that is longer has a line of its own."""
    if len(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def fold(text: str, width: int) -> str:
    """Break the lines of a text that are wider than a width; what follows is set in by two more."""
    lines: list[str] = []
    for line in text.splitlines():
        words = line.lstrip(" ")
        pad = " " * (len(line) - len(words))
        first, *rest = wrap(words, max(20, width - len(pad) - 2)) if len(line) > width else [words]
        lines += [pad + first, *(f"{pad}  {one}" for one in rest)]
    return "".join(f"{line}\n" for line in lines)


def layout(value: Any, width: int, indent: int = 0) -> list[str]:
    """Write JSON in lines of a width, as many items to a line as fit."""
    import json

    flat = json.dumps(value, ensure_ascii=True)
    if len(flat) + indent <= width or not isinstance(value, dict | list) or not value:
        return [flat]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = [opening]
    for number, item in enumerate(value.items() if isinstance(value, dict) else value, 1):
        key, inner = ("", item) if isinstance(value, list) else (f"{json.dumps(item[0])}: ", item[1])
        short = key + json.dumps(inner, ensure_ascii=True)
        end = "," if number < len(value) else closing
        if len(lines[-1]) + 1 + len(short) + len(end) + indent <= width:
            lines[-1] += (" " if number > 1 else "") + short + end
            continue
        rest = layout(inner, width - len(key) - 1, indent + 1)
        rest[0] = key + rest[0]
        if number > 1:
            lines.append(" " + rest[0])
        else:
            lines[-1] += rest[0]
        lines += [f" {line}" for line in rest[1:]]
        lines[-1] += end
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return clean(str(value)) if value is not None else "absent"


def _window(text: str, column: int, room: int) -> tuple[int, int]:
    """Choose the part of a long line that holds the column, and that takes so many columns of a terminal at most."""
    first = max(0, column - 1 - room)
    taken = [max(1, _columns(_show(c))) for c in text[first : column + room]]
    before = sum(taken[: column - 1 - first])
    skipped = 0
    if first or (before > room * 2 // 3 and sum(taken) > room):
        while before > room // 3:
            before -= taken[skipped]
            skipped += 1
    last = skipped
    while last < len(taken) and room >= taken[last]:
        room -= taken[last]
        last += 1
    return first + skipped, first + last


def _quoted(text: str, number: int, place: Any, first: int) -> tuple[str, int, int]:
    """Make one quoted line showable, and give where its part of the span begins and how wide it is."""
    start = end = 0
    if place.line <= number <= max(place.line, place.end_line):
        start = place.column - 1 - first if number == place.line else len(text) - len(text.lstrip())
        end = place.end_column - 1 - first if number == place.end_line else len(text.rstrip())
    start, end = max(0, start), min(len(text), end)
    body = _show(text)
    if number == place.line and end <= start:
        end = start + 1
    return body, _columns(_show(text[:start])), _columns(_show(text[start:end]))


def _columns(text: str) -> int:
    """Count the columns of a terminal that text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _show(text: str) -> str:
    return printable(text.replace("\t", "    "))
