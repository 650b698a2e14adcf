"""What the words about trust policies ask of the engine: callers that should be refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolelint.engine import Answer, Principal, StatementRef
from rolelint.engine.actors import Domain
from rolelint.policies.document import Statement
from rolelint.policies.role import Policy
from rolelint.policies.text import has_unknown, show
from rolelint.records import replace
from rolelint.rulebook.shapes import quoted
from rolelint.rulebook.subject import Hit, Subject

_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
_ASSUME = "sts:AssumeRole"
_SAML = "sts:AssumeRoleWithSAML"


class Issuer(NamedTuple):
    """An issuer of tokens that many organizations share (S8.22), and what its subjects look like (S8.3 to S8.9).

    Attributes:
        claim: the claim that tells organizations apart.
        head: what a subject begins with; the organization follows, up to `end`.
        foreign: what follows the organization in the token of an outsider.
        refs: what follows the source in tokens of unreviewed code; empty where nothing does.
        claims: other claims that an outsider's token has with a value of its own.
        source: what the parts of a source are in place of a wildcard.
    """

    claim: str
    head: str
    end: str
    foreign: str
    refs: tuple[str, ...] = ()
    claims: Mapping[str, str] = {}
    source: tuple[str, ...] = ("app",)


#: AWS: id_roles_providers_oidc_secure-by-default.html, "OIDC identity provider controls for shared providers". S8.22
ISSUERS: Mapping[str, Issuer] = {
    "token.actions.githubusercontent.com": Issuer(
        "sub",
        "repo:",
        "/",
        "/project:ref:refs/heads/main",
        (":pull_request", ":ref:refs/heads/some-branch"),
        {
            "repository": "someone-else/project",
            "repository_owner": "someone-else",
            "repository_id": "999999999",
            "repository_owner_id": "999999999",
        },
    ),
    "gitlab.com": Issuer(
        "sub",
        "project_path:",
        "/",
        "/project:ref_type:branch:ref:main",
        (":ref_type:branch:ref:some-branch",),
        {"project_path": "someone-else/project", "namespace_path": "someone-else", "namespace_id": "999999999"},
    ),
    # The plan of a pull request runs what the pull request says.
    "app.terraform.io": Issuer(
        "sub",
        "organization:",
        ":",
        ":project:default:workspace:main:run_phase:apply",
        (":run_phase:plan",),
        source=("project", "default", "workspace", "main"),
    ),
    "agent.buildkite.com": Issuer(
        "sub",
        "organization:",
        ":",
        ":pipeline:deploy:ref:refs/heads/main:commit:0:step:0",
        (":ref:refs/heads/some-branch:commit:0:step:0",),
        source=("pipeline", "deploy"),
    ),
    "oidc.codefresh.io": Issuer("sub", "account:", ":", ":pipeline:someone"),
    "oidc.scalr.io": Issuer("sub", "account:", ":", ":environment:main:workspace:main"),
    "proidc.upbound.io": Issuer("sub", "mcp:", "/", "/main:provider:aws"),
    "studio.datachain.ai": Issuer("sub", "credentials:", "/", "/main"),
    "studio.dvc.ai": Issuer("sub", "credentials:", "/", "/main"),
    "token.oidc.vercel.com": Issuer("aud", "https://vercel.com/", "/", ""),
    "oidc.vercel.com": Issuer("aud", "https://vercel.com/", "/", ""),
    "api.pulumi.com/oidc": Issuer("aud", "", "/", ""),
    "cognito-identity.amazonaws.com": Issuer("aud", "", "/", ""),
    "accounts.google.com": Issuer("sub", "", "/", "", (), {"aud": "someone-else", "oaud": "someone-else"}),
    "www.amazon.com": Issuer("app_id", "", "/", ""),
    "graph.facebook.com": Issuer("app_id", "", "/", ""),
}

_STRANGER = "someone-else"


def _allows(policy: Policy) -> Iterator[Statement]:
    for statement in policy.document.statements:
        if statement.effect == "Allow" and statement.principals is not None:
            yield statement


def _alone(policy: Policy, statement: Statement) -> Policy:
    """Leave of a policy one Allow, beside its Denies: what that statement by itself lets in."""
    document = policy.document
    kept = tuple(s for s in document.statements if s is statement or s.effect == "Deny")
    return (
        policy
        if len(kept) == len(document.statements)
        else replace(policy, document=replace(document, statements=kept))
    )


def _hosts(statement: Statement) -> Iterator[tuple[str, str]]:
    """List the identity providers of a statement: issuer and the ARN or name it is written as."""
    for entry in statement.principals or ():
        if entry.kind != "Federated" or ":saml-provider/" in entry.value:
            continue
        _, slash, host = entry.value.partition(":oidc-provider/")
        yield (host if slash else entry.value).rstrip("/"), entry.value


def _asked(policy: Policy, provider: str, host: str, claims: Mapping[str, str | None]) -> str:
    """Ask whether a token with some claims would be let in: how certain that is, or an empty text."""
    from rolelint.engine.trust import trust_allows

    context = {f"{host}:{name}": value for name, value in claims.items()}
    return _certainty(trust_allows(policy, Principal("oidc", provider=provider), _WEB_IDENTITY, context=context))


def _certainty(answer: Answer) -> str:
    return answer.certainty if answer.verdict == "yes" else ""


def _claim_values(statement: Statement, host: str, claim: str) -> list[str]:
    key = f"{host}:{claim}".lower()
    return [v for c in statement.conditions if c.key == key for v in c.values if not has_unknown(v)]


def _foreign_claims(issuer: Issuer, written: Sequence[str]) -> Iterator[str]:
    """List claims that tokens of other organizations can have and that the policy's tests might let through.

    Any organization, and for each test with a wildcard inside the organization's name, one whose name fits.
    """
    yield f"{issuer.head}{_STRANGER}{issuer.foreign}"
    for text in written:
        end = text.lstrip("*")
        if end != text and end and not end.startswith(issuer.head):
            # The wildcard covers the beginning of the organization's name at least.
            project = "" if issuer.end in end else f"{issuer.end}project"
            joint = "" if project or end.startswith(issuer.end) else "-"
            yield f"{issuer.head}{_STRANGER}{project}{joint}{_filled(end, 'main')}"
            continue
        rest = text[len(issuer.head) :] if text.startswith(issuer.head) else ""
        organization, end, tail = rest.partition(issuer.end)
        organization, colon, _ = organization.partition(":")
        if not set(organization) & ({"*"} if colon else {"*", "?"}):
            continue
        joint = f"-{_STRANGER}" if organization.strip("*") and not organization.startswith("*") else _STRANGER
        if end and not colon:
            yield f"{issuer.head}{_filled(organization, joint)}{end}{_filled(tail, 'main')}"
            continue
        # The wildcard covers the end of the organization's name, and what follows it.
        if not colon:
            yield f"{issuer.head}{_filled(organization, joint)}{issuer.foreign}"
        yield f"{issuer.head}{_filled(rest, f'{joint}{issuer.end}project', 'main')}"


def _filled(text: str, first: str, others: str = "") -> str:
    """Put text in place of wildcards."""
    return text.replace("*", first, 1).replace("*", others).replace("?", "x")


Ask = Callable[[Subject, Policy], Hit | None]


def subject_open(args: Any) -> Ask:
    """Look for a statement that lets tokens of another organization in, or tokens with any subject at all."""

    def ask(subject: Subject, policy: Policy) -> Hit | None:
        return _together(hit for statement in _allows(policy) for hit in _open_hosts(policy, statement))

    return ask


def _together(found: Iterable[Hit]) -> Hit | None:
    """Join what is found in single statements: the worst says what, and all are at fault.

    Of those that are alike the text decides, not the order of statements: every account comes before a certain one.
    """
    hits = sorted(found, key=lambda h: (h.drop, h.certainty != "proved", h.fields["text"]))
    if len(hits) < 2:
        return hits[0] if hits else None
    others = len({hit.fields["text"] for hit in hits}) - 1
    fields = {**hits[0].fields, "more": f" ({others} more)" if others else ""}
    return hits[0].but(statements=tuple(ref for hit in hits for ref in hit.statements), fields=fields)


def _open_hosts(policy: Policy, statement: Statement) -> Iterator[Hit]:
    ref = StatementRef(policy, statement)
    policy = _alone(policy, statement)
    for host, provider in _hosts(statement):
        if has_unknown(host):
            continue
        issuer = ISSUERS.get(host.lower())
        if issuer is None:
            tested = any(_claim_values(statement, host, claim) for claim in ("sub", "aud", "app_id", "amr", "oaud"))
            named = any(
                c.key.startswith(f"{host.lower()}:") and not c.key.endswith((":aud", ":sub"))
                for c in statement.conditions
            )
            eks = host.startswith("oidc.eks.")
            claims = {"sub": f"system:serviceaccount:{_STRANGER}:{_STRANGER}" if eks else _STRANGER}
            if not named and (certainty := _asked(policy, provider, host, claims)):
                fields = {"issuer": show(host), "text": "any of its callers"}
                reason = "the issuer belongs to one organization or cluster"
                drop = 1 if not tested else 2
                yield Hit((), drop=drop, reasons=(reason,), statements=(ref,), fields=fields, certainty=certainty)
            continue
        for claim in _foreign_claims(issuer, _claim_values(statement, host, issuer.claim)):
            if certainty := _asked(policy, provider, host, {**issuer.claims, issuer.claim: claim}):
                element = "Condition" if statement.conditions else "Principal"
                fields = {"issuer": show(host), "text": f"`{claim}`"}
                yield Hit((), statements=(ref,), element=element, fields=fields, certainty=certainty)
                break


def any_ref(args: Any) -> Ask:
    """Look for a statement that lets unreviewed code of the trusted source in."""

    def hits(policy: Policy) -> Iterator[Hit]:
        for statement in _allows(policy):
            alone = _alone(policy, statement)
            for host, provider in _hosts(statement):
                issuer = ISSUERS.get(host.lower())
                if issuer is None or not issuer.refs:
                    continue
                for claim in _ref_claims(issuer, _claim_values(statement, host, issuer.claim)):
                    if certainty := _asked(alone, provider, host, {issuer.claim: claim, **_ref_of(claim)}):
                        ref = StatementRef(policy, statement)
                        element = "Condition" if statement.conditions else "Principal"
                        fields = {"text": f"`{claim}`"}
                        yield Hit((), statements=(ref,), element=element, fields=fields, certainty=certainty)
                        break

    return lambda subject, policy: _together(hits(policy))


def _ref_claims(issuer: Issuer, written: Sequence[str]) -> Iterator[str]:
    """List subjects of unreviewed code in the sources that the policy's tests name."""
    for text in written:
        if not text.startswith(issuer.head):
            continue
        organization, end, rest = text[len(issuer.head) :].partition(issuer.end)
        if not end or set(organization) & {"*", "?"}:
            continue
        named = rest.split(":")
        parts = [named[i] if len(named) > i and named[i].strip("*") else part for i, part in enumerate(issuer.source)]
        source = ":".join(parts).replace("*", "app").replace("?", "x")
        for ref in issuer.refs:
            yield f"{issuer.head}{organization}{end}{source}{ref}"


