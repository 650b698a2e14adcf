"""Decide one request: the definition, in AWS's order and words (S6.5).

The order of the layers, the way a request's resources and context are read and what the layers together give are
written here only: the set engine has its own, and the two are checked against each other. Shared with it are, beside
the data model, the matching of one text (`match`, `operators.family_matches`), whom a statement means
(`grant_strength`, `statement_reaches`, `needs_trust`) and AWS's lists (`Catalog.rcp_services`,
`UNGOVERNED`, `UNSIGNED`). No law can show a mistake in these; the cases in `tests/spec/` cover them, each with its
page. Which statements of a document name an action is kept (`naming`); the rest is worked out each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rolelint.catalog import catalog
from rolelint.engine.match import action_matches, resource_matches
from rolelint.engine.operators import condition_holds
from rolelint.engine.request import Context, Deciding, Decision, Outcome, PolicySet, Principal, Request, Target
from rolelint.memory import alone, memo
from rolelint.policies.document import PolicyDocument, PrincipalEntry, Statement
from rolelint.policies.role import PolicyType
from rolelint.policies.text import has_unknown

#: How strongly a resource policy grants, weakest first (S4.4 to S4.10).
NO_GRANT, ACCOUNT_GRANT, ROLE_GRANT, DIRECT_GRANT = range(4)

# AWS: kms/latest/developerguide/key-policy-modifying-external-accounts.html: permissions for any other operation have
# no effect in another account. Read 2026-11.
KMS_ABROAD = tuple(
    f"kms:{name}"
    for name in (
        "CreateGrant Decrypt DeriveSharedSecret DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair "
        "GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetKeyRotationStatus "
        "GetPublicKey ListGrants ReEncryptFrom ReEncryptTo RetireGrant RevokeGrant Sign Verify VerifyMac"
    ).split()
)
# AWS: AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-limitations-of-custom-policies.html: permissions for these do
# not apply across accounts. Read 2026-11.
SQS_AT_HOME = tuple(
    f"sqs:{name}"
    for name in (
        "AddPermission CancelMessageMoveTask CreateQueue DeleteQueue ListMessageMoveTasks ListQueues ListQueueTags "
        "RemovePermission SetQueueAttributes StartMessageMoveTask TagQueue UntagQueue"
    ).split()
)
# AWS: aws-backup/latest/devguide/create-a-vault-access-policy.html: requests of other accounts for anything else are
# rejected, whatever the policy of the vault says. Read 2026-11.
BACKUP_ABROAD = ("backup:CopyIntoBackupVault",)
#: Of services that name what other accounts may call: everything that is open to them.
_ABROAD = {names[0].partition(":")[0]: frozenset(map(str.lower, names)) for names in (KMS_ABROAD, BACKUP_ABROAD)}
_SQS_AT_HOME = frozenset(map(str.lower, SQS_AT_HOME))

#: Actions that policies do not control, with the reason (S6.55).
UNGOVERNED = {
    "sts:getcalleridentity": "sts:GetCallerIdentity needs no permission and cannot be denied",
    "sts:getsessiontoken": "sts:GetSessionToken needs no permission and policies cannot control it",
}


@alone
def decide(request: Request, policies: PolicySet) -> Decision:
    """Decide a request; a multi-resource request is allowed only if every resource is (S3.11).

    >>> from rolelint.engine import PolicySet, Principal, Request, Target, decide
    >>> from rolelint.policies.parse import parse_document
    >>> allow = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    >>> held = PolicySet((parse_document({"Version": "2012-10-17", "Statement": [allow]}),))
    >>> user = Principal("user", "arn:aws:iam::123456789012:user/ann", account="123456789012")
    >>> target = Target("arn:aws:s3:::data/report.csv")
    >>> asked = Request(user, "s3:GetObject", (target,), resource_account="123456789012")
    >>> decide(asked, held).outcome.value
    'allow'

    Args:
        request: with its whole context, keys in lower case: one that is not listed is absent.
        policies: every policy that applies to it, each already read.

    Returns:
        The decision with its deciding statements. For several resources, the first one that is not allowed decides;
        an explicit deny on any of them wins.
    """
    ungoverned = UNGOVERNED.get(request.action.lower())
    if ungoverned is not None:
        return Decision(Outcome.ALLOW, (), ungoverned)  # S6.55
    # A request that names nothing is authorized against `*` (S3.9).
    decisions = [_decide_one(request, target, policies) for target in request.targets or (Target("*"),)]
    for decision in decisions:
        if decision.outcome is Outcome.EXPLICIT_DENY:
            return decision
    for decision in decisions:
        if decision.outcome is Outcome.IMPLICIT_DENY:
            return decision
    statements = tuple(dict.fromkeys(s for d in decisions for s in d.statements))
    return Decision(Outcome.ALLOW, statements, decisions[0].explanation)


def _decide_one(request: Request, target: Target, policies: PolicySet) -> Decision:
    caller = request.principal
    scene = _Scene(request, target, has_boundary=policies.boundary is not None)
    limited = not caller.bare and not caller.service_linked and not caller.management_account  # S6.14 to S6.18
    scps = policies.scps or () if limited else ()
    rcps = policies.rcps if policies.rcps and _rcp_applies(request) else ()
    resource = (policies.resource,) if policies.resource is not None and _guards(request, target) else ()
    boundary = (policies.boundary,) if policies.boundary is not None else ()
    identity = () if caller.bare else policies.identity
    session = policies.session or ()

    # S6.3: one matching Deny anywhere ends it.
    layers: list[tuple[PolicyType, str, Iterable[PolicyDocument]]] = [
        (PolicyType.IDENTITY, "identity", identity),
        (PolicyType.BOUNDARY, "boundary", boundary),
        (PolicyType.SESSION, "session", session),
        *((PolicyType.SCP, f"scp[{i}]", level) for i, level in enumerate(scps)),
        (PolicyType.RCP, "rcp", rcps),
        (PolicyType.RESOURCE, "resource", resource),
    ]
    for kind, place, documents in layers:
        for found in scene.matching("Deny", kind, place, documents):
            return Decision(Outcome.EXPLICIT_DENY, (found,), f"{found.label} denies explicitly")

    used: list[Deciding] = []
    for i, level in enumerate(scps):  # S6.11
        allowing = scene.first("Allow", PolicyType.SCP, f"scp[{i}]", level)
        if allowing is None:
            return _implicit(f"no statement at SCP level {i} allows it")
        used.append(allowing)

    grant, granting = scene.resource_grant(resource)
    if caller.bare:
        if grant == DIRECT_GRANT:
            return Decision(Outcome.ALLOW, (*used, *granting), f"{granting[0].label} allows it")
        return _implicit("only a resource policy can allow this caller, and none does")

    in_boundary = scene.first("Allow", PolicyType.BOUNDARY, "boundary", boundary)
    in_session = scene.first("Allow", PolicyType.SESSION, "session", session)
    boundary_allows = policies.boundary is None or in_boundary is not None  # S6.25
    session_allows = policies.session is None or in_session is not None  # S6.30
    if caller.type == "federated_user" and policies.session is None:
        session_allows = False  # S6.32
    ceiling = boundary_allows and session_allows
    ceilings = [d for d in (in_boundary, in_session) if d is not None]
    in_identity = scene.first("Allow", PolicyType.IDENTITY, "identity", identity)
    is_root = caller.type == "root"  # S6.56
    # AWS: STS API_AssumeRoot.html: the task policy of a root session limits it.
    side = session_allows if is_root else in_identity is not None and ceiling
    own = [d for d in (in_identity,) if d is not None] + ceilings

    if is_root and request.action.lower() in ("sts:assumerole", "sts:assumeroot"):
        # AWS: STS API_AssumeRoot.html, and what STS answers: "Roles may not be assumed by root accounts".
        return _implicit("the root user cannot assume a role or another root user")
    if _is_foreign_partition(caller, target):
        return _implicit("a credential of one partition is not valid in another")  # S6.37
    if _is_foreign_account(request):  # S6.35, S6.36
        if _stays_at_home(request.action.lower()):
            return _implicit(f"no policy opens {request.action} to other accounts")
        if grant > NO_GRANT and side:
            return Decision(Outcome.ALLOW, (*used, *own, *granting), "both accounts allow it")
        missing = "the caller's account does not allow it" if grant else "the resource's account does not allow it"
        return _implicit(missing)
    if grant == DIRECT_GRANT:  # S6.26, S6.28, S6.29
        return Decision(Outcome.ALLOW, (*used, *granting), f"{granting[0].label} names the caller")
    if grant == ROLE_GRANT and ceiling:  # S6.27, S6.31
        return Decision(Outcome.ALLOW, (*used, *ceilings, *granting), f"{granting[0].label} names the role")
    if grant == NO_GRANT and _needs_resource_grant(request, target):  # S6.40, S6.45
        return _implicit("the policy of the resource itself must allow it, and does not")
    if side:
        statements = (*used, *own, *granting)
        return Decision(Outcome.ALLOW, statements, f"{statements[-1].label} allows it" if statements else "root user")
    if in_identity is None:
        return _implicit("no identity policy allows it")
    if not boundary_allows:
        return _implicit("the permissions boundary does not allow it")
    return _implicit("the session policy does not allow it")


def _implicit(why: str) -> Decision:
    return Decision(Outcome.IMPLICIT_DENY, (), why)


def _rcp_applies(request: Request) -> bool:
    service = request.action.partition(":")[0].lower()
    return (
        service in catalog().rcp_services  # S6.23
        and not request.principal.service_linked  # S6.21
        and not request.resource_in_management_account  # S6.22
        and request.action.lower() != "kms:retiregrant"
    )


def _is_foreign_partition(caller: Principal, target: Target) -> bool:
    ours, theirs = (([*arn.split(":", 2), "", ""])[1] for arn in (caller.arn, target.arn))
    return bool(ours and theirs) and ours != theirs and not has_unknown(theirs)


def _is_foreign_account(request: Request) -> bool:
    """Tell whether a resource's account decides beside the caller's."""
    if request.action.lower() == "sts:assumeroot":
        return False  # AWS: STS API_AssumeRoot.html: a member account has no policy that grants it
    theirs, ours = request.resource_account, request.principal.account
    return bool(theirs and ours) and theirs != ours


def _stays_at_home(action: str) -> bool:
    """Tell whether a service lets nobody of another account call an action, whatever a resource policy says."""
    return action in _SQS_AT_HOME or action not in _ABROAD.get(action.partition(":")[0], (action,))


def _guards(request: Request, target: Target) -> bool:
    """Tell whether a resource policy governs a target: a key policy reaches keys only (S6.40, S6.42).

    Of a domain it governs what lies below: `es:*` is the same as `es:ESHttp*` there. Of a role, who assumes it.
    """
    action = request.action.lower()
    if action in _ROOT_UNLOCKS and request.principal.type == "root" and not _is_foreign_account(request):
        return False
    if action.startswith("es:") and not action.startswith(BELOW_DOMAIN):
        return False
    fields = target.arn.split(":", 5)
    if fields[2:3] == ["iam"] and fields[-1].startswith("role/") and not action.startswith("sts:"):
        return False
    return ":key/" in target.arn or not action.startswith("kms:")


#: How the actions begin that the access policy of a domain speaks of.
# AWS: opensearch-service/latest/developerguide/ac.html, "Resource-based policies". Read 2026-11.
BELOW_DOMAIN = "es:eshttp"
#: What the root user of the owner's account may do whatever the policy of its bucket or queue denies (S6.56).
# AWS: AmazonS3/latest/API/API_PutBucketPolicy.html: only endpoint and Organizations policies block it;
# IAM/latest/UserGuide/id_root-user.html: the root user edits or deletes a queue policy that denies all principals.
_ROOT_UNLOCKS = frozenset(
    ("s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy", "sqs:setqueueattributes")
)


#: Calls that only an identity provider's token signs: no policy of a caller grants them (S6.52).
UNSIGNED = ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
TRUSTED = (*UNSIGNED, "sts:assumerole", "sts:tagsession", "sts:setsourceidentity")


def needs_trust(action: str, arn: str) -> bool:
    """Tell whether the trust policy of the role that a call names must allow it (S6.45, S6.50, S6.52)."""
    # AWS: IAM/latest/UserGuide/id_credentials_temp_control-access_sts-setcontext.html: on `arn:aws:sts::ACCOUNT:self`
    # SetContext is a permission of the caller; on a role it goes with AssumeRole, like the others.
    return action.lower() in TRUSTED or (action.lower() == "sts:setcontext" and ":role/" in arn)


def _needs_resource_grant(request: Request, target: Target) -> bool:
    if needs_trust(request.action, target.arn):
        return True
    action = request.action.lower()
    return action.startswith("kms:") and ":key/" in target.arn


class _Named:
    """The action patterns of a document by service prefix, and what was found for actions asked before."""

    __slots__ = ("_anywhere", "_by_prefix", "_found", "document")

    def __init__(self, document: PolicyDocument) -> None:
        self.document = document
        self._found: dict[str, tuple[Statement, ...]] = {}
        self._by_prefix: dict[str, list[tuple[int, str]]] = {}
        self._anywhere: list[tuple[int, str]] = []
        for number, statement in enumerate(document.statements):
            for pattern in statement.actions:
                prefix = pattern.partition(":")[0]
                if "*" in prefix or "?" in prefix:
                    self._anywhere.append((number, pattern))
                else:
                    self._by_prefix.setdefault(prefix.lower(), []).append((number, pattern))

    def statements(self, action: str) -> tuple[Statement, ...]:
        found = self._found.get(action)
        if found is None:
            near = self._by_prefix.get(action.partition(":")[0].lower(), ())
            hit = {number for number, pattern in (*near, *self._anywhere) if action_matches(pattern, action)}
            found = self._found[action] = tuple(
                s for number, s in enumerate(self.document.statements) if (number in hit) is not s.not_action
            )
        return found


_kept: dict[int, _Named] = memo()


def naming(document: PolicyDocument, action: str) -> tuple[Statement, ...]:
    """List the statements of a document whose Action or NotAction names an action, in order (S2.1 to S2.9).

    What was found is kept with the document: in an account few policies are asked about many times.
    """
    held = _kept.get(id(document))
    if held is None or held.document is not document:
        held = _kept[id(document)] = _Named(document)
    return held.statements(action)


class _Scene:
    """One caller, action, resource and context; tells which statements match."""

    def __init__(self, request: Request, target: Target, *, has_boundary: bool) -> None:
        self.caller = request.principal
        self.action = request.action
        self.arn = target.arn
        self.has_boundary = has_boundary
        self.context: Context = {**request.context, **target.context}

    def lookup(self, key: str) -> str | None:
        values = self.context.get(key, ())
        return values[0] if len(values) == 1 else None

    def first(self, effect: str, kind: PolicyType, place: str, documents: Iterable[PolicyDocument]) -> Deciding | None:
        return next(self.matching(effect, kind, place, documents), None)

    def matching(
        self, effect: str, kind: PolicyType, place: str, documents: Iterable[PolicyDocument]
    ) -> Iterator[Deciding]:
        """Yield matching statements in order."""
        single = kind in (PolicyType.BOUNDARY, PolicyType.RESOURCE)
        for i, document in enumerate(documents):
            for statement in naming(document, self.action):
                if (
                    statement.effect == effect
                    and not (statement.doubtful and effect == "Deny")
                    and self._covers(statement, document)
                ):
                    yield Deciding(kind, place if single else f"{place}[{i}]", statement)

    def _covers(self, statement: Statement, document: PolicyDocument) -> bool:
        if not self._resource_covered(statement, document):
            return False
        if statement.effect == "Deny" and not statement_reaches(statement, self.caller, has_boundary=self.has_boundary):
            return False
        return all(
            c.known and condition_holds(c, self.context.get(c.key, ()), self.lookup, variables=document.variables)
            for c in statement.conditions
        )

    def _resource_covered(self, statement: Statement, document: PolicyDocument) -> bool:
        if statement.resources is None:
            return True  # S3.1, S1.5
        listed = any(
            resource_matches(r, self.arn, self.lookup, variables=document.variables) for r in statement.resources
        )
        return listed is not statement.not_resource

    def resource_grant(self, documents: Iterable[PolicyDocument]) -> tuple[int, tuple[Deciding, ...]]:
        """Find the strongest matching Allow of the resource policy (S6.5)."""
        best, found = NO_GRANT, None
        for deciding in self.matching("Allow", PolicyType.RESOURCE, "resource", documents):
            strength = grant_strength(deciding.statement, self.caller)
            if strength > best:
                best, found = strength, deciding
        return best, (found,) if found else ()


def statement_reaches(statement: Statement, caller: Principal, *, has_boundary: bool = False) -> bool:
    """Tell whether the Principal or NotPrincipal of a Deny covers a caller (S4.15, S4.16, S4.21).

    A statement without either covers every caller.
    """
    if statement.principals is None:
        return True
    if statement.not_principal:
        if has_boundary and not caller.bare:
            return True  # S4.16
        return not any(_names(e, caller, spare=True) for e in statement.principals)
    return any(_names(e, caller, spare=False) for e in statement.principals)


def grant_strength(statement: Statement, caller: Principal) -> int:
    """Tell how an Allow statement's principals admit a caller: 0 none, 1 account, 2 role, 3 direct (S4.4 to S4.10)."""
    entries = statement.principals or ()
    if statement.not_principal:
        return NO_GRANT if any(_names(e, caller, spare=True) for e in entries) else DIRECT_GRANT  # S4.13
    return max((_entry_strength(e, caller) for e in entries), default=NO_GRANT)


