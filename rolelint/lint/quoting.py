"""The lines of the source around findings."""

from __future__ import annotations

from collections.abc import Iterable, Set

from rolelint.documents import Document, Place
from rolelint.errors import InputError
from rolelint.findings.model import Finding
from rolelint.policies.role import Policy
from rolelint.records import replace
from rolelint.sources.files import read_bytes


class Quotes:
    """Quotes the source around findings.

    Args:
        secrets: texts that are not quoted.
    """

    def __init__(self, secrets: Set[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._documents: dict[str, Document | None] = {}

    def quote(self, finding: Finding, policies: Iterable[Policy]) -> Finding:
        """Give the finding with the lines around its place, when it has none yet."""
        if finding.excerpt or not finding.location.line:
            return finding
        document = self._document(finding.location.file, policies)
        if document is None:
            return finding
        return replace(finding, excerpt=tuple((n, self._without(t)) for n, t in document.excerpt(finding.location)))

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "*" * len(secret))
        return text

    def _document(self, file: str, policies: Iterable[Policy]) -> Document | None:
        if file in self._documents:
            return self._documents[file]
        for policy in policies:
            locate = policy.locate
            if isinstance(locate, Place) and locate.document.file == file and locate.document.text:
                self._documents[file] = locate.document
                return locate.document
        # Readers of other formats place policies in their own way: read the file's text again.
        from rolelint.documents.encoding import decode

        try:
            text = decode(file, read_bytes(file))
            self._documents[file] = Document(file, "text", text, None)
        except InputError:
            self._documents[file] = None
        return self._documents[file]
