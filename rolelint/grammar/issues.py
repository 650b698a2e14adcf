"""What parliament reports, under our codes: `PL-` and parliament's own name of the issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What the codes begin with; alone it names them all.
PREFIX = "PL"

_GRAMMAR = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"
_ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements"
_ACTIONS = (
    "https://docs.aws.amazon.com/service-authorization/latest/reference/"
    "reference_policies_actions-resources-contextkeys.html"
)
_OPERATORS = f"{_ELEMENTS}_condition_operators.html"
_PARLIAMENT = "https://github.com/duo-labs/parliament"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of parliament, described as a rule is.

    Attributes:
        key: parliament's name: `RESOURCE_MISMATCH`.
        severity: used unless the user's parliament configuration sets another one.
        why, fix: for people; `references` state the facts.
        bad, good: a statement, or a policy document, that has the issue and one that has not.
        twins: codes of rules that say it too; where one of them speaks of the statement, the issue is silent.
        same: the code among them of the rule that says just this: who ignores it ignores the issue.
        community: whether one of parliament's community auditors reports it.
    """

    key: str
    title: str
    severity: str
    why: str
    fix: str
    references: tuple[str, ...] = (_GRAMMAR,)
    bad: Mapping[str, Any] | None = None
    good: Mapping[str, Any] | None = None
    twins: frozenset[str] = frozenset()
    same: str = ""
    community: bool = False
    category: str = "grammar"
    since: str = "0.1.0"

    @property
    def id(self) -> str:
        """The stable code."""
        return code_of(self.key)

    @property
    def name(self) -> str:
        """The readable name."""
        return name_of(self.key)


def code_of(key: str) -> str:
    """Make the code of an issue from parliament's name of it, or from the name that an auditor gives."""
    return f"{PREFIX}-{key.upper().replace('_', '-')}"


def name_of(key: str) -> str:
    """Make the readable name of an issue."""
    return key.lower().replace("_", "-")


def _one(action: str | list[str], resource: str | list[str], effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_statement(action, resource, effect, **more)]}


def _statement(
    action: str | list[str], resource: str | list[str], effect: str = "Allow", **more: Any
) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


_BUCKET = "arn:aws:s3:::app-data"
_OBJECTS = f"{_BUCKET}/*"
_READ = _one("s3:GetObject", _OBJECTS)
_TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
_TLS = {"Bool": {"aws:SecureTransport": "true"}}
_BY = {"AWS": "arn:aws:iam::123456789012:role/app"}