def _entry_strength(entry: PrincipalEntry, caller: Principal) -> int:
    kind, value = entry
    if kind == "*" or (kind == "AWS" and value == "*"):
        if caller.type == "service" and kind != "*":
            return NO_GRANT  # S10.14
        return DIRECT_GRANT  # S4.10, S6.29
    if kind == "Service":
        return DIRECT_GRANT if caller.type == "service" and value == caller.name else NO_GRANT  # S4.9, S4.23
    if kind == "Federated":
        return DIRECT_GRANT if caller.type in ("oidc", "saml") and value == caller.provider else NO_GRANT
    if kind != "AWS" or caller.bare:
        return NO_GRANT
    if _is_account(value, caller.account):
        return DIRECT_GRANT if caller.type == "root" else ACCOUNT_GRANT  # S4.3, S4.4
    if value == caller.arn:
        return DIRECT_GRANT  # S4.6 to S4.8
    if caller.type == "role_session" and value == caller.role_arn:
        return ROLE_GRANT  # S4.5
    if caller.type == "federated_user" and value == caller.user_arn:
        return ROLE_GRANT  # S4.8
    return NO_GRANT


def _names(entry: PrincipalEntry, caller: Principal, *, spare: bool) -> bool:
    """Tell whether an entry means the caller.

    Args:
        spare: for NotPrincipal: an account entry then spares its root user only (S4.15). In a Deny's Principal an
            account covers all its principals and `{"AWS": "*"}` covers services too (S4.21, S10.14).
    """
    kind, value = entry
    if kind == "*" or (kind == "AWS" and value == "*"):
        return True
    if kind == "Service":
        return caller.type == "service" and value == caller.name
    if kind == "Federated":
        return caller.type in ("oidc", "saml") and value == caller.provider
    if kind != "AWS" or caller.bare:
        return False
    if _is_account(value, caller.account):
        return caller.type == "root" if spare else True
    return value in (caller.arn, caller.role_arn, caller.user_arn)


def _is_account(value: str, account: str) -> bool:
    if not account:
        return False
    if value == account:
        return True
    parts = value.split(":")
    return len(parts) == 6 and parts[2] == "iam" and parts[4] == account and parts[5] == "root"
