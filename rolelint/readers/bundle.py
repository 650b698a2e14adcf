"""The role bundle: one file that names a role and every policy that applies to it.

`bundle.schema.json` beside this module is the published shape; this reader checks the same by hand, with places.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rolelint.documents import Document, Place
from rolelint.errors import InputError, Location, Problem, Route, nearest, printable
from rolelint.policies.document import unknown_document
from rolelint.policies.parse import looks_like_policy
from rolelint.policies.role import Policy, PolicyType, Reading, Role, Unknown
from rolelint.readers import ReadContext
from rolelint.readers.parts import (
    FULL_ACCESS,
    arn_account,
    arn_name,
    arn_partition,
    managed_policy,
    names_principal,
    parsed,
    tag_map,
)

_SHARED = frozenset("scps rcps resource_policies account partition management_account".split())
_ROLE = frozenset("role trust inline attached boundary session tags".split()) | _SHARED
_TOP = _ROLE | {"roles", "$schema", "description"}
_ABOUT = frozenset("name arn path tags service_linked kind description".split())
#: The kinds of principals, and how the ARN of one is written.
_ARNS = {
    "role": "arn:aws:iam::123456789012:role/NAME",
    "user": "arn:aws:iam::123456789012:user/NAME",
    "permission-set": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
}
_SIGNS = frozenset("trust inline attached boundary session".split())
_REFERENCE = frozenset(("name", "document", "file", "arn"))
_INLINE = _REFERENCE - {"arn"}
_RESOURCE_POLICY = frozenset(("resource", "name", "document", "file"))


def recognise(document: Document) -> bool:
    """Tell whether the document names a role and, beside it, something that only a bundle has."""
    data = document.data
    if not isinstance(data, dict):
        return False
    if "roles" in data:
        roles = data["roles"]
        return isinstance(roles, list) and any(isinstance(role, dict) and _is_role(role) for role in roles)
    return _is_role(data)


def is_meant(document: Document) -> bool:
    """Tell whether a document that `recognise` does not take describes a role: a bundle but for its other keys."""
    about = document.data.get("role") if isinstance(document.data, dict) else None
    return isinstance(about, dict) and not {"name", "arn"}.isdisjoint(about) and about.keys() <= _ABOUT


def _is_role(data: dict[str, Any]) -> bool:
    if not isinstance(data.get("role"), str | dict):
        return False
    if not _SIGNS.isdisjoint(data):
        return True
    others = [key for key in data if key not in _TOP]
    if not others:
        return not {"scps", "rcps", "resource_policies"}.isdisjoint(data)
    if len(others) > 3:
        return False
    from difflib import get_close_matches

    return any(get_close_matches(key, _SIGNS, 1, 0.8) for key in others)


def _is_partition(text: str) -> bool:
    return text.startswith("aws") and all(c == "-" or "a" <= c <= "z" for c in text)


def read(document: Document, context: ReadContext) -> Reading:
    """Read the role, or the roles, of a bundle."""
    return _Bundle(document, context).read()


class _Bundle:
    def __init__(self, document: Document, context: ReadContext) -> None:
        self.document = document
        self.context = context
        self.reading = Reading()
        self.files: dict[str, Document | None] = {}

    def read(self) -> Reading:
        data: dict[str, Any] = self.document.data
        self.keys(data, _TOP, ())
        if "roles" not in data:
            self.role(data, (), {})
            return self.reading
        for key in sorted(_ROLE - _SHARED):
            if key in data:
                self.problem(f"`{key}` cannot stand beside `roles`", (key,), "move it into one of the roles")
        self.text(data, "description", ())
        for i, item in enumerate(data["roles"]):
            if isinstance(item, dict):
                self.keys(item, _ROLE | {"description"}, ("roles", i))
                self.role(item, ("roles", i), data)
            else:
                self.problem("a role must be an object", ("roles", i), "write `role: NAME` and its policies")
        return self.reading

    def problem(self, message: str, route: Route, hint: str = "", document: Document | None = None) -> None:
        location = (document or self.document).locate(route)
        self.reading.problems.append(Problem(message, location, hint))

    def keys(self, data: dict[str, Any], allowed: frozenset[str], route: Route) -> None:
        """Report keys that a bundle does not have, with the nearest that it has."""
        for key, value in data.items():
            if key in allowed:
                if value is None:
                    self.problem(f"`{key}` has no value", (*route, key), "remove it, or give it one")
                continue
            hint = nearest(key, allowed) or f"known are {', '.join(sorted(allowed))}"
            self.problem(f"unknown key `{printable(key)}`", (*route, key), hint)

    def role(self, data: dict[str, Any], route: Route, shared: dict[str, Any]) -> None:
        """Read one role; `shared` holds what stands for all roles of the bundle."""
        about = data.get("role")
        self.text(data, "description", route)
        if isinstance(about, str):
            about = {"name": about}
        elif isinstance(about, dict):
            self.keys(about, _ABOUT, (*route, "role"))
        else:
            self.problem("a role must have a name", (*route, "role") if "role" in data else route, "write `role: NAME`")
            return
        arn = self.text(about, "arn", (*route, "role"))
        name = self.text(about, "name", (*route, "role")) or arn_name(arn)
        if not name:
            self.problem("a role must have a name", (*route, "role"), "write `role: {name: NAME}`")
            return
        told = next((kind for kind in _ARNS if names_principal(arn, kind)), "role")
        kind = self.text(about, "kind", (*route, "role")) or told
        if kind not in _ARNS:
            self.problem(
                f"unknown kind `{printable(kind)}`", (*route, "role", "kind"), "use role, user or permission-set"
            )
            kind = "role"
        if arn and not names_principal(arn, kind):
            message = f"`{printable(arn)}` is not the ARN of a {kind}"
            self.problem(message, (*route, "role", "arn"), f"write it as in `{_ARNS[kind]}`")
            arn = ""

        def find(key: str) -> tuple[Any, Route]:
            return (data[key], (*route, key)) if key in data else (shared.get(key), (key,))

        account_value, account_at = find("account")
        account = self.account(account_value, account_at) or arn_account(arn)
        partition_value, partition_at = find("partition")
        partition = partition_value if isinstance(partition_value, str) else ""
        if partition_value is not None and not _is_partition(partition):
            self.problem("a partition must be `aws`, `aws-cn`, `aws-us-gov` or the like", partition_at)
            partition = ""
        partition = partition or arn_partition(arn)
        path = self.text(about, "path", (*route, "role"))
        if not arn and account and partition:
            arn = f"arn:{partition}:iam::{account}:{'user' if kind == 'user' else 'role'}{path or '/'}{name}"
        unknowns: list[Unknown] = []
        identity = self.inline(data, route) + self.attached(data, route, unknowns)
        tags = tag_map(self.tags(data, (*route, "tags"))) | tag_map(self.tags(about, (*route, "role", "tags")))
        session, session_at = data.get("session"), (*route, "session")
        scps, scps_at = find("scps")
        rcps, rcps_at = find("rcps")
        self.reading.roles.append(
            Role(
                kind,
                name,
                self.document.lazy((*route, "role"), arn),
                arn,
                account,
                partition,
                tuple(identity),
                self.one(data.get("boundary"), (*route, "boundary"), PolicyType.BOUNDARY, "boundary", unknowns),
                None if session is None else self.several(session, session_at, PolicyType.SESSION, unknowns),
                None if scps is None else self.levels(scps, scps_at, unknowns),
                None if rcps is None else self.several(rcps, rcps_at, PolicyType.RCP, unknowns),
                self.one(data.get("trust"), (*route, "trust"), PolicyType.TRUST, "trust policy", unknowns),
                self.resource_policies(*find("resource_policies")),
                tags if "tags" in data or "tags" in about else None,
                tuple(unknowns),
                service_linked=self.flag(about, "service_linked", (*route, "role"))
                or path.startswith("/aws-service-role/"),
                management_account=self.flag(data, "management_account", route)
                if "management_account" in data
                else self.flag(shared, "management_account", ()),
            )
        )

    def text(self, data: dict[str, Any], key: str, route: Route) -> str:
        value = data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            self.problem(f"`{key}` must be text", (*route, key))
            return ""
        return value

    def flag(self, data: dict[str, Any], key: str, route: Route) -> bool:
        value = data.get(key, False)
        if value is not None and not isinstance(value, bool):
            self.problem(f"`{key}` must be true or false", (*route, key))
        return value is True

    def account(self, value: Any, route: Route) -> str:
        if value is None:
            return ""
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and len(text) == 12 and text.isdigit():
            return text
        self.problem("an account must be 12 digits", route, "put quotes around it")
        return ""

    def tags(self, data: dict[str, Any], route: Route) -> Any:
        value = data.get("tags")
        if isinstance(value, dict):
            wrong = next((key for key, item in value.items() if isinstance(item, dict | list)), None)
            if wrong is not None:
                self.problem("a tag's value must be text", (*route, wrong))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if not (isinstance(item, dict) and isinstance(item.get("Key"), str)):
                    self.problem("a tag in a list must be an object with `Key` and `Value`", (*route, i))
                elif not isinstance(item.get("Value", ""), str):
                    self.problem("a tag's value must be text", (*route, i, "Value"))
        elif value is not None:
            self.problem("`tags` must be an object", route)
        return value

    def inline(self, data: dict[str, Any], route: Route) -> list[Policy]:
        value, at = data.get("inline"), (*route, "inline")
        if value is None:
            return []
        if isinstance(value, dict) and "Statement" not in value:
            found = [(str(name), item, (*at, name)) for name, item in value.items()]
        elif isinstance(value, dict):
            found = [("inline", value, at)]
        else:
            self.problem("`inline` must map names to policies", at)
            return []
        out = []
        for name, item, where in found:
            if isinstance(item, dict) and "Statement" not in item and ("file" in item or "document" in item):
                policy = self.reference(item, where, PolicyType.IDENTITY, name, [], _INLINE)
            else:
                policy = self.document_policy(item, where, PolicyType.IDENTITY, name)
            if policy:
                out.append(policy)
        return out

    def attached(self, data: dict[str, Any], route: Route, unknowns: list[Unknown]) -> list[Policy]:
        value, at = data.get("attached"), (*route, "attached")
        return [] if value is None else list(self.several(value, at, PolicyType.IDENTITY, unknowns))

    def levels(self, value: Any, route: Route, unknowns: list[Unknown]) -> tuple[tuple[Policy, ...], ...]:
        """Read SCP levels, root first; a list of policies without inner lists is one level."""
        if not isinstance(value, list):
            self.problem("`scps` must be a list of levels, root first", route, "write a list of lists of policies")
            return ()
        inner = [isinstance(level, list) for level in value]
        if value and not any(inner):
            return (self.several(value, route, PolicyType.SCP, unknowns),)
        if not all(inner):
            self.problem("levels and single policies are mixed", (*route, inner.index(False)), "put it into a list")
        return tuple(self.several(level, (*route, i), PolicyType.SCP, unknowns) for i, level in enumerate(value))

    def several(self, value: Any, route: Route, kind: PolicyType, unknowns: list[Unknown]) -> tuple[Policy, ...]:
        if not isinstance(value, list):
            policy = self.one(value, route, kind, str(route[-1]), unknowns)
            return (policy,) if policy else ()
        found = (self.one(item, (*route, i), kind, f"{route[-1]}-{i + 1}", unknowns) for i, item in enumerate(value))
        return tuple(policy for policy in found if policy)

    def one(self, value: Any, route: Route, kind: PolicyType, name: str, unknowns: list[Unknown]) -> Policy | None:
        """Read a policy given as ARN, document, file or named document."""
        if value is None:
            return None
        if isinstance(value, str) and value.startswith("arn:"):
            return self.by_arn(value, kind, self.document.at(route), "", unknowns)
        if isinstance(value, str) and kind is PolicyType.SCP and value == "FullAWSAccess":
            place = self.document.at(route)
            return Policy(kind, value, parsed(FULL_ACCESS, self.context.memo), place.fixed, "", "", False)
        if isinstance(value, dict) and "Statement" not in value and not _REFERENCE.isdisjoint(value):
            return self.reference(value, route, kind, name, unknowns)
        return self.document_policy(value, route, kind, name)

    def by_arn(self, arn: str, kind: PolicyType, place: Place, name: str, unknowns: list[Unknown]) -> Policy:
        policy, missing = managed_policy(arn, kind, place, self.context.memo, name)
        if missing:
            unknowns.append(missing)
        return policy

    def reference(
        self,
        value: dict[str, Any],
        route: Route,
        kind: PolicyType,
        name: str,
        unknowns: list[Unknown],
        allowed: frozenset[str] = _REFERENCE,
    ) -> Policy | None:
        self.keys(value, allowed, route)
        name = self.text(value, "name", route) or name
        arn = self.text(value, "arn", route)
        if "document" in value and "file" in value:
            self.problem("a policy has either `document` or `file`", (*route, "file"), "remove one of them")
        if "document" in value:
            return self.document_policy(value["document"], (*route, "document"), kind, name, arn)
        if "file" in value:
            return self.file_policy(value["file"], (*route, "file"), kind, name, arn)
        if arn:
            return self.by_arn(arn, kind, self.document.at((*route, "arn")), name, unknowns)
        self.problem("a policy needs `document`, `file` or `arn`", route)
        return None

    def document_policy(
        self, value: Any, route: Route, kind: PolicyType, name: str, arn: str = "", resource: str = ""
    ) -> Policy | None:
        text = isinstance(value, str) and value.lstrip()[:1] in ("{", "%")
        if not text and not (isinstance(value, dict) and "Statement" in value):
            hint = "write a policy document with `Statement`, an ARN, or `file: PATH`"
            self.problem("this is not a policy", route, hint)
            return None
        place = self.document.at(route)
        return Policy(kind, name, parsed(value, self.context.memo), place, arn, resource, not arn)

    def file_policy(
        self, value: Any, route: Route, kind: PolicyType, name: str, arn: str = "", resource: str = ""
    ) -> Policy | None:
        if not isinstance(value, str) or not value:
            self.problem("`file` must be a path", route)
            return None
        document = self.open(value, route)
        if document is None:
            reason = f"the file `{printable(value)}` cannot be read"
            place = self.document.at(route)
            return Policy(kind, name, unknown_document(reason), place.fixed, arn, resource, not arn)
        return Policy(kind, name, parsed(document.data, self.context.memo), document.at(), arn, resource, not arn)

    def open(self, value: str, route: Route) -> Document | None:
        """Parse a policy file named by the bundle, relative to it."""
        if value in self.files:
            return self.files[value]
        self.files[value] = None
        base = self.context.base
        if base is None:
            self.problem(
                "a bundle from standard input cannot name files", route, "name the bundle's file on the command line"
            )
            return None
        from rolelint.documents import parse
        from rolelint.sources.files import read_bytes

        path = os.path.normpath(Path(base) / value)
        try:
            documents = parse(path, read_bytes(path))
        except InputError as error:
            if error.location is None or not error.location.line:
                self.problem(f"the file `{printable(value)}` cannot be read: {error.message}", route, error.hint)
            else:
                self.reading.problems.append(Problem(error.message, error.location, error.hint))
            return None
        self.context.used_files.add(os.path.realpath(path))
        if len(documents) != 1 or not looks_like_policy(documents[0].data):
            location = documents[0].locate(()) if documents else Location(path)
            hint = f"the bundle {self.document.locate(route)} names it as one"
            self.reading.problems.append(Problem("the file is not one policy document", location, hint))
            return None
        self.files[value] = documents[0]
        return documents[0]

    def resource_policies(self, value: Any, route: Route) -> tuple[Policy, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.problem("`resource_policies` must be a list", route)
            return ()
        out = []
        for i, item in enumerate(value):
            at = (*route, i)
            if not isinstance(item, dict) or not isinstance(item.get("resource"), str) or not item["resource"]:
                self.problem("a resource policy needs `resource`", at, "write the ARN of the resource it hangs on")
                continue
            self.keys(item, _RESOURCE_POLICY, at)
            resource = item["resource"]
            name = self.text(item, "name", at) or resource
            if "document" in item and "file" in item:
                self.problem("a policy has either `document` or `file`", (*at, "file"), "remove one of them")
            if "document" in item:
                policy = self.document_policy(
                    item["document"], (*at, "document"), PolicyType.RESOURCE, name, resource=resource
                )
            elif "file" in item:
                policy = self.file_policy(item["file"], (*at, "file"), PolicyType.RESOURCE, name, resource=resource)
            else:
                self.problem("a resource policy needs `document` or `file`", at)
                continue
            if policy:
                out.append(policy)
        return tuple(out)
