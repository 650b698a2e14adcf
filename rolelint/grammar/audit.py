"""Ask parliament about one policy at a time, with the user's settings and auditors."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from rolelint.errors import Problem, UsageError, printable
from rolelint.grammar.issues import ISSUES, Issue, find_issue
from rolelint.grammar.lending import Lent
from rolelint.grammar.library import parliament, quiet
from rolelint.grammar.settings import SEVERITIES, is_ignored, read_config
from rolelint.grammar.sifting import Case, Told, merge, sift
from rolelint.grammar.transcript import Early, Transcript
from rolelint.policies.document import PolicyDocument
from rolelint.policies.role import Policy
from rolelint.policies.text import show

#: Issues whose text is a sentence of the reader of policies.
SPOKEN = frozenset(("MALFORMED", "INVALID_VERSION"))
_COMMUNITY = ("community_auditors", "config_override.yaml")


class Auditor:
    """parliament, opened.

    Attributes:
        version: parliament's own.
        left_out: why something was not handed over to parliament, or its answer not reported, and how often.
    """

    def __init__(self, library: Any, lent: Lent, config: str, private_auditors: str, community: bool) -> None:
        self._library = library
        self._lent = lent
        self._private = private_auditors
        self._community = community
        self._set_by_user = read_config(config, {*library.config, *(issue.key for issue in ISSUES)})
        self._auditors = bool(private_auditors) or community or _has_default_auditors(library)
        self._memo: dict[tuple[int, str, str], tuple[PolicyDocument, tuple[Told, ...], tuple[Problem, ...]]] = {}
        self.version: str = getattr(library, "__version__", "")
        self.left_out: Counter[str] = Counter()

    @classmethod
    @contextmanager
    def opened(cls, config: str, private_auditors: str, community: bool) -> Iterator[Auditor]:
        """Open parliament with the user's settings.

        Raises:
            UsageError: when it cannot be imported, or a setting names what is not there or not fit.
        """
        if private_auditors:
            _check_folder(private_auditors)
        library = parliament()
        lent = Lent(library)
        with ExitStack() as stack:
            stack.enter_context(lent.lent())
            auditor = cls(library, lent, config, private_auditors, community)
            with quiet():  # parliament does not close its file
                if community:
                    library.override_config(os.path.join(os.path.dirname(library.__file__), *_COMMUNITY))
            for key, settings in auditor._set_by_user.items():
                library.config.setdefault(key, {}).update(settings)
            yield auditor

    def audit(self, policy: Policy, notes: list[Problem]) -> Iterator[Told]:
        """Give what stands of parliament's answer about a policy.

        Args:
            notes: takes what could not be judged.
        """
        # Auditors may look at the path; everything else depends on the text alone.
        file = policy.locate(()).file
        key = (id(policy.document), policy.type.value, file if self._auditors else "")
        found = self._memo.get(key)
        if found is None:
            mine: list[Problem] = []
            found = self._memo[key] = (policy.document, tuple(merge(self._ask(policy, file, mine))), tuple(mine))
        notes += found[2]
        yield from found[1]

    def severity(self, told: Told, policy: Policy) -> str | None:
        """Give our severity of an issue at its place; None where the user's settings mute or ignore it.

        Raises:
            UsageError: for an issue of an auditor that the configuration does not describe.
        """
        settings = self._library.config.get(told.key, {})
        if not {"severity", "title"} <= settings.keys():
            raise UsageError(
                f"an auditor reports `{printable(told.key)}`, which the parliament configuration does not describe",
                hint="give it a title and a severity in the file for --parliament-config",
            )
        issue = find_issue(told.key)
        own = issue is not None and "severity" not in self._set_by_user.get(told.key, {})
        severity = issue.severity if issue is not None and own else SEVERITIES[settings["severity"]]
        if severity and not is_ignored(settings.get("ignore_locations"), _facts(told, policy)):
            return severity
        self.left_out["muted or ignored by the parliament configuration"] += 1
        return None

    def texts(self, finding: Any, issue: Issue | None) -> tuple[str, str]:
        """Give the title of a finding and what to do about it; the user's own words go first."""
        mine = self._set_by_user.get(finding.issue, {})
        title = mine.get("title") or (issue.title if issue else "") or finding.issue
        advice = mine.get("description") or (issue.fix if issue else "") or ""
        return " ".join(str(title).split()), " ".join(str(advice).split())

    def _ask(self, policy: Policy, file: str, notes: list[Problem]) -> Iterator[Told]:
        transcript = Transcript(policy, self._lent.own_actions, self._lent.own_prefixes, shapes=self._auditors)
        self.left_out += transcript.left_out
        new = sum(not self._lent.is_own_key(c.key) for s in transcript.statements for c in s.conditions)
        if new:
            self.left_out["condition keys that parliament does not know"] += new
        for statement in transcript.skipped:
            message = "the grammar checks leave out a statement that names too many actions and resources"
            notes.append(Problem(message, policy.locate(statement.route), "split the statement", "warning"))
        for early in transcript.early:
            yield self._early(early, file)
        if not transcript.text:
            return
        keys = [c.key for s in transcript.statements for c in s.conditions]
        actions = [action for s in transcript.statements for action in s.actions]
        self._lent.use(keys, None if self._auditors else actions)
        for finding in self._analyze(transcript, policy, file, notes):
            yield from self._place(finding, transcript, policy, notes)

    def _analyze(self, transcript: Transcript, policy: Policy, file: str, notes: list[Problem]) -> list[Any]:
        try:
            return self._run(transcript.text, file, alone=False)
        except (Exception, SystemExit) as error:
            # Auditors are a user's code and may raise anything, and parliament itself raises plain `Exception`.
            # Neither may end the check of other policies, nor pass for a clean answer: it becomes a problem.
            reason = f"{type(error).__name__}: {printable(' '.join(str(error).split()))}"
        if self._auditors:
            message = f"an auditor of parliament failed on `{show(printable(policy.name))}`: {reason}"
            notes.append(Problem(message, policy.locate(())))
        try:
            return self._run(transcript.text, file, alone=True)
        except Exception as error:
            reason = f"{type(error).__name__}: {printable(' '.join(str(error).split()))}"
        if not self._auditors:
            message = f"parliament cannot judge `{show(printable(policy.name))}`: {reason}"
            notes.append(Problem(message, policy.locate(()), "", "warning"))
        return []

    def _run(self, text: str, file: str, *, alone: bool) -> list[Any]:
        with quiet():
            judged = self._library.analyze_policy_string(
                text,
                file,
                ignore_private_auditors=alone,
                private_auditors_custom_path=self._private or None,
                include_community_auditors=self._community and not alone,
                config=self._library.config,
            )
        return list(judged.findings)

    def _early(self, early: Early, file: str) -> Told:
        make = import_module("parliament.finding").Finding
        finding = make(early.key, "", {"string": early.text, "filepath": file})
        text = early.text if early.key in SPOKEN else f"`{early.text}`"
        return Told(early.key, text, early.route, early.statement, finding, ())

    def _place(self, finding: Any, transcript: Transcript, policy: Policy, notes: list[Problem]) -> Iterator[Told]:
        """Find what a finding is about, and give what stands of it."""
        location = dict(finding.location) if isinstance(finding.location, dict) else {}
        line = str(location.get("line") or location.get("lineno") or "")
        route = transcript.route(int(line)) if line.isdecimal() else ()
        finding.location = location
        if finding.issue == "EXCEPTION":
            where = location.get("community_auditor") or "parliament"
            message = f"`{where}` of parliament failed on `{show(printable(policy.name))}`: {_line(finding.detail)}"
            notes.append(Problem(message, policy.locate(route), "", "warning"))
            return
        statement = transcript.statement_at(route) if route else None
        yield from sift(Case(policy, finding, route, statement, self.left_out))


def _facts(told: Told, policy: Policy) -> dict[str, Iterable[str]]:
    """Say where an issue is, in the words of `ignore_locations`."""
    place = policy.locate(told.route)
    facts: dict[str, Iterable[str]] = {"action": told.actions, "actions": told.actions}
    for word, value in told.finding.location.items():
        facts[word] = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
    return {**facts, "filepath": [place.file], "line": [str(place.line)], "column": [str(place.column)]}


def _line(detail: object) -> str:
    return printable(" ".join(str(detail).split()))


def _has_default_auditors(library: Any) -> bool:
    from glob import glob

    return bool(glob(os.path.join(os.path.dirname(library.__file__), "private_auditors", "*.py")))


def _check_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        raise UsageError(f"no such folder: `{printable(folder)}`")
    names = [name for name in os.listdir(folder) if name.endswith(".py") and not name.endswith("__init__.py")]
    if not names:
        raise UsageError(
            f"no auditors in `{printable(folder)}`", hint="an auditor is a Python file with `audit(policy)`"
        )
