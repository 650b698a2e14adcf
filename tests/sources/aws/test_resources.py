"""Resource policies and the inventory, built in moto and read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sources.aws.cloud import Account, allow, document
from sources.aws.proxy import Call, Proxy
from sources.aws.stubs import Stubs

from rolelint.sources.aws import inventory, resource_policies
from rolelint.sources.aws.arns import type_of
from rolelint.sources.aws.production import Production

OPEN = document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})


@pytest.fixture
def dumped(scan: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Scan and give the dump's own section."""

    def run(*options: str) -> dict[str, Any]:
        path = tmp_path / "dump.json"
        ran = scan("--dump", str(path), *options)
        assert ran.code in (0, 1, 4), ran.err
        return dict(json.loads(path.read_text())["Rolelint"])

    return run


def test_resource_policies_of_every_kind(there: Account, dumped: Any, proxy: Proxy) -> None:
    name = f"bucket-{there.id}"
    there.client("s3").create_bucket(Bucket=name)
    there.client("s3").put_bucket_policy(Bucket=name, Policy=OPEN)
    there.client("s3").create_bucket(Bucket=f"bare-{there.id}")
    there.client("kms").create_key()
    queue = there.client("sqs").create_queue(QueueName="q", Attributes={"Policy": OPEN})
    assert queue["QueueUrl"]
    there.client("sns").create_topic(Name="t")
    secret = there.client("secretsmanager").create_secret(Name="s", SecretString="hush-hush")["ARN"]
    there.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=OPEN)
    there.client("ecr").create_repository(repositoryName="images")
    there.client("ecr").set_repository_policy(repositoryName="images", policyText=OPEN)
    there.client("ecr").create_repository(repositoryName="bare")
    there.client("iam").create_role(RoleName="runner", AssumeRolePolicyDocument=OPEN)
    own = dumped()
    kinds = {entry["type"] for entry in own["resource_policies"]}
    assert kinds == {
        "s3:bucket",
        "kms:key",
        "sqs:queue",
        "sns:topic",
        "secretsmanager:Secret",
        "ecr:repository",
    }
    assert own["not_seen"] == []
    bucket = next(e for e in own["resource_policies"] if e["type"] == "s3:bucket")
    assert bucket["resource"] == f"arn:aws:s3:::{name}"
    assert bucket["document"]["Statement"][0]["Principal"] == "*"
    assert "hush" not in json.dumps(own)


def test_policies_of_functions_and_vaults() -> None:
    stubs = Stubs()
    region = "us-east-1"
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    vault = "arn:aws:backup:us-east-1:123456789012:backup-vault:v"
    for service, method, empty in (
        ("kms", "list_keys", {"Keys": []}),
        ("sqs", "list_queues", {}),
        ("sns", "list_topics", {"Topics": []}),
        ("secretsmanager", "list_secrets", {"SecretList": []}),
        ("ecr", "describe_repositories", {"repositories": []}),
    ):
        stubs.answer(service, method, empty, region=region)
    functions = [{"FunctionArn": function}, {"FunctionArn": function + "2"}]
    stubs.answer("lambda", "list_functions", {"Functions": functions}, region=region)
    stubs.answer("lambda", "get_policy", {"Policy": OPEN}, {"FunctionName": function}, region=region)
    stubs.fail("lambda", "get_policy", "ResourceNotFoundException", region=region)
    listed = [
        {"BackupVaultArn": vault, "BackupVaultName": "v"},
        {"BackupVaultArn": vault + "2", "BackupVaultName": "v2"},
    ]
    stubs.answer("backup", "list_backup_vaults", {"BackupVaultList": listed}, region=region)
    stubs.answer("backup", "get_backup_vault_access_policy", {"Policy": OPEN}, {"BackupVaultName": "v"}, region=region)
    stubs.fail("backup", "get_backup_vault_access_policy", "ResourceNotFoundException", region=region)
    found = [entry for _, kind in resource_policies.REGIONAL for entry in kind(stubs.aws, region)]
    assert [(e["type"], e["resource"]) for e in found] == [("lambda:function", function), ("backup:backupVault", vault)]
    assert stubs.aws.notes.listed() == []
    stubs.done()


