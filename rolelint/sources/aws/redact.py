"""Account ids and names replaced, the same everywhere, so that a dump can be shown to others and judged alike.

A word is replaced letter by letter, each letter by one that depends on the letters before it. Equal words stay equal
and words with a common start keep one, so `app-*` still matches what it matched. Words that say something about an
environment (`prod`, `dev`), the words of AWS's own ARNs, actions, condition keys and Regions stay as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

from rolelint.sources.aws.account import described

#: Words that a judgement may depend on.
KEPT = frozenset(
    (
        "prod production prd live prods dev development test testing tests sandbox preview previews ephemeral tmp temp "
        "temporary scratch demo qa playground sbx integration integ e2e staging stage ci env environment true false "
        "repo ref refs heads tags pull request pull_request main master branch project path aws awsreservedsso "
        "reserved sso amazonaws com cn org organization service role root"
    ).split()
)
#: Values that are names, by key. Everything else that is no ARN keeps its text.
_NAME_KEYS = frozenset(
    (
        "RoleName UserName GroupName PolicyName InstanceProfileName GroupId RoleId UserId PolicyId InstanceProfileId "
        "Path Sid ExternalId name alias principal id management_account customer_managed"
    ).split()
)
_SAME_KEYS = frozenset(
    (
        "Action NotAction Effect Version VersionId DefaultVersionId Service schema partition read regions region type "
        "protections session_duration CreateDate UpdateDate LastUsedDate PasswordLastUsed Region kind what url "
        "audiences"
    ).split()
)
_NAMED_CONDITION = re.compile(
    r"tag/|^aws:(user|principalorg|resourceorg|sourceorg|sourcevpc|sourceidentity|vpce)|^(sts|saml|s3:prefix|identitystore)"
    r"|:(sub|aud|amr|repository|actor|job_workflow_ref)$",
    re.IGNORECASE,
)
_ARN = re.compile(r"arn:[\w*?-]*:[^\s\"'`,]*")
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_WORD = re.compile(r"[A-Za-z0-9]+")
_CLUSTER_ID = re.compile(r"(?<=/id/)[A-Za-z0-9]+")


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
        return self._free(text) if "arn:" in text or _ACCOUNT.fullmatch(text) else self._name(text)

    def _walk(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            if _is_aws_own(value):
                return value
            if key in ("tags", "Tags"):
                return {name: self._name(text) for name, text in value.items()}
            if key == "Condition":
                return {operator: self._conditions(block) for operator, block in value.items()}
            return {self._free(name): self._walk(item, name) for name, item in value.items() if name != "Description"}
        if isinstance(value, list):
            if key == "Tags":
                return [
                    {**tag, "Value": self._name(str(tag.get("Value", "")))} for tag in value if isinstance(tag, dict)
                ]
            return [self._walk(item, "PolicyName" if key == "GroupList" else key) for item in value]
        if not isinstance(value, str) or key in _SAME_KEYS:
            return value
        if key in _NAME_KEYS:
            return self.text(value)
        return self._free(value)

    def _conditions(self, block: Any) -> Any:
        if not isinstance(block, dict):
            return block
        out: dict[str, Any] = {}
        for key, values in block.items():
            shown = _CLUSTER_ID.sub(lambda m: self._word(m.group()), key)
            replace = self.text if _NAMED_CONDITION.search(key) else self._free
            out[shown] = [
                replace(v) if isinstance(v, str) and not v.endswith((".amazonaws.com", ".amazonaws.com.cn")) else v
                for v in (values if isinstance(values, list) else [values])
            ]
            if not isinstance(values, list):
                out[shown] = out[shown][0]
        return out

    def _free(self, text: str) -> str:
        """Redact the ARNs and account ids in a text."""
        if "arn:" in text:
            text = _ARN.sub(lambda m: self._arn(m.group()), text)
        return _ACCOUNT.sub(lambda m: self._account(m.group()), text)

    def _arn(self, arn: str) -> str:
        fields = arn.split(":", 5)
        if len(fields) < 6 or fields[4] == "aws" or "/aws-service-role/" in arn:
            return arn
        service, rest = fields[2], fields[5]
        if rest.startswith("oidc-provider/"):
            return ":".join([*fields[:5], _CLUSTER_ID.sub(lambda m: self._word(m.group()), rest)])
        return ":".join([*fields[:5], self._name(rest, _literals(service))])

    def _name(self, text: str, kept: frozenset[str] = frozenset()) -> str:
        def one(match: re.Match[str]) -> str:
            word = match.group()
            if word.lower() in KEPT or word in kept:
                return word
            return self._account(word) if _ACCOUNT.fullmatch(word) else self._word(word)

        pieces = re.split(r"(\$\{[^}]*\})", text)  # policy variables stay
        return "".join(piece if i % 2 else _WORD.sub(one, piece) for i, piece in enumerate(pieces))

    def _account(self, number: str) -> str:
        """Replace an account id; AWS's own example ids too."""
        found = self._words.get(number)
        if found is None:
            digest = hmac.new(self._key, b"account" + number.encode(), hashlib.sha256).digest()
            found = self._words[number] = str(int.from_bytes(digest[:8], "big") % 9 * 10**11 + 10**11 + _tail(digest))
        return found

    def _word(self, word: str) -> str:
        found = self._words.get(word)
        if found is None:
            out = []
            for i, letter in enumerate(word):
                digest = hmac.new(self._key, word[:i].lower().encode(), hashlib.sha256).digest()
                out.append(_turned(letter, digest[0] * 256 + digest[1]))
            found = self._words[word] = "".join(out)
        return found


def _tail(digest: bytes) -> int:
    return int.from_bytes(digest[8:16], "big") % 10**11


def _turned(letter: str, by: int) -> str:
    if letter.isdigit():
        return chr((ord(letter) - 48 + by) % 10 + 48)
    base = 65 if letter.isupper() else 97
    return chr((ord(letter) - base + by) % 26 + base)


def _is_aws_own(value: dict[str, Any]) -> bool:
    """Tell whether an object is a policy that AWS itself publishes."""
    arn = value.get("Arn") or value.get("arn")
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