def _ref_of(claim: str) -> dict[str, str | None]:
    """Give the other claims that go with a subject: the ref itself, its workflow, and no protected environment."""
    pull = claim.endswith(":pull_request")
    ref = "refs/pull/1/merge" if pull else "refs/heads/some-branch"
    workflow = f"{claim.partition(':')[2].partition(':')[0]}/.github/workflows/some.yml@{ref}"
    claims: dict[str, str | None] = {"ref": ref, "environment": None, "job_workflow_ref": workflow}
    return claims | {"event_name": "pull_request"} if pull else claims


_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def words_of(name: str) -> frozenset[str]:
    """Split a name into lower-cased words: `KiroAgent`, `kiro-agent` and `kiro_agent` have the same."""
    return frozenset(w.lower() for part in re.split(r"[^A-Za-z0-9]+", name) for w in (*_WORD.findall(part), part) if w)


_TOOL_SERVICES = ("bedrock", "bedrock-agentcore", "codebuild", "codepipeline")


class _Caller(NamedTuple):
    """A principal of a trust policy: how a message names it, its statement, who it is, its ARN if it is of AWS."""

    text: str
    ref: StatementRef
    who: Principal
    arn: str = ""

    def may_enter(self) -> bool:
        """Tell whether the policy lets it in at all: a Deny may keep it out, or a condition that it never meets."""
        from rolelint.engine.trust import trust_allows

        action = {"oidc": _WEB_IDENTITY, "saml": _SAML}.get(self.who.type, _ASSUME)
        known = not has_unknown(self.arn or self.who.provider or self.who.name)
        return not known or trust_allows(self.ref.policy, self.who, action).verdict != "no"