def test_backups_are_joined_to_what_they_keep() -> None:
    stubs = Stubs()
    region = "us-east-1"
    vault = "arn:aws:backup:us-east-1:123456789012:backup-vault:v"
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    points = [
        {"RecoveryPointArn": f"arn:aws:backup:us-east-1:123456789012:recovery-point:{n}", "ResourceArn": table}
        for n in (1, 2)
    ]
    listed = [{"BackupVaultArn": vault, "BackupVaultName": "v", "Locked": True}]
    stubs.answer("backup", "list_backup_vaults", {"BackupVaultList": listed}, region=region)
    stubs.answer("backup", "list_recovery_points_by_backup_vault", {"RecoveryPoints": points}, region=region)
    at = inventory.Where("aws", region, "123456789012")
    entries = list(dict(inventory.REGIONAL)["backup vaults"](stubs.aws, at))
    joined = inventory.joined([*entries, {"arn": table, "type": "dynamodb:table"}], Production(), at.account)
    assert joined == [
        {"arn": vault, "type": "backup:backupVault", "protections": ["vault lock"]},
        {
            "arn": table,
            "type": "dynamodb:table",
            "backups": [{"point": points[0]["RecoveryPointArn"], "vault": vault, "locked": True}],
        },
    ]
    # A backup of something that is gone is no resource.
    assert [e["arn"] for e in inventory.joined(entries, Production(), at.account)] == [vault]


def test_the_inventory_holds_every_kind(there: Account, dumped: Any, proxy: Proxy) -> None:
    env = [{"Key": "env", "Value": "prod"}]
    s3 = there.client("s3")
    for name in (f"plain-{there.id}", f"kept-{there.id}", f"locked-{there.id}"):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=name.startswith("locked"))
    s3.put_bucket_versioning(Bucket=f"kept-{there.id}", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=f"kept-{there.id}", Tagging={"TagSet": env})
    s3.put_object_lock_configuration(
        Bucket=f"locked-{there.id}",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    rds = there.client("rds")
    common = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 10}
    rds.create_db_instance(
        DBInstanceIdentifier="guarded",
        DeletionProtection=True,
        MasterUsername="u",
        MasterUserPassword="password-1",
        Tags=env,
        **common,
    )
    rds.create_db_instance(DBInstanceIdentifier="open", MasterUsername="u", MasterUserPassword="password-1", **common)
    rds.create_db_snapshot(DBSnapshotIdentifier="copy", DBInstanceIdentifier="open")
    dynamodb = there.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        Tags=env,
    )
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    ec2 = there.client("ec2")
    machine = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    ec2.modify_instance_attribute(
        InstanceId=machine["Instances"][0]["InstanceId"], DisableApiTermination={"Value": True}
    )
    volume = ec2.create_volume(Size=1, AvailabilityZone="us-east-1a")["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    there.client("efs").create_file_system(CreationToken="t", Tags=env)
    there.client("eks").create_cluster(
        name="k8s", roleArn=f"arn:aws:iam::{there.id}:role/x", resourcesVpcConfig={}, tags={"env": "dev"}
    )
    there.client("ecs").create_cluster(clusterName="boxes", tags=[{"key": "env", "value": "prod"}])
    there.client("cloudformation").create_stack(
        StackName="stack",
        TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}',
        EnableTerminationProtection=True,
    )
    there.client("elasticbeanstalk").create_application(ApplicationName="app")
    there.client("elasticbeanstalk").create_environment(
        ApplicationName="app", EnvironmentName="cost-report", SolutionStackName="x"
    )
    there.client("kms").create_key(Tags=[{"TagKey": "env", "TagValue": "prod"}])
    there.client("backup").create_backup_vault(BackupVaultName="vault")
    there.client("logs").create_log_group(logGroupName="/app/log", tags={"env": "prod"})
    zone = there.client("route53").create_hosted_zone(Name="example.com.", CallerReference="1")["HostedZone"]["Id"]
    proxy.answer("backup:GET /backup-vaults/vault/recovery-points/", '{"RecoveryPoints": []}')
    proxy.answer("backup:GET /backup-vaults/vault/access-policy", '{"BackupVaultName": "vault"}')
    own = dumped("--inventory")
    assert own["not_seen"] == []
    found = {e["arn"]: e for e in own["inventory"]}
    number = there.id

    def one(part: str) -> dict[str, Any]:
        return next(e for arn, e in found.items() if arn.split(":", 2)[2].startswith(part))

    assert {e["type"] for e in found.values()} >= {
        *("s3:bucket", "rds:db", "rds:snapshot", "dynamodb:table", "ec2:instance", "ec2:volume", "ec2:snapshot"),
        *("elasticfilesystem:file-system", "eks:cluster", "ecs:cluster", "cloudformation:stack", "kms:key"),
        *("elasticbeanstalk:environment", "backup:backupVault", "logs:log-group", "route53:hostedzone"),
    }
    assert "protections" not in one(f"s3:::plain-{number}")
    assert one(f"s3:::kept-{number}")["protections"] == ["versioning"]
    assert one(f"s3:::locked-{number}")["protections"] == ["object lock", "versioning"]
    database = one(f"rds:us-east-1:{number}:db:guarded")
    assert (database["protections"], database["production"]) == (["deletion protection"], True)
    assert one(f"rds:us-east-1:{number}:db:open")["backups"] == [
        {"point": f"arn:aws:rds:us-east-1:{number}:snapshot:copy"}
    ]
    assert one(f"dynamodb:us-east-1:{number}:table/orders")["protections"] == [
        "deletion protection",
        "point-in-time recovery",
    ]
    instance = one(f"ec2:us-east-1:{number}:instance/{machine['Instances'][0]['InstanceId']}")
    assert instance["protections"] == ["termination protection"]
    assert one(f"ec2:us-east-1:{number}:volume/{volume}")["backups"] == [
        {"point": f"arn:aws:ec2:us-east-1::snapshot/{snapshot}"}
    ]
    assert one(f"eks:us-east-1:{number}:cluster/k8s")["production"] is False
    assert one(f"cloudformation:us-east-1:{number}:stack/stack/")["protections"] == ["termination protection"]
    assert one(f"logs:us-east-1:{number}:log-group:/app/log:*")["tags"] == {"env": "prod"}
    assert one(f"route53:::hostedzone/{zone.rpartition('/')[2]}")
    assert one(f"ecs:us-east-1:{number}:cluster/boxes")["production"] is True