ISSUES: tuple[Issue, ...] = (
    Issue(
        "MALFORMED",
        "The policy is not written as AWS requires",
        "medium",
        "AWS refuses such a policy: the deployment that carries it fails, and the grant or guard in it does not exist.",
        "Write the elements that the grammar of policies has, each once and of its type.",
        bad={"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets"}]},
        good=_one("s3:ListAllMyBuckets", "*"),
    ),
    Issue(
        "DUPLICATE_SID",
        "Two statements have the same Sid",
        "medium",
        "IAM refuses an identity policy in which two statements have the same Sid.",
        "Give each statement its own Sid.",
        (f"{_ELEMENTS}_sid.html",),
        bad={
            "Version": "2012-10-17",
            "Statement": [
                _statement("s3:GetObject", _OBJECTS, Sid="Read"),
                _statement("s3:PutObject", _OBJECTS, Sid="Read"),
            ],
        },
        good={
            "Version": "2012-10-17",
            "Statement": [
                _statement("s3:GetObject", _OBJECTS, Sid="Read"),
                _statement("s3:PutObject", _OBJECTS, Sid="Write"),
            ],
        },
    ),
    Issue(
        "INVALID_SID",
        "A Sid holds characters that IAM refuses",
        "low",
        "A Sid of an IAM policy consists of letters and digits. IAM refuses the policy otherwise.",
        "Write the Sid with letters and digits only.",
        (f"{_ELEMENTS}_sid.html",),
        bad=_one("s3:GetObject", _OBJECTS, Sid="read objects"),
        good=_one("s3:GetObject", _OBJECTS, Sid="ReadObjects"),
    ),
    Issue(
        "INVALID_VERSION",
        "AWS has no such policy Version",
        "medium",
        "AWS refuses a policy of another Version than the two that exist.",
        'Write `"Version": "2012-10-17"`.',
        (f"{_ELEMENTS}_version.html",),
        bad={"Version": "2024-01-01", "Statement": [_statement("s3:GetObject", _OBJECTS)]},
        good=_READ,
    ),
    Issue(
        "NO_VERSION",
        "The policy has no Version",
        "low",
        "Without a Version the policy has that of 2008, in which `${...}` is plain text and no policy variable.",
        'Add `"Version": "2012-10-17"`.',
        (f"{_ELEMENTS}_version.html",),
        bad={"Statement": [_statement("s3:GetObject", _OBJECTS)]},
        good=_READ,
    ),
    Issue(
        "OLD_VERSION",
        "The policy's Version is that of 2008",
        "low",
        "In the Version of 2008 `${...}` is plain text and no policy variable.",
        'Write `"Version": "2012-10-17"`, after a look at every `${` in the policy.',
        (f"{_ELEMENTS}_version.html",),
        bad={"Version": "2008-10-17", "Statement": [_statement("s3:GetObject", _OBJECTS)]},
        good=_READ,
    ),
    Issue(
        "UNKNOWN_ACTION",
        "No action has this name",
        "low",
        "A misspelt action in an Allow grants nothing, and in a Deny it protects nothing. RL901 says the same and "
        "more; this issue is reported only where that rule is not.",
        "Write the action as the Service Authorization Reference spells it.",
        (_ACTIONS,),
        bad=_one("s3:GetObjects", _OBJECTS),
        good=_READ,
        twins=frozenset(("RL901", "RL805")),
        same="RL901",
    ),
    Issue(
        "UNKNOWN_PREFIX",
        "No service has this prefix",
        "low",
        "An action of a service that does not exist grants nothing, and in a Deny it protects nothing. RL901 says the "
        "same and more; this issue is reported only where that rule is not.",
        "Write the prefix as the Service Authorization Reference spells it.",
        (_ACTIONS,),
        bad=_one("s33:GetObject", _OBJECTS),
        good=_READ,
        twins=frozenset(("RL901", "RL805")),
        same="RL901",
    ),
    Issue(
        "EXCEPTION",
        "An action is not written as service:Action",
        "medium",
        "AWS refuses a policy with an action that has no service prefix, or more than one colon.",
        "Write `service:Action`, or `*` for every action.",
        (f"{_ELEMENTS}_action.html",),
        bad=_one("GetObject", _OBJECTS),
        good=_READ,
        twins=frozenset(("RL901",)),
        same="RL901",
    ),
    Issue(
        "INVALID_ARN",
        "A resource is not written as an ARN",
        "medium",
        "A resource must be `*` or an ARN of six parts. IAM refuses others, or they match nothing.",
        "Write `arn:partition:service:region:account:resource`.",
        (f"{_ELEMENTS}_resource.html",),
        bad=_one("s3:GetObject", "app-data/*"),
        good=_READ,
    ),
    Issue(
        "RESOURCE_MISMATCH",
        "An action acts on none of the statement's resources",
        "medium",
        "An Allow of an action on resources of another type grants nothing. The tool fails when it needs the action, "
        "and the quick repair is often a wildcard. A pattern is reported only when none of its actions acts on any "
        "of the resources; RL903 says the same of destructive actions and goes first.",
        "Name a resource of the type that the action acts on, or `*` where it acts on none.",
        (_ACTIONS,),
        bad=_one("s3:GetObject", _BUCKET),
        good=_READ,
        twins=frozenset(("RL903",)),
        same="RL903",
    ),
    Issue(
        "RESOURCE_STAR",
        "Resource is * where the actions take resources",
        "low",
        "The actions can be limited to single resources, and the statement grants them on all.",
        "Name the resources that the tool works on.",
        (f"{_ELEMENTS}_resource.html", _ACTIONS),
        bad=_one("s3:GetObject", "*"),
        good=_READ,
    ),
    Issue(
        "RESOURCE_EFFECTIVELY_STAR",
        "The resources are all that the actions can take",
        "low",
        "The resources are written out, and yet they are every resource of their types.",
        "Name the resources that the tool works on.",
        (f"{_ELEMENTS}_resource.html", _ACTIONS),
        bad=_one("dynamodb:GetItem", "arn:*:dynamodb:*:*:table/*"),
        good=_one("dynamodb:GetItem", _TABLE),
    ),
    Issue(
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
        "Control over a bucket gives what is not granted on its objects",
        "medium",
        "Who may write a bucket's policy, ACL or lifecycle can give itself, or do, what the policy does not grant on "
        "the objects.",
        "Do not grant the bucket's control actions, or accept that they include its objects.",
        ("https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html",),
        bad=_one("s3:PutBucketPolicy", _BUCKET),
        good=_READ,
    ),
    Issue(
        "UNKNOWN_PRINCIPAL",
        "A principal is written in a form that AWS does not have",
        "medium",
        "AWS refuses a policy whose principal it cannot find or read.",
        "Write an account id, the ARN of a principal, or a service's name under `Service`.",
        (f"{_ELEMENTS}_principal.html",),
        bad=_one("s3:GetObject", _OBJECTS, Principal={"AWS": "role/app"}),
        good=_one("s3:GetObject", _OBJECTS, Principal=_BY),
    ),
    Issue(
        "UNKNOWN_FEDERATION_SOURCE",
        "A federated principal is of no known form",
        "medium",
        "A federated principal is the ARN of a SAML or OIDC provider, or one of four identity services.",
        "Write the ARN of the provider.",
        (f"{_ELEMENTS}_principal.html",),
        bad=_one("s3:GetObject", _OBJECTS, Principal={"Federated": "login.example.com"}),
        good=_one("s3:GetObject", _OBJECTS, Principal={"Federated": "cognito-identity.amazonaws.com"}),
    ),
    Issue(
        "UNKNOWN_OPERATOR",
        "AWS has no such condition operator",
        "medium",
        "AWS refuses a policy with an operator that it does not know.",
        "Write one of the documented operators.",
        (_OPERATORS,),
        bad=_one("s3:GetObject", _OBJECTS, Condition={"StringMatches": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        good=_one("s3:GetObject", _OBJECTS, Condition={"StringLike": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
    ),
    Issue(
        "UNKNOWN_CONDITION_FOR_ACTION",
        "An action does not support the condition key",
        "medium",
        "The key is never in a request for the action, so the condition is always false or, for negated tests, always "
        "true. Actions that a wildcard brings in are left out, and so are tests that accept an absent key. RL902 says "
        "the same of whole statements and goes first.",
        "Test a key that the action supports, or move the action to a statement of its own.",
        (_ACTIONS,),
        bad=_one("s3:GetObject", _OBJECTS, Condition={"StringLike": {"s3:prefix": "home/*"}}),
        good=_one("s3:ListBucket", _BUCKET, Condition={"StringLike": {"s3:prefix": "home/*"}}),
        twins=frozenset(("RL902",)),
        same="RL902",
    ),
    Issue(
        "MISMATCHED_TYPE",
        "A condition compares values of different types",
        "medium",
        "A value that is not of the key's type never matches, so an Allow grants nothing and a Deny never fires; a "
        "negated test always holds.",
        "Write a value of the key's type, under an operator of that type.",
        (_OPERATORS,),
        bad=_one("s3:GetObject", _OBJECTS, Condition={"IpAddress": {"aws:SourceIp": "office"}}),
        good=_one("s3:GetObject", _OBJECTS, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        twins=frozenset(("RL805",)),
    ),
    Issue(
        "MISMATCHED_TYPE_BUT_USABLE",
        "A string operator compares ARNs",
        "low",
        "It works, but a wildcard then reaches over the colons of the ARN.",
        "Write `ArnLike` or `ArnEquals`.",
        (_OPERATORS,),
        bad=_one(
            "iam:AttachRolePolicy",
            "arn:aws:iam::123456789012:role/app",
            Condition={"StringLike": {"iam:PolicyARN": "arn:aws:iam::123456789012:policy/app-*"}},
        ),
        good=_one(
            "iam:AttachRolePolicy",
            "arn:aws:iam::123456789012:role/app",
            Condition={"ArnLike": {"iam:PolicyARN": "arn:aws:iam::123456789012:policy/app-*"}},
        ),
    ),
    Issue(
        "MISMATCHED_TYPE_OPERATION_TO_NULL",
        "Bool or Null is given neither true nor false",
        "medium",
        "AWS refuses the value, or the test never holds.",
        "Write `true` or `false`.",
        (_OPERATORS,),
        bad=_one("s3:GetObject", _OBJECTS, Condition={"Bool": {"aws:SecureTransport": "yes"}}),
        good=_one("s3:GetObject", _OBJECTS, Condition=_TLS),
        twins=frozenset(("RL805",)),
    ),
    Issue(
        "BAD_PATTERN_FOR_MFA",
        "A test for absent MFA that an absent key passes by",
        "medium",
        "The key is not in requests with long-term access keys, so a Deny on `Bool ... false` does not stop them.",
        "Write `BoolIfExists` in the Deny.",
        (
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
            "#condition-keys-multifactorauthpresent",
        ),
        bad=_one("*", "*", "Deny", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
        good=_one("*", "*", "Deny", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
    ),
    Issue(
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "The policy grants actions that manage permissions",
        "medium",
        "Who manages permissions can give itself others.",
        "Leave these actions out, or limit them to resources and conditions that do not matter.",
        (_PARLIAMENT,),
        bad=_one("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/app"),
        good=_READ,
        twins=frozenset(("RL601", "RL603", "RL604")),
        community=True,
    ),
    Issue(
        "PRIVILEGE_ESCALATION",
        "The policy grants a known way to more power",
        "high",
        "The actions together are one of the escalation paths of Rhino Security Labs. The rules RL601 to RL604 judge "
        "the whole role and go first.",
        "Leave one of the actions out, or limit it.",
        (_PARLIAMENT,),
        bad=_one("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/app"),
        good=_READ,
        twins=frozenset(("RL601", "RL602", "RL603", "RL604")),
        community=True,
    ),
    Issue(
        "CREDENTIALS_EXPOSURE",
        "The policy grants calls that return credentials",
        "medium",
        "The answer of the call holds secrets, and the tool that reads it may write it to a log.",
        "Leave the action out, or limit it to one resource.",
        (_PARLIAMENT,),
        bad=_one("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/app"),
        good=_READ,
        community=True,
    ),
    Issue(
        "SENSITIVE_ACCESS",
        "The policy grants an operation on a sensitive resource",
        "high",
        "The parliament configuration names the operation and the resource as sensitive.",
        "Leave the resource out.",
        (_PARLIAMENT,),
        community=True,
    ),
    Issue(
        "NOTPRINCIPAL_WITH_ALLOW",
        "Allow with NotPrincipal",
        "medium",
        "Everybody is trusted but the principals named.",
        "Name the principals that are trusted.",
        (f"{_ELEMENTS}_notprincipal.html",),
        bad=_one("s3:GetObject", _OBJECTS, NotPrincipal={"AWS": "123456789012"}),
        good=_one("s3:GetObject", _OBJECTS, Principal=_BY),
        community=True,
    ),
    Issue(
        "NOTRESOURCE_WITH_ALLOW",
        "Allow with NotResource",
        "medium",
        "Every resource is granted but those named, those of other services and those created later included.",
        "Name the resources that are granted.",
        (f"{_ELEMENTS}_notresource.html",),
        bad={
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": _OBJECTS}],
        },
        good=_READ,
        community=True,
    ),
    Issue(
        "SINGLE_VALUE_CONDITION_TOO_PERMISSIVE",
        "A set operator tests a key that has one value",
        "medium",
        "`ForAllValues` is true when the key is absent, so the condition does not limit such requests.",
        "Write the operator without `ForAllValues` or `ForAnyValue`.",
        (
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
            "reference_policies_condition-single-vs-multi-valued-context-keys.html",
        ),
        bad=_one(
            "s3:GetObject",
            _OBJECTS,
            Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        ),
        good=_one("s3:GetObject", _OBJECTS, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        community=True,
    ),
)

_BY_KEY: Mapping[str, Issue] = {issue.key: issue for issue in ISSUES}


def find_issue(text: str) -> Issue | None:
    """Find an issue by its code, its readable name or parliament's name for it, ignoring case."""
    key = text.upper().replace("-", "_")
    return _BY_KEY.get(key.removeprefix(f"{PREFIX}_")) or _BY_KEY.get(key)