def _named(arn: str) -> Principal:
    """Read the ARN of a user, a role or one of its sessions as who calls."""
    if arn.count(":") < 5:
        return Principal("anonymous")  # what is there is not known yet
    _, partition, service, _, account, name = arn.split(":", 5)
    if name.startswith("user/"):
        return Principal("user", arn=arn, account=account)
    if service == "sts":
        role = f"arn:{partition}:iam::{account}:role/{name.split('/')[1] if '/' in name else name}"
        return Principal("role_session", arn=arn, role_arn=role, account=account)
    session = f"arn:{partition}:sts::{account}:assumed-role/{name.rpartition('/')[2]}/session"
    return Principal("role_session", arn=session, role_arn=arn, account=account)


def _callers(policy: Policy, tools: frozenset[str], people: frozenset[str]) -> tuple[list[_Caller], list[_Caller]]:
    """Sort the principals of a trust policy into people and tools; those that say nothing are left out."""
    humans: list[_Caller] = []
    machines: list[_Caller] = []
    for statement in _allows(policy):
        ref = StatementRef(policy, statement)
        for entry in statement.principals or ():
            value = entry.value
            name = value.rpartition(":")[2]
            if entry.kind == "Federated" and ":saml-provider/" in value:
                humans.append(_Caller(f"`{show(value)}`", ref, Principal("saml", provider=value)))
            elif entry.kind == "Federated":
                host = value.partition(":oidc-provider/")[2] or value
                if host.lower() in ISSUERS and ISSUERS[host.lower()].foreign:
                    machines.append(_Caller(f"`{show(host)}`", ref, Principal("oidc", provider=value)))
            elif entry.kind == "Service" and value.partition(".")[0] in _TOOL_SERVICES:
                machines.append(_Caller(f"`{show(value)}`", ref, Principal("service", name=value)))
            elif entry.kind == "AWS" and (value.count(":") >= 5 or has_unknown(value)):
                words = words_of(name.partition("/")[2])
                if words & tools:
                    machines.append(_Caller(f"`{show(value)}`", ref, _named(value), value))
                elif words & people or "AWSReservedSSO_" in name:
                    humans.append(_Caller(f"`{show(value)}`", ref, _named(value), value))
    return humans, machines