TYPES = {
    "arn:aws:rds:us-east-1:123456789012:db:x": "rds:db",
    "arn:aws:s3:::bucket": "s3:bucket",
    "arn:aws:logs:us-east-1:123456789012:log-group:/a/b:*": "logs:log-group",
    "arn:aws:ec2:us-east-1::snapshot/snap-1": "ec2:snapshot",
    "arn:aws:dynamodb:us-east-1:123456789012:table/x": "dynamodb:table",
    "arn:aws-cn:lambda:cn-north-1:123456789012:function:f": "lambda:function",
    "arn:aws:nothing:us-east-1:123456789012:x": "",
    "no arn": "",
}


@pytest.mark.parametrize(("arn", "kind"), TYPES.items())
def test_the_type_of_an_arn(arn: str, kind: str) -> None:
    assert type_of(arn) == kind


DB = "arn:aws:rds:us-east-1:123456789012:db:orders-eu"
MARKS = {
    "nothing tells": (Production(), {}, None),
    "a tag says production": (Production(), {"Environment": "Production"}, True),
    "a tag says another thing": (Production(), {"env": "dev"}, False),
    "a tag without a value": (Production(), {"env": ""}, None),
    "an own tag": (Production(("tier",), ("gold*",)), {"Tier": "gold-1"}, True),
    "an own tag, and not the usual one": (Production(("tier",), ("gold",)), {"env": "prod"}, None),
    "a name": (Production(names=("orders-*",)), {"env": "dev"}, True),
    "another name": (Production(names=("invoices-*",)), {}, None),
    "an account by id": (Production(accounts=("123456789012",)), {}, True),
    "an account by name": (Production(accounts=("*-live",)), {}, True),
}


@pytest.mark.parametrize(("production", "tags", "told"), MARKS.values(), ids=MARKS)
def test_what_marks_production(production: Production, tags: dict[str, str], told: bool | None) -> None:
    assert production.marks(DB, tags, "123456789012", ("shop-live",)) is told


def test_options_mark_production(there: Account, scan: Any) -> None:
    there.client("sns").create_topic(Name="a", Tags=[{"Key": "tier", "Value": "gold"}])
    there.client("dynamodb").create_table(
        TableName="main",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "tier", "Value": "gold"}],
    )
    there.role("destroyer", allow("dynamodb:DeleteTable"))

    def production(*options: str) -> int:
        report = scan("--inventory", *options).report
        return int(report["roles"][0]["extra"]["damage"]["production"])

    assert production() == 0
    assert production("--production-tag", "tier=g*") == 1
    assert production("--production-name", "main") == 1
    assert production("--production-account", there.id) == 1


def test_queues_after_the_first_page_are_read(scan: Any, there: Account, proxy: Proxy) -> None:
    """SQS gives one page of 1,000 and no word of the rest, unless a page size is asked for."""
    url = there.client("sqs").create_queue(QueueName="last")["QueueUrl"]

    def queues(call: Call) -> str:
        asked = json.loads(call.body)
        if "NextToken" in asked:
            return json.dumps({"QueueUrls": [url]})
        more = {"NextToken": "more"} if "MaxResults" in asked else {}
        return json.dumps({"QueueUrls": [], **more})

    proxy.answer("sqs:ListQueues", queues)
    there.role("reader", allow("s3:GetObject"))
    scan()
    assert "sqs:GetQueueAttributes" in proxy.names()


def test_no_call_is_made_twice(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("reader", allow("s3:GetObject"))
    for number in range(3):
        there.client("s3").create_bucket(Bucket=f"bucket-{number}-{there.id}")
        there.client("kms").create_key()
    proxy.delay = 0.02
    scan("--inventory")
    made = Counter((call.name, call.region, call.body) for call in proxy.calls)
    assert [call for call, count in made.items() if count > 1] == []
