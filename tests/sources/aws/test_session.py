"""Signing in, as users of boto3 expect: profiles, roles to assume, MFA, sessions that are renewed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from sources.aws.cloud import Account, allow
from sources.aws.proxy import Proxy

from rolelint.sources.aws.session import Access, connect


def _assumed(proxy: Proxy) -> list[dict[str, str]]:
    calls = [call for call in proxy.calls if call.name == "sts:AssumeRole"]
    return [{key: values[0] for key, values in parse_qs(call.body).items()} for call in calls]


def test_a_role_is_assumed_as_asked(scan: Any, there: Account, proxy: Proxy) -> None:
    other = "arn:aws:iam::300000000003:role/Audit"
    ran = scan("--assume-role", other, "--external-id", "deal-7", "--duration", "900")
    assert ran.code in (3, 4), ran.err
    (asked,) = _assumed(proxy)
    assert asked["RoleArn"] == other
    assert asked["ExternalId"] == "deal-7"
    assert asked["DurationSeconds"] == "900"
    assert asked["RoleSessionName"] == "rolelint"


def test_the_code_of_a_device_is_asked_for(scan: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    prompts = []

    def prompt(text: str, **more: Any) -> str:
        prompts.append((text, more))
        return "123456"

    monkeypatch.setattr(click, "prompt", prompt)
    device = "arn:aws:iam::123456789012:mfa/me"
    scan("--assume-role", "arn:aws:iam::300000000004:role/Audit", "--mfa-serial", device)
    (asked,) = _assumed(proxy)
    assert (asked["SerialNumber"], asked["TokenCode"]) == (device, "123456")
    ((text, more),) = prompts
    assert device in text
    assert more == {"err": True, "hide_input": True}


def test_a_profile_is_found_in_the_configuration(
    scan: Any, there: Account, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(
        "[profile audit]\nregion = eu-west-1\n"
        f"aws_access_key_id = {there.key}\naws_secret_access_key = {there.secret}\naws_session_token = {there.token}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    there.role("reader", allow("s3:GetObject"))
    ran = scan("--profile", "audit", "--skip", "resource-policies", "--skip", "identity-center", regions=())
    assert ran.report["summary"]["roles"] == 1
    assert {call.region for call in proxy.calls if call.service == "sts"} == {"eu-west-1"}


def test_no_such_profile(scan: Any) -> None:
    ran = scan("--profile", "no-such")
    assert ran.code == 2
    assert "no-such" in ran.err
    assert "aws configure list-profiles" in ran.err


def test_no_credentials(scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    ran = scan()
    assert ran.code == 2
    assert "no AWS credentials" in ran.err


def test_a_sign_in_that_is_over(scan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SSO profile without a token: the next step is named."""
    config = tmp_path / "config"
    config.write_text(
        "[profile people]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Audit\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    ran = scan("--profile", "people")
    assert ran.code == 2
    assert "aws sso login --profile people" in ran.err


def test_the_user_s_own_retry_settings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-secret")
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    monkeypatch.delenv("AWS_RETRY_MODE", raising=False)
    usual = connect(Access(region="us-east-1")).client("iam").meta.config.retries
    assert (usual["mode"], usual["total_max_attempts"]) == ("adaptive", 8)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    own = connect(Access(region="us-east-1")).client("iam").meta.config.retries
    assert (own["mode"], own["total_max_attempts"]) == ("standard", 3)


def test_importing_the_source_loads_no_boto3() -> None:
    code = (
        "import sys, pkgutil, importlib, rolelint.sources.aws as a\n"
        "for m in pkgutil.iter_modules(a.__path__): importlib.import_module(a.__name__ + '.' + m.name)\n"
        "import rolelint.cli.scan, rolelint.cli.scanning, rolelint.cli.merge\n"
        "assert 'boto3' not in sys.modules and 'botocore' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_scan_prints_its_policy_without_credentials(monkeypatch: pytest.MonkeyPatch, scan: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert scan("--print-policy", json_report=False).code == 0