def shared_with_tool(args: Mapping[str, Any]) -> Ask:
    """Look for people and a tool among the principals, by the words of their names."""
    tools, people = frozenset(args["tools"]), frozenset(args["people"])

    def ask(subject: Subject, policy: Policy) -> Hit | None:
        humans, machines = _callers(policy, tools, people)
        if not humans or not machines:
            return None
        humans, machines = ([c for c in callers if c.may_enter()] for callers in (humans, machines))
        if not humans or not machines:
            return None
        first, second = humans[0], machines[0]
        refs = tuple(caller.ref for caller in (second, first, *machines, *humans))
        return Hit((), statements=refs, element="Principal", fields={"first": first.text, "second": second.text})

    return ask


#: A principal without a condition on it comes from anywhere: another account, another organization, no external id.
_OUTSIDER = "999988887777"
_FOREIGN_ORGANIZATION = Domain("maybe", ("o-someoneelse",))


def whole_account(args: Any) -> Ask:
    """Look for a principal that opens the role to a whole account that is not its own, or to all."""

    def hits(subject: Subject, policy: Policy) -> Iterator[Hit]:
        own = subject.role.account if subject.role is not None else ""
        for statement in _allows(policy):
            alone = _alone(policy, statement)
            for entry in statement.principals or ():
                account, partition = _whole_account(entry.kind, entry.value)
                if not account or (account != "*" and account == own):
                    continue
                text = "every AWS account" if account == "*" else f"every principal of the account `{account}`"
                number = _OUTSIDER if account == "*" else account
                caller = f"arn:{partition}:iam::{number}:role/anyone"
                for arn in (caller, *(_named_anywhere(statement, caller) if account == "*" else ())):
                    if certainty := _outsider_enters(alone, account, arn):
                        if arn != caller:
                            text += f", for example by `{show(arn)}`"
                        ref = StatementRef(policy, statement)
                        fields = {"text": text}
                        yield Hit((), statements=(ref,), element="Principal", fields=fields, certainty=certainty)
                        break

    return lambda subject, policy: _together(hits(subject, policy))


