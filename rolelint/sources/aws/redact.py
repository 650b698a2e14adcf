"""Account ids and names replaced, the same everywhere, so that a dump can be shown to others and judged alike.

A word is replaced letter by letter, each letter by one that depends on the letters before it. Equal words stay equal
and words with a common start keep one, so `app-*` still matches what it matched. Words that say something about an
environment (`prod`, `dev`), the words of AWS's own ARNs, actions, condition keys and Regions stay as they are.
A pattern that begins inside a word, or ends inside one that stays, may match other things than before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from functools import cache
from typing import Any, NamedTuple

from rolelint.sources.aws.account import OWN_PLACES, described

#: Words that a judgement may depend on.
KEPT = frozenset(
    (
        "prod production prd live prods dev development test testing tests sandbox preview previews ephemeral tmp temp "
        "temporary scratch demo qa playground sbx integration integ e2e staging stage ci env environment true false "
        "repo ref refs heads tags pull request main master branch project path aws awsreservedsso reserved sso "
        "non not pre amazonaws com cn org organization service role root assumed federated user o r ou vpc vpce "
        # What the subjects of well-known issuers of tokens are made of.
        "account apply commit credentials default deploy https mcp oidc phase pipeline provider run step type vercel "
        "workspace"
    ).split()
)
#: Issuers of tokens that many organizations share; the hosts of others are names.
SHARED_ISSUERS = frozenset(
    (
        "token.actions.githubusercontent.com gitlab.com app.terraform.io agent.buildkite.com oidc.codefresh.io "
        "oidc.scalr.io proidc.upbound.io studio.datachain.ai studio.dvc.ai token.oidc.vercel.com oidc.vercel.com "
        "oidc.circleci.com api.bitbucket.org api.pulumi.com accounts.google.com www.amazon.com graph.facebook.com"
    ).split()
)
#: Values that are names, by key in lower case. Everything else that is no ARN keeps its text.
_NAME_KEYS = frozenset(
    (
        "rolename username groupname policyname instanceprofilename groupid roleid userid policyid instanceprofileid "
        "path sid externalid name alias principal id management_account customer_managed boundary audiences aws "
        "canonicaluser where"
    ).split()
)
_SAME_KEYS = frozenset(
    (
        "Action NotAction Effect Version VersionId DefaultVersionId Service schema partition read regions region type "
        "protections session_duration CreateDate UpdateDate LastUsedDate PasswordLastUsed Region kind what"
    ).split()
)
#: Values that are policies written as text, by key.
_POLICY_KEYS = frozenset("document Document PolicyDocument AssumeRolePolicyDocument inline".split())
#: How the names of services end.
_SERVICES = (".amazonaws.com", ".amazonaws.com.cn")
#: Condition keys whose values are names; so are the claims of tokens, whose keys begin with a host.
_NAMED_CONDITION = re.compile(
    r"tag/|^aws:(user|principalorg|resourceorg|sourceorg|sourcevpc|sourceidentity|vpce)|^(sts|saml|s3:prefix|identitystore)"
    r"|^[^:]*\.|^kms:encryptioncontext:|(alias|aliases|names?|ids?|path|url|leadingkeys|endpoint|prefix|email|user)$"
    r"|(bucket|database|table|project|queue|topic|secret|cluster|address|recipients|displayname"
    r"|copy-source|location)$",
    re.IGNORECASE,
)
#: Condition keys whose values are ARNs, whatever the catalogue calls them.
_ARN_CONDITION = re.compile(r"(arns?|(?<!service)principal)$", re.IGNORECASE)
#: A colon between the fields of an ARN, and one between its fields or the parts of its resource; none in `${aws:x}`.
_FIELD = re.compile(r":(?![^{}]*\})")
_PART = re.compile(r"([:/])(?![^{}]*\})")
#: What the fields before the resource look like where their place does not tell: services are known by name.
_BEFORE = re.compile(
    r"|arn|aws(-[a-z]+)*|\d{12}|\$\{[^}]*\}"
    r"|(us|eu|eusc-de|ap|ca|sa|me|af|il|mx|cn)(-(gov|iso[a-z]?|north|south|(north|south)?(east|west)|central)?)+(-?\d+)?"
)
_ARN = re.compile(r"arn:[\w*?-]*:[^\s\"'`,]*")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_WORD = re.compile(r"[^\W_]+")
#: Letters are words by themselves where a judgement reads names: `prod` in `prod1`.
_LETTERS = re.compile(r"[^\W\d_]+")
#: A managed policy under one of the paths that AWS uses.
_POLICY = re.compile(r"[*?]*policy/(?:(?:job-function|service-role|aws-service-role|\*)/)?([^/*?]+)[*?]*")
#: Documents of AWS itself: nobody else's may begin so.
_SSM_OWN = re.compile(r"(document|automation-definition)/(aws|amazon|amzn)", re.IGNORECASE)
#: Ids of principals, which AWS makes.
_UNIQUE_ID = re.compile(r"\b(?:AROA|AIDA|AGPA|AIPA|ANPA|ANVA|ASCA)[A-Z0-9]{8,}\b")


class Redactor:
    """Replaces names and account ids; one redactor always replaces the same text by the same.

    Args:
        key: what the replacement depends on; random otherwise, so that nobody can work it back.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key or secrets.token_bytes(32)
        self._words: dict[str, str] = {}

    def dump(self, dump: dict[str, Any]) -> dict[str, Any]:
        """Redact an account dump."""
        out: dict[str, Any] = self._walk(dump, "")
        own = out.get("Rolelint")
        if isinstance(own, dict):
            for note in own.get("not_seen") or ():
                # Reasons quote AWS, and AWS quotes names.
                note["reason"] = note["reason"].partition(": ")[0]
                note["text"] = described({k: v for k, v in note.items() if v})["text"]
            organization = own.get("organization")
            if isinstance(organization, dict) and "reason" in organization:
                organization["reason"] = organization["reason"].partition(": ")[0]
        return out

    def text(self, text: str) -> str:
        """Redact a text that is an ARN or a name as a whole, or an account id; words of our own stay."""
        if OWN_PLACES.fullmatch(text):
            return text
        return self._free(text) if "arn:" in text else self._name(text)

    def _walk(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return value if _is_aws_own(value) else self._object(value, key)
        if isinstance(value, list):
            if key == "Tags":
                return [
                    {**tag, "Key": self._free(str(tag.get("Key", ""))), "Value": self._name(str(tag.get("Value", "")))}
                    for tag in value
                    if isinstance(tag, dict)
                ]
            return [self._walk(item, "PolicyName" if key == "GroupList" else key) for item in value]
        if not isinstance(value, str) or key in _SAME_KEYS:
            return self._number(value)
        if key in _POLICY_KEYS:
            return self._policy(value)
        if key == "url":
            return self._issuer(value)
        if key.lower() in ("resource", "notresource"):
            return self._arn(value)
        return self._named(value) if key.lower() in _NAME_KEYS else self._free(value)

    def _object(self, value: dict[str, Any], key: str) -> dict[str, Any]:
        if key in ("tags", "Tags"):
            return {self._free(name): self._name(str(text)) for name, text in value.items()}
        if key.lower() == "condition":
            return {operator: self._conditions(operator, block) for operator, block in value.items()}
        out = {self._free(name): self._walk(item, name) for name, item in value.items() if name != "Description"}
        if str(value.get("Path", "")).startswith("/aws-service-role/"):
            out.update({name: value[name] for name in ("Path", "RoleName") if name in value})
        return out

    def _policy(self, text: str) -> str:
        """Redact a policy that is written as text; one that cannot be read is words."""
        try:
            return json.dumps(self._walk(json.loads(text), ""))
        except ValueError:
            return self._name(text)

    def _conditions(self, operator: str, block: Any) -> Any:
        if not isinstance(block, dict):
            return self._walk(block, "name")
        out: dict[str, Any] = {}
        for key, values in block.items():
            if _holds_arns(operator, key):
                named = self._holder
            else:
                named = self._named if _NAMED_CONDITION.search(key) else self._free
            made = [
                named(v) if isinstance(v, str) else self._number(v)
                for v in (values if isinstance(values, list) else [values])
            ]
            host, colon, claim = key.partition(":")
            shown = f"{self._issuer(host)}{colon}{claim}" if "." in host else self._free(key)
            out[shown] = made if isinstance(values, list) else made[0]
        return out

    def _number(self, value: Any) -> Any:
        """Redact an account id that is written as a number."""
        if isinstance(value, int) and _ACCOUNT.fullmatch(str(value)):
            return int(self._account(str(value)))
        return value

    def _named(self, text: str) -> str:
        """Redact a value that is a name, where services are named as well."""
        return text if text.endswith(_SERVICES) else self.text(text)

    def _holder(self, text: str) -> str:
        """Redact an ARN or a part of one, where services are named as well."""
        return text if text.endswith(_SERVICES) else self._arn(text)

    def _free(self, text: str) -> str:
        """Redact the ARNs, unique ids and account ids in a text."""
        if text.startswith("arn:"):
            return self._arn(text)  # whatever it holds: names may have spaces and commas
        out, end = [], 0
        for found in _ARN.finditer(text) if "arn:" in text else ():
            out += [self._ids(text[end : found.start()]), self._arn(found.group())]
            end = found.end()
        return "".join([*out, self._ids(text[end:])])

    def _ids(self, text: str) -> str:
        text = _UNIQUE_ID.sub(lambda m: self._word(m.group()), text)
        return _ACCOUNT.sub(lambda m: self._account(m.group()), text)

    def _arn(self, text: str) -> str:
        """Redact an ARN, a pattern of ARNs, or a part of one: `*:role/Admin`, `*Admin*`."""
        fields = _FIELD.split(text)
        # In a text that begins as an ARN the place of a field tells what it is, until a wildcard may stand for several.
        placed = fields[0] == "arn"
        head: list[str] = []
        service = ""
        while fields and len(head) < 5:
            field = fields[0]
            bare = field.strip("*?")
            known = bare in _words() or _BEFORE.fullmatch(bare) is not None
            if not (known or placed if fields[1:] else known and placed):
                break
            if bare in _words():
                service = service or bare
            head.append(self._name(field) if bare.isdigit() or (placed and len(head) == 4 and not known) else field)
            placed = placed and bare == field
            del fields[0]
        if head[-1:] == ["aws"] and head != ["arn", "aws"]:
            return self._ids(text)  # AWS's own account
        rest = ":".join(fields)
        policy = _POLICY.fullmatch(rest)
        if policy and policy[1] in _aws_policies() and not any(field.isdigit() for field in head):
            pass  # of whatever account: AWS's own among them
        elif rest.startswith("oidc-provider/"):
            rest = "oidc-provider/" + self._issuer(rest.removeprefix("oidc-provider/"))
        elif "/aws-service-role/" not in rest and not (service == "ssm" and _SSM_OWN.match(rest)):
            rest = self._resource(rest, service, bool(head))
        return ":".join([*head, rest] if fields else head)

    def _resource(self, rest: str, service: str, whole: bool) -> str:
        """Redact the resource of an ARN: the words that AWS writes between the names stay.

        Args:
            service: empty where it is not known: then the first such word tells.
            whole: whether nothing of it is missing at its begin.
        """
        parts = _PART.split(rest)  # with what stands between them
        bare = [part.strip("*?") for part in parts]
        # `log-group*`, `table/*/index*`: a word that stands before names, any of which may follow.
        before = bare[-3] not in _typed() if bare[1:] else whole
        open_end = before and parts[-1].endswith("*")
        types = bare[::2] if open_end else bare[:-1:2]
        words = _words()[service] if service else next((_typed()[t] for t in types if t in _typed()), _Words())
        for i in range(0, len(parts), 2):
            last = i == len(parts) - 1
            kept = bare[i] in words.final if last else bare[i] in words.inner
            if not kept and not (last and open_end and (i or words.first) and bare[i] in words.inner):
                parts[i] = self._name(parts[i])
        return "".join(parts)

    def _issuer(self, url: str) -> str:
        """Redact an issuer of tokens: the host if it is somebody's own, and what follows it."""
        host, slash, rest = url.removeprefix("https://").partition("/")
        if host not in SHARED_ISSUERS and not host.endswith(_SERVICES):
            host = self._name(host)
        return host + slash + self._name(rest, frozenset(("id",)))

    def _name(self, text: str, kept: frozenset[str] = frozenset()) -> str:
        def words(text: str) -> str:
            return _WORD.sub(lambda m: m.group() if m.group() in kept else self._word(m.group()), text)

        out = []
        for i, piece in enumerate(re.split(r"(\$\{[^}]*\})", text)):  # policy variables stay
            if i % 2:
                out.append(piece)
                continue
            end = 0
            for found in _ACCOUNT.finditer(piece):
                out += [words(piece[end : found.start()]), self._account(found.group())]
                end = found.end()
            out.append(words(piece[end:]))
        return "".join(out)

    def _account(self, number: str) -> str:
        """Replace an account id; AWS's own example ids too."""
        digest = hmac.new(self._key, b"account" + number.encode(), hashlib.sha256).digest()
        return str(int.from_bytes(digest[:8], "big") % 9 * 10**11 + 10**11 + _tail(digest))

    def _word(self, word: str) -> str:
        found = self._words.get(word)
        if found is None:
            stays = {
                i
                for run in _LETTERS.finditer(word)
                if run.group().lower() in KEPT
                for i in range(run.start(), run.end())
            }
            out = []
            for i, letter in enumerate(word):
                digest = hmac.new(self._key, word[:i].lower().encode(), hashlib.sha256).digest()
                out.append(letter if i in stays else _turned(letter, digest[0] * 256 + digest[1]))
            found = self._words[word] = "".join(out)
        return found


def _tail(digest: bytes) -> int:
    return int.from_bytes(digest[8:16], "big") % 10**11


def _turned(letter: str, by: int) -> str:
    if letter.isdigit():
        return chr((ord(letter) - 48 + by) % 10 + 48)
    base = 65 if letter.isupper() else 97
    # Letters of other alphabets become one of these.
    return chr((ord(letter) - base + by) % 26 + base)


def _is_aws_own(value: dict[str, Any]) -> bool:
    """Tell whether an object is, or attaches, a policy that AWS itself publishes."""
    arn = value.get("Arn") or value.get("arn") or value.get("PolicyArn")
    return isinstance(arn, str) and arn.startswith("arn:") and arn.split(":", 5)[4:5] == ["aws"]


def _holds_arns(operator: str, key: str) -> bool:
    """Tell whether a condition compares ARNs, or parts of them."""
    from rolelint.catalog import catalog

    if operator.lower().rpartition(":")[2].startswith("arn") or _ARN_CONDITION.search(key):
        return True
    return catalog().key_type(key.lower()) in ("ARN", "ArrayOfARN")


class _Words(NamedTuple):
    """The words that the ARNs of a service have whatever the names are.

    Attributes:
        inner, final: that something follows, and that end an ARN.
        first: whether every resource begins with one.
    """

    inner: frozenset[str] = frozenset()
    final: frozenset[str] = frozenset()
    first: bool = True

    def __or__(self, other: _Words) -> _Words:
        return _Words(self.inner | other.inner, self.final | other.final, self.first and other.first)


@cache
def _aws_policies() -> frozenset[str]:
    """List the names of the policies that AWS publishes."""
    from rolelint.catalog import catalog

    return frozenset(catalog().managed_policy_names())


@cache
def _words() -> dict[str, _Words]:
    """List the words of each service, by its field in ARNs."""
    from rolelint.catalog import catalog

    out: dict[str, _Words] = {}
    for kind in catalog().types:
        for form in kind.formats:
            fields = form.split(":", 5)
            if len(fields) < 6 or "${" in fields[2]:
                continue
            parts = [part for part in _PART.split(fields[-1])[::2] if part]
            literal = [bool(_WORD.search(part)) and "${" not in part for part in parts]
            made = _Words(
                frozenset(part for part, holds in zip(parts[:-1], literal, strict=False) if holds),
                frozenset(part for part, holds in zip(parts[-1:], literal[-1:], strict=True) if holds),
                literal[:1] == [True],
            )
            out[fields[2]] = out.get(fields[2], _Words()) | made
    return out


@cache
def _typed() -> dict[str, _Words]:
    """List the words of the services that have a word, by that word."""
    out: dict[str, _Words] = {}
    for words in _words().values():
        for word in words.inner:
            out[word] = out.get(word, _Words()) | words
    return out
