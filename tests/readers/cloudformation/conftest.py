"""Templates read and written down, to be compared with what a test expects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolelint.policies.role import Reading
from rolelint.readers import ReadContext, cloudformation

from .cfn_lines import Read, identity, load


@pytest.fixture
def read() -> Read:
    """Read a template from text or data."""

    def run(text: Any, file: str = "t.yaml", base: Path | None = None, **options: Any) -> Reading:
        document = load(text, file)
        assert cloudformation.recognise(document)
        return cloudformation.read(document, ReadContext(base=base, options=options))

    return run


@pytest.fixture
def statements(read: Read) -> Callable[..., list[str]]:
    """Read the statements of one role `R` whose inline policy holds the statements of the given text."""

    def run(text: str, top: str = "", **options: Any) -> list[str]:
        lines = "\n".join("            " + line for line in text.strip("\n").splitlines())
        template = f"""\
AWSTemplateFormatVersion: "2010-09-09"
{top}
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
{lines}
"""
        (role,) = read(template, **options).roles
        return identity(role)

    return run