def _whole_account(kind: str, value: str) -> tuple[str, str]:
    """Give the account that a principal entry opens to as a whole, or `*`, with the partition; else empty texts."""
    if kind not in ("AWS", "*") or has_unknown(value):
        return "", ""
    if value == "*":
        return "*", "aws"
    if value.isdigit() and len(value) == 12:
        return value, "aws"
    fields = value.split(":", 5)
    if len(fields) == 6 and fields[5] == "root" and fields[2] == "iam":
        return fields[4], fields[1]
    return "", ""


def _named_anywhere(statement: Statement, caller: str) -> Iterator[str]:
    """List principals of a caller's account whose names a condition asks for, in whatever account they are."""
    account = caller.rpartition(":")[0]
    for condition in statement.conditions:
        for value in condition.values if condition.key == "aws:principalarn" else ():
            if not set(value) & {"*", "?"}:
                continue
            kind = next((kind for kind in (":role/", ":user/") if kind in value), "")
            # What begins with a wildcard, or has one for the kind, may be about roles of that name.
            name = value.partition(kind)[2] if kind else value.rpartition(":")[2]
            yield f"{account}{kind or ':role/'}{name.replace('*', 'x').replace('?', 'x')}"


def _outsider_enters(policy: Policy, account: str, arn: str) -> str:
    from rolelint.engine.trust import trust_allows

    context: dict[str, Domain | str | None] = {
        "aws:PrincipalOrgID": _FOREIGN_ORGANIZATION,
        "aws:PrincipalOrgPaths": None,
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": arn.split(":")[4],
    }
    if account != "*":
        # Whoever calls may write any label, but does not know the one that was agreed on.
        context["sts:ExternalId"] = Domain("maybe", ("a-guess",))
    return _certainty(trust_allows(policy, _named(arn), _ASSUME, context=context))


def unattributed(args: Mapping[str, Any]) -> Ask:
    """Look for tools, by the words of their names, that get in without a source identity."""
    tools = frozenset(args["tools"])

    def ask(subject: Subject, policy: Policy) -> Hit | None:
        _, machines = _callers(policy, tools, frozenset())
        asked = [(m, _enters_unnamed(policy, m.who)) for m in machines if m.arn and not has_unknown(m.arn)]
        anonymous = [m for m, certainty in asked if certainty]
        if not anonymous:
            return None
        certainty = "proved" if "proved" in (c for _, c in asked) else "possible"
        fields = {"text": anonymous[0].text if len(anonymous) == 1 else quoted(m.arn for m in anonymous)}
        refs = tuple(m.ref for m in anonymous)
        return Hit((), statements=refs, element="Principal", fields=fields, certainty=certainty)

    return ask


def _enters_unnamed(policy: Policy, caller: Principal) -> str:
    from rolelint.engine.trust import trust_allows

    context: dict[str, Domain | str | None] = {"sts:SourceIdentity": None, "aws:SourceIdentity": None}
    return _certainty(trust_allows(policy, caller, _ASSUME, context=context))
