"""Plan the configurations beside this file for real: once for the fixtures, and again wherever Terraform is.

    ROLELINT_TF_PLUGINS=<folder> python -m tests.readers.plan.replan [CASE ...]

writes `fixtures/<case>.json`. A case with a folder `before` is applied first, to a server that plays AWS; then the
API calls of `calls.json` are made, and `main.tf` is planned against what stands.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
CASES = sorted(p.name for p in (HERE / "configs").iterdir() if (p / "main.tf").exists())

_PROVIDER = """
provider "aws" {
  region                      = "eu-west-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
}
"""
_VERSION = """
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}
"""


def can_plan() -> str:
    """Say why nothing can be planned here, or give an empty text."""
    if not os.environ.get("ROLELINT_TF_PLUGINS"):
        return "ROLELINT_TF_PLUGINS names no folder of Terraform providers"
    return "" if shutil.which("terraform") else "no terraform on the path"


def plan(case: str) -> dict[str, Any]:
    """Plan one case and give the plan as `terraform show -json` prints it, without its time."""
    source = HERE / "configs" / case
    with tempfile.TemporaryDirectory() as folder, _server(case) as endpoint:
        base = Path(folder)
        work = base / "work"
        shutil.copytree(source / "before" if (source / "before").is_dir() else source, work)
        (work / "provider.tf").write_text(_VERSION + _PROVIDER)
        config = base / "terraformrc"
        mirror = os.environ["ROLELINT_TF_PLUGINS"]
        config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        environment = {
            **os.environ,
            "TF_CLI_CONFIG_FILE": str(config),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        if endpoint:
            environment["AWS_ENDPOINT_URL"] = endpoint

        def terraform(*arguments: str) -> str:
            done = subprocess.run(
                ["terraform", *arguments], cwd=work, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"terraform {arguments[0]} of {case}: {done.stdout}{done.stderr}")
            return done.stdout

        terraform("init", "-no-color")
        if (source / "before").is_dir():
            terraform("apply", "-no-color", "-auto-approve")
            if (source / "calls.json").exists():
                _call(json.loads((source / "calls.json").read_text()), endpoint)
            shutil.copytree(source, work, dirs_exist_ok=True)
            shutil.rmtree(work / "before")
            terraform("init", "-no-color")
        terraform("plan", "-no-color", "-out=saved")
        made: dict[str, Any] = json.loads(terraform("show", "-json", "saved"))
        made.pop("timestamp", None)
        return made


#: Tells moto to hold AWS's managed policies; other tests want it without.
_MANAGED = "MOTO_IAM_LOAD_MANAGED_POLICIES"


@contextmanager
def _server(case: str) -> Iterator[str]:
    """Play AWS for a case that needs a past."""
    if not (HERE / "configs" / case / "before").is_dir():
        yield ""
        return
    from moto.server import ThreadedMotoServer

    before = os.environ.get(_MANAGED)
    os.environ[_MANAGED] = "true"
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # Servers of one process share what they hold.
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    try:
        yield endpoint
    finally:
        server.stop()
        if before is None:
            del os.environ[_MANAGED]
        else:
            os.environ[_MANAGED] = before


def _call(calls: list[Any], endpoint: str) -> None:
    import boto3

    for service, name, arguments in calls:
        client = boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        getattr(client, name)(**arguments)


def main(cases: list[str]) -> None:
    """Write the fixtures of some cases, or of all."""
    for case in cases or CASES:
        made = plan(case)
        (HERE / "fixtures" / f"{case}.json").write_text(json.dumps(made, separators=(",", ":"), sort_keys=True) + "\n")
        print(case, len(made.get("resource_changes", [])))


if __name__ == "__main__":
    main(sys.argv[1:])
