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
from typing import Any

from rolelint.sources.aws.account import described

#: Words that a judgement may depend on.
KEPT = frozenset(
    (
        "prod production prd live prods dev development test testing tests sandbox preview previews ephemeral tmp temp "
        "temporary scratch demo qa playground sbx integration integ e2e staging stage ci env environment true false "
        "repo ref refs heads tags pull request main master branch project path aws awsreservedsso reserved sso "
        "amazonaws com cn org organization service role root assumed federated user o r ou vpc vpce "
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
        "canonicaluser"
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
#: Condition keys whose values are names; so are the claims of tokens, whose keys begin with a host.
_NAMED_CONDITION = re.compile(
    r"tag/|^aws:(user|principalorg|resourceorg|sourceorg|sourcevpc|sourceidentity|vpce)|^(sts|saml|s3:prefix|identitystore)"
    r"|^[^:]*\.|^kms:encryptioncontext:|(alias|aliases|names?|ids?|path|url|leadingkeys|endpoint|prefix|email|user)$"
    r"|(bucket|database|table|project|queue|topic|secret|cluster)$",
    re.IGNORECASE,
)
_ARN = re.compile(r"arn:[\w*?-]*:[^\s\"'`,]*")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_WORD = re.compile(r"[^\W_]+")
#: Letters are words by themselves where a judgement reads names: `prod` in `prod1`.
_LETTERS = re.compile(r"[^\W\d_]+")
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
                note["where"] = [self.text(place) for place in note.get("where") or ()]
                note["text"] = described({k: v for k, v in note.items() if v})["text"]
            organization = own.get("organization")
            if isinstance(organization, dict) and "reason" in organization:
                organization["reason"] = organization["reason"].partition(": ")[0]
        return out

    def text(self, text: str) -> str:
        """Redact a text that is an ARN or a name as a whole, or an account id."""
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
        return self._named(value) if key.lower() in _NAME_KEYS else self._free(value)

    def _object(self, value: dict[str, Any], key: str) -> dict[str, Any]:
        if key in ("tags", "Tags"):
            return {self._free(name): self._name(str(text)) for name, text in value.items()}
        if key.lower() == "condition":
            return {operator: self._conditions(block) for operator, block in value.items()}
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

    def _conditions(self, block: Any) -> Any:
        if not isinstance(block, dict):
            return self._walk(block, "name")
        out: dict[str, Any] = {}
        for key, values in block.items():
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
        return text if text.endswith((".amazonaws.com", ".amazonaws.com.cn")) else self.text(text)

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

    def _arn(self, arn: str) -> str:
        fields = arn.split(":", 5)
        if len(fields) < 6 or fields[4] == "aws":
            return self._ids(arn)
        service, account, rest = fields[2], self._name(fields[4]), fields[5]
        if rest.startswith("oidc-provider/"):
            rest = "oidc-provider/" + self._issuer(rest.removeprefix("oidc-provider/"))
        elif "/aws-service-role/" not in rest and not (service == "ssm" and _SSM_OWN.match(rest)):
            rest = self._name(rest, _literals(service))
        return ":".join([*fields[:4], account, rest])

    def _issuer(self, url: str) -> str:
        """Redact an issuer of tokens: the host if it is somebody's own, and what follows it."""
        host, slash, rest = url.removeprefix("https://").partition("/")
        if host not in SHARED_ISSUERS and not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
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


_literal_memo: dict[str, frozenset[str]] = {}


def _literals(service: str) -> frozenset[str]:
    """List the words that the ARNs of a service have whatever the names are."""
    found = _literal_memo.get(service)
    if found is None:
        from rolelint.catalog import catalog

        formats = (f.split(":", 5)[-1] for kind in catalog().types_of_service(service) for f in kind.formats)
        words = {word for text in formats for word in _WORD.findall(re.sub(r"\$\{[^}]*\}", " ", text))}
        found = _literal_memo[service] = frozenset(words)
    return found
