"""Label files: their format, and what the shipped ones must say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from rolelint.catalog import catalog, compiling, labels, published
from rolelint.catalog.model import CLASSES, DEFAULTS
from rolelint.errors import InputError

from .catalog_feed import Run, World

GOOD = """\
service: sqs
reviewed: 2026-11-22
actions:
  PurgeQueue: {class: destroy-data, r: R3, b: B1, why: "all messages are gone"}
  SetQueueAttributes: {class: lock-out, also: [destroy-data], via: "parameter Policy, RedrivePolicy", why: "policy"}
  SendMessage: {class: none, why: "adds a message"}
"""


def test_a_good_file_is_read() -> None:
    entries, problems = labels.parse(GOOD, "sqs.yaml")
    assert not problems
    purge, attributes, send = entries
    assert purge.action == "sqs:PurgeQueue"
    assert purge.location.line == 4
    assert (purge.label.reversibility, purge.label.blast, purge.label.decided) == ("R3", "B1", "reviewed")
    assert (attributes.label.via, attributes.label.parameter) == ("parameter", "Policy, RedrivePolicy")
    assert (attributes.label.reversibility, attributes.label.blast) == DEFAULTS["lock-out"]
    assert send.label.cls == "none"


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        pytest.param(
            "class: destroy-data,",
            "class: destroy,",
            4,
            "`actions/PurgeQueue/class` must be one of account",
            id="unknown class",
        ),
        pytest.param("r: R3", "r: R4", 4, "must be one of R0, R1, R2, R3, not `R4`", id="unknown reversibility"),
        pytest.param("b: B1", "blast: B1", 4, "unknown key `blast` in `actions/PurgeQueue`", id="unknown field"),
        pytest.param(', why: "all messages are gone"', "", 4, "`actions/PurgeQueue` lacks `why`", id="no reason"),
        pytest.param('"parameter Policy, RedrivePolicy"', "parameter", 5, "does not match", id="parameter not named"),
        pytest.param("[destroy-data]", "[lock-out]", 5, "primary class under `also`", id="primary class again"),
        pytest.param(
            "  SendMessage",
            "  PurgeQueue",
            6,
            "the key `PurgeQueue` appears twice in one object, first on line 4",
            id="twice",
        ),
        pytest.param("service: sqs", "service: SQS!", 1, "does not match", id="not a prefix"),
        pytest.param('{class: none, why: "adds a message"}', "{class: none", 7, "did not find expected", id="not YAML"),
        pytest.param(', why: "adds a message"', "", 6, "`SendMessage` does not say `why`", id="no reason for none"),
        pytest.param("actions:", "action:", 1, "the document lacks `actions`", id="no actions"),
    ],
)
def test_a_mistake_is_reported_with_its_line(old: str, new: str, line: int, text: str) -> None:
    entries, problems = labels.parse(GOOD.replace(old, new), "sqs.yaml")
    assert any(text in problem.message and problem.location.line == line for problem in problems), problems
    assert all("\n" not in str(problem) for problem in problems)
    assert not entries or "also" in text or "does not say" in text


def test_an_empty_file_is_a_mistake() -> None:
    assert labels.parse("", "sqs.yaml")[1]


def test_every_class_has_defaults() -> None:
    assert set(CLASSES) < set(DEFAULTS)


def test_the_schema_and_the_model_name_the_same_classes() -> None:
    schema = json.loads(labels.SCHEMA.read_bytes())
    assert tuple(schema["$defs"]["class"]["enum"]) == CLASSES


def test_a_users_labels_lie_over_ours(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "service: sqs\nactions:\n  PurgeQueue: {class: mutate}\n---\nservice: kms\nactions:\n"
        "  Decrypt: {class: lock-out, why: ours}\n"
    )
    rows = json.loads(run("show", "sqs:PurgeQueue", "kms:Decrypt", "--format", "json", "--labels", str(path)).out)
    assert [(row["action"], row["class"], row["decided"]) for row in rows] == [
        ("kms:Decrypt", "lock-out", "user"),
        ("sqs:PurgeQueue", "mutate", "user"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PurgeQueue: {class: nothing}", "must be one of account, .*, not `nothing`"),
        ("PurgeQueue: {clas: none}", "unknown key `clas` in `actions/PurgeQueue`. did you mean `class`?"),
        ("PurgeQueue: {class: none, reversibility: R1}", "unknown key `reversibility`"),
        (
            "PurgeQueue: {class: none, why: yes}",
            "`actions/PurgeQueue/why` must be .* string, not `true`. put it in quotes",
        ),
        ("PurgeQueue: " + "[" * 300, "nested deeper than 200 levels"),
        ("PurgeQueue: &a {class: *a}", "contains itself"),
        ("PurgeQueue: {class: none, ? [a] : b}", "a key must be text"),
        ("PurgeQueues: {class: none}", "no action `sqs:PurgeQueues`. did you mean `sqs:PurgeQueue`"),
        ("Xxyyzz: {class: none}", "catalog show 'sqs:\\*'"),
    ],
)
def test_a_mistake_in_a_users_labels_is_an_error(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"service: sqs\nactions:\n  {line}\n")
    with pytest.raises(InputError, match=message) as caught:
        labels.overlay([path], catalog())
    assert str(caught.value).startswith(f"{path}:3:")


READING = "pass: 2, blind: true, service: sqs, scope: sample, date: 2026-11-22, sampled: 10, agreed: 9"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        pytest.param("changed: 2, same_class: 8, corrected: 1", "sampled is not agreed plus changed", id="sum"),
        pytest.param("changed: 1, same_class: 10, corrected: 1", "same_class or corrected", id="class-without-effect"),
        pytest.param("changed: 1, same_class: 8, corrected: 11", "same_class or corrected", id="corrected-unread"),
        pytest.param("changed: 1, same_class: 8", "not a record of later readings", id="corrected-missing"),
    ],
)
def test_later_readings_must_add_up(tmp_path: Path, rest: str, message: str) -> None:
    path = tmp_path / labels.LATER_READINGS
    path.write_text(f"passes:\n  - {{{READING}, changed: 1, same_class: 8, corrected: 1}}\n")
    found = labels.later_readings(tmp_path)[0]
    assert (found.number, found.blind, found.judged, found.agreed, found.same_class, found.corrected) == (
        2,
        True,
        10,
        9,
        8,
        1,
    )
    path.write_text(f"passes:\n  - {{{READING}, {rest}}}\n")
    with pytest.raises(InputError, match=message):
        labels.later_readings(tmp_path)


def test_each_reading_and_scope_is_counted_apart(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    read = labels.later_readings
    monkeypatch.setattr(labels, "later_readings", lambda _: read(tmp_path))
    row = "scope: {}, date: 2026-11-22, sampled: 4, agreed: 3, changed: 1, same_class: 2, corrected: 1"
    rows = [
        (2, "true", "sqs", "sample"),
        (2, "true", "sns", "sample"),
        (2, "true", "sqs", "harmless"),
        (3, "false", "sqs", "sample"),
    ]
    lines = [
        f"  - {{pass: {number}, blind: {blind}, service: {name}, {row.format(scope)}}}"
        for number, blind, name, scope in rows
    ]
    (tmp_path / labels.LATER_READINGS).write_text("\n".join(["passes:", *lines]))
    facts = json.loads(run("stats", "--format", "json").out)["later_readings"]
    keys = ("pass", "blind", "scope", "services", "judged", "same_effect", "same_class", "corrected")
    assert [tuple(fact[key] for key in keys) for fact in facts] == [
        (2, True, "sample", 2, 8, 6, 4, 2),
        (2, True, "harmless", 1, 4, 3, 2, 1),
        (3, False, "sample", 1, 4, 3, 2, 1),
    ]
    assert "6 (75.0%)" in run("stats").out


def test_a_label_for_an_action_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "sqs.yaml").write_text("service: sqs\nactions:\n  NoSuchAction: {class: none, why: read}\n")
    (tmp_path / "sns.yaml").write_text("service: sqs\nactions:\n  PurgeQueue: {class: none, why: read}\n")
    (tmp_path / "rds.yaml").write_text(
        "service: rds\nactions:\n  DeleteDBCluster: {class: destroy-data, target: [table], why: data}\n"
    )
    built = compiling.build(published.read(compiling.SOURCE), tmp_path)
    assert [problem.message for problem in built.problems] == [
        "`sqs:PurgeQueue` belongs into another file",
        "`rds:DeleteDBCluster` does not use the type `table`",
        "`sqs:NoSuchAction` is not in the catalogue",
    ]


def test_a_reviewed_file_leaves_no_write_level_action_out(world: World, run: Run) -> None:
    path = world.labels / "sqs.yaml"
    path.write_text("service: sqs\nactions:\n  PurgeQueue: {class: none, why: read}\n")
    run("build", *world.folders)
    assert run("build", "--check", *world.folders).code == 0
    path.write_text("service: sqs\nreviewed: 2026-11-22\nactions:\n  PurgeQueue: {class: none, why: read}\n")
    assert run("build", *world.folders).code == 0
    result = run("build", "--check", *world.folders)
    assert result.code == 1
    assert "`sqs:DeleteQueue` has no label" in result.err
    assert "sqs:ListQueues" not in result.err


def test_the_shipped_label_files_are_sound() -> None:
    found = labels.read_folder()
    assert not found.problems
    names = [entry.action for entry in found.entries]
    assert len(names) == len(set(names))


def test_the_shipped_label_files_are_sorted() -> None:
    for path in sorted(labels.FOLDER.glob("*.yaml")):
        if path.name != labels.LATER_READINGS:
            names = [entry.action for entry in labels.read(path)[0]]
            assert names == sorted(names), path.name


def test_the_shipped_catalogue_is_current(run: Run) -> None:
    result = run("build", "--check")
    assert result.code == 0, result.err


def test_no_write_level_action_is_undecided() -> None:
    known = catalog()
    assert known.attribute_mask("undecided") == 0
    assert known.class_mask("unknown") == 0


#: Classes as the design notes on destruction give them: primary class, then further ones.
NAMED = """
account:CloseAccount account
organizations:LeaveOrganization account
route53domains:TransferDomain account
account:DisableRegion account
rds:DeleteDBInstance destroy-data
s3:DeleteObjectVersion destroy-data
dynamodb:DeleteTable destroy-data
sqs:PurgeQueue destroy-data
ec2:TerminateInstances destroy-data
elasticfilesystem:DeleteFileSystem destroy-data
ec2:DeleteSnapshot destroy-backup
ec2:DeregisterImage destroy-backup
backup:DeleteRecoveryPoint destroy-backup
rds:DeleteDBSnapshot destroy-backup
rds:DeleteDBInstanceAutomatedBackup destroy-backup
kms:ScheduleKeyDeletion lock-out destroy-data
kms:PutKeyPolicy lock-out
kms:DisableKey lock-out
s3:PutBucketPolicy lock-out
iam:DeleteRole lock-out
iam:DeleteAccessKey lock-out
ec2:DeleteVpc destroy-resource
elasticloadbalancing:DeleteLoadBalancer destroy-resource
ecs:DeleteService destroy-resource
s3:PutBucketVersioning unprotect
rds:ModifyDBInstance unprotect
rds:ModifyDBCluster unprotect
backup:DeleteBackupPlan unprotect
wafv2:DisassociateWebACL unprotect
cloudformation:UpdateTerminationProtection unprotect
dynamodb:UpdateContinuousBackups unprotect
s3:PutObject overwrite
lambda:UpdateFunctionCode overwrite
route53:ChangeResourceRecordSets overwrite
ec2:StopInstances disrupt
ecs:UpdateService disrupt
autoscaling:SetDesiredCapacity disrupt
autoscaling:UpdateAutoScalingGroup disrupt
lambda:PutFunctionConcurrency disrupt
cloudtrail:StopLogging blind
cloudwatch:DeleteAlarms blind
logs:DeleteLogGroup blind destroy-data
config:StopConfigurationRecorder blind
cloudformation:UpdateStack orchestrate
ssm:SendCommand orchestrate
codebuild:StartBuild orchestrate
rds-data:ExecuteStatement orchestrate
bedrock:InvokeAgent orchestrate
scheduler:CreateSchedule orchestrate
iam:PutRolePolicy escalate
iam:PassRole escalate
iam:UpdateAssumeRolePolicy escalate
iam:AttachRolePolicy escalate
glue:UpdateCrawler mutate
kms:CancelKeyDeletion none
athena:StopQueryExecution none
s3:PutLifecycleConfiguration destroy-data
dynamodb:UpdateTimeToLive destroy-data
dynamodb:BatchWriteItem destroy-data
dynamodb:PartiQLDelete destroy-data
logs:PutRetentionPolicy destroy-data blind
events:UpdateArchive destroy-data
kinesis:DecreaseStreamRetentionPeriod destroy-data
kafka:UpdateTopic destroy-data
kafka-cluster:AlterTopicDynamicConfiguration destroy-data
cassandra:Modify destroy-data
transfer:StartRemoteDelete destroy-data
s3:CreateJob destroy-data
datasync:StartTaskExecution destroy-data
ec2:ModifyInstanceAttribute unprotect orchestrate
dynamodb:UpdateTable unprotect
backup:UpdateRecoveryPointLifecycle destroy-backup
backup:PutBackupVaultLockConfiguration unprotect
s3:PutReplicationConfiguration unprotect
s3:ReplicateDelete destroy-data
neptune-db:ResetDatabase destroy-data
neptune-graph:ResetGraph destroy-data
organizations:UpdatePolicy lock-out unprotect
organizations:AttachPolicy lock-out unprotect
"""


@pytest.mark.parametrize("line", NAMED.strip().splitlines(), ids=lambda line: line.split()[0])
def test_named_actions_have_their_class(line: str) -> None:
    name, cls, *also = line.split()
    known = catalog()
    index = known.index(name)
    assert index is not None
    label = known.action(index).label
    assert label.cls == cls
    assert set(also) <= set(label.also)
    assert label.decided == "reviewed"


#: Actions that do the same to an environment, in one service or in several, and the class that all of them share.
SIBLINGS = [
    ("unprotect", "*:*AssociateWebACL *:CreateWebACLAssociation *:DeleteWebACLAssociation *:SetWebACL"),
    ("unprotect", "*:Stop*StreamEncryption *:DisableEbsEncryption*"),
    ("unprotect", "cloudtrail:UpdateDashboard wellarchitected:UpdateAgentProfile aoss:UpdateCollection"),
    ("unprotect", "ec2:Modify*VpcEncryptionControl ec2:DeleteVpcEncryptionControl"),
    ("disrupt", "kms:DisableKeyRotation secretsmanager:CancelRotateSecret"),
    ("disrupt", "ec2:RebootInstances ec2:CreateImage"),
    ("disrupt", "states:StopExecution swf:TerminateWorkflowExecution lambda:StopDurableExecution"),
    ("none", "glue:StopWorkflowRun sagemaker:StopPipelineExecution omics:CancelRun"),
    ("blind", "account:PutAlternateContact account:DeleteAlternateContact"),
    ("blind", "shield:UpdateEmergencyContactSettings shield:AssociateProactiveEngagementDetails"),
    ("blind", "s3:PutMetricsConfiguration s3express:PutMetricsConfiguration"),
    ("blind", "cloudfront:CreateMonitoringSubscription cloudfront:DeleteMonitoringSubscription"),
    ("blind", "config:PutConfigurationAggregator securityhub:Update*Aggregator* ssm:UpdateResourceDataSync"),
    ("blind", "backup:UpdateReportPlan backup:UpdateFramework"),
    ("blind", "*:UpdateFinding *:UpdateFindings securityhub:BatchUpdateFindings guardduty:ArchiveFindings"),
    ("blind", "config:DeleteEvaluationResults devops-guru:DeleteInsight"),
    ("overwrite", "s3:PutBucketCORS mediastore:PutCorsPolicy"),
    ("destroy-resource", "*:DeleteView"),
    ("destroy-resource", "apptest:DeleteTestCase bedrock:DeleteAutomatedReasoningPolicyTestCase"),
    ("destroy-resource", "iot:DeleteJob ec2:DeleteNetworkInsightsPath ec2:DeleteNetworkInsightsAccessScope"),
    ("disrupt", "iot:CancelJob greengrass:CancelDeployment"),
    ("disrupt", "arc-zonal-shift:StartPracticeRun arc-zonal-shift:CreatePracticeRunConfiguration"),
    ("escalate", "cloudwatch:GetSpaceCredentials* datazone:Get*Credentials lakeformation:GetTemporary*Credentials"),
    ("escalate", "quicksight:GetSessionEmbedUrl quicksight:GenerateEmbedUrlForRegisteredUser"),
    ("lock-out", "sso:UpdateInstance identitystore:UpdateIdentityStore"),
    ("lock-out", "qbusiness:UpdateWebExperience redshift:ModifyRedshiftIdcApplication datazone:UpdateDomain"),
    ("lock-out", "sagemaker:UpdateWorkforce sagemaker:UpdateWorkteam"),
    ("blind", "wickr:UpdateDataRetention wickr:UpdateNetworkSettings"),
    ("blind", "inspector2:UpdateConnector* securityhub:UpdateConnector*"),
    ("blind", "config:PutConfigurationRecorder config:PutThirdPartyServiceLinkedConfigurationRecorder"),
    ("blind", "organizations:DisableAWSServiceAccess"),
    ("unprotect", "agent-registry:UpdateRegistry bedrock-agentcore:UpdateRegistry"),
    ("destroy-data", "glue:UpdateTableOptimizer glue:UpdateCatalog"),
    ("destroy-data", "dms:StartDataMigration dms:ModifyDataMigration"),
    ("overwrite", "*:CreateDatasetImportJob lookoutequipment:Import* mobiletargeting:CreateImportJob"),
    ("overwrite", "timestream:WriteRecords timestream:CreateBatchLoadTask iotsitewise:BatchPutAssetPropertyValue"),
    ("overwrite", "cloudwatch:PutDashboard iotsitewise:UpdateDashboard bcm-dashboards:UpdateDashboard"),
    ("overwrite", "*:StartMigration"),
    ("disrupt", "autoscaling-plans:*ateScalingPlan"),
    ("orchestrate", "databrew:CreateSchedule datasync:CreateTask scn:CreateDataIntegrationFlow"),
    ("orchestrate", "imagebuilder:*ateImagePipeline arc-region-switch:*atePlan"),
    ("orchestrate", "sagemaker:UpdateSpace sagemaker:UpdateUserProfile sagemaker:UpdateAppImageConfig"),
    ("orchestrate", "rds-data:ExecuteStatement rds:ModifyDBProxyTargetGroup"),
    ("disrupt", "ec2:CreateTransitGatewayRoute ec2:CreateTransitGatewayPrefixListReference ec2:CreateNetworkAclEntry"),
    ("disrupt", "elasticloadbalancing:CreateRule vpc-lattice:CreateRule apigateway:CreateRoutingRule"),
    ("disrupt", "appmesh*:Create*Route bedrock-agentcore:CreateGatewayRule rtbfabric:CreateLinkRoutingRule"),
    ("disrupt", "refactor-spaces:CreateRoute"),
    ("disrupt", "redshift*:CreateUsageLimit redshift:ModifyUsageLimit redshift-serverless:UpdateUsageLimit"),
    ("disrupt", "braket:*ateSpendingLimit bedrock-agentcore:*ateGatewayRateLimit quicksight:UpdateLimitsProfile"),
    ("disrupt", "es:Start*ServiceSoftwareUpdate es:UpdateScheduledAction"),
    ("disrupt", "ses:PutSuppressedDestination sms-voice:PutOptedOutNumber sms-voice:PutProtect*NumberOverride"),
    ("disrupt", "lightsail:AttachCertificateToDistribution lightsail:AttachLoadBalancerTlsCertificate"),
    (
        "disrupt",
        "sagemaker:UpdateImageVersion sagemaker:UpdatePipelineVersion sagemaker-mlflow:DeleteRegisteredModelAlias",
    ),
    ("disrupt", "logs:UpdateScheduledQuery bcm-dashboards:UpdateScheduledReport quicksight:UpdateTopicRefreshSchedule"),
    (
        "disrupt",
        "mobiletargeting:UpdateApplicationSettings qapps:UpdateLibraryItem license-manager:UpdateLicenseAssetGroup",
    ),
    ("overwrite", "bedrock:UpdateBlueprint bedrock:UpdateDataAutomationProject connect:UpdateTaskTemplate"),
    ("overwrite", "ses:UpdateContact ses:UpdateContactList m2:CreateDataSetImportTask"),
    ("unprotect", "codecommit:UpdatePullRequestApprovalState ssm:UpdateDocumentMetadata"),
    ("blind", "iotsitewise:UpdatePortal"),
    ("orchestrate", "iot:RegisterThing iot:RegisterCACertificate iotwireless:CreateWirelessGatewayTask*"),
    ("escalate", "iot:UpdateProvisioningTemplate iot:CreateProvisioningTemplateVersion"),
    ("lock-out", "cognito-idp:AdminCreateUser"),
    ("disrupt", "kinesisanalytics:AddApplicationVpcConfiguration codebuild:UpdateFleet"),
    ("disrupt", "aoss:UpdateAccountSettings timestream:UpdateAccountSettings lambda:UpdateCapacityProvider"),
    ("disrupt", "elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes"),
    ("unprotect", "ec2:ModifyInstanceMaintenanceOptions ec2:ModifyHosts mediaconnect:UpdateFlow"),
    ("lock-out", "sso:UpdateApplicationInstanceStatus sso:UpdateProfile"),
    ("disrupt", "directconnect:CreateLag directconnect:AssociateConnectionWithLag"),
    ("disrupt", "workmail:Create*MailFlowRule ses:CreateReceiptFilter ses:CreateReceiptRule"),
    ("unprotect", "route53*resolver:*ateFirewallRule"),
    ("overwrite", "eks:*ateAddon"),
    ("overwrite", "fsx:*ateDataRepositoryAssociation"),
    ("blind", "xray:*ateSamplingRule"),
    ("lock-out", "workmail:*ateMobileDeviceAccessRule"),
    ("disrupt", "ec2:CreateTransitGatewayPolicyTableEntry lightsail:AttachStaticIp ec2:AssociateAddress"),
    ("disrupt", "bedrock:PutAccountDataRetention bedrock-mantle:UpdateProject"),
    ("disrupt", "ec2:EnableAllowedImagesSettings ec2:ModifyInstanceMetadata*"),
    ("disrupt", "athena:UpdateCapacityReservation athena:CancelCapacityReservation ec2:ModifyCapacityReservation"),
    ("disrupt", "codedeploy:UpdateApplication codecommit:UpdateRepositoryName glue:RenameTable"),
    ("disrupt", "elasticloadbalancing:ModifyListenerAttributes elasticloadbalancing:ModifyTargetGroupAttributes"),
    ("disrupt", "appconfig:UpdateExperimentRun appconfig:StopExperimentRun"),
    ("blind", "ec2:*TrafficMirrorFilterRule trustedadvisor:*RecommendationLifecycle"),
    ("lock-out", "controltower:EnableControl controltower:EnableGuardrail organizations:AttachPolicy"),
    ("lock-out", "iam:SetSecurityTokenServicePreferences iam:SetSTSRegionalEndpointStatus"),
    ("lock-out", "workspaces:AssociateIpGroups workspaces-web:AssociateIpAccessSettings"),
    (
        "lock-out",
        "kendra:Update*ControlConfiguration kendra:UpdateIndex es:UpdateApplication qbusiness:UpdateApplication",
    ),
    ("overwrite", "cleanrooms:UpdateConfiguredTable cleanrooms:Update*AnalysisRule cleanrooms:Update*AllowedColumns"),
    ("orchestrate", "ecs:Create*Service apprunner:CreateService kafkaconnect:CreateConnector"),
    ("orchestrate", "ssm:Register*PatchBaseline* ssm:UpdatePatchBaseline"),
    ("orchestrate", "sagemaker:CreatePartnerAppPresignedUrl sagemaker:CallPartnerAppApi"),
    ("escalate", "*:CreateOneTimeLoginSession"),
    ("escalate", "finspace-api:GetProgrammaticAccessCredentials datazone:GetEnvironmentCredentials"),
    ("blind", "events:UpdateEventSource events:DeactivateEventSource"),
    ("overwrite", "cur:ModifyReportDefinition bcm-data-exports:UpdateExport"),
    ("overwrite", "rds:ModifyIntegration glue:ModifyIntegration glue:UpdateIntegration*Propert*"),
    ("unprotect", "qbusiness:DisableAclOnDataSource quicksight:UpdateKnowledgeBase"),
    ("disrupt", "bedrock:UpdateMarketplaceModelEndpoint comprehend:UpdateEndpoint"),
    ("none", "*:InvokeRegistryMcp"),
    ("mutate", "*:UpdateRegistryRecord"),
    ("none", "ec2:RunInstances gamelift:Create*Fleet eks:CreateNodegroup"),
    ("none", "route53:CreateHostedZone servicediscovery:Create*Namespace"),
    ("none", "ec2:CreateRoute ec2:CreateLocalGatewayRoute ec2:CreateClientVpnRoute ec2:CreateVpnConnectionRoute"),
    ("none", "secretsmanager:CreateSecret ec2:CreateRoute elasticloadbalancing:CreateListener"),
    ("none", "detective:InvokeAssistant iotsitewise:InvokeAssistant"),
    ("none", "guardduty:DeleteFilter guardduty:DeleteIPSet guardduty:DeleteTrustedEntitySet macie2:Delete*List"),
    ("none", "*:DeleteConversation"),
    ("none", "ec2:DeleteQueuedReservedInstances savingsplans:DeleteQueuedSavingsPlan"),
    ("none", "codestar-notifications:Delete* autoscaling:DeleteNotification* backup:DeleteBackupVaultNotifications"),
    ("none", "acm-pca:CreatePermission"),
    ("overwrite", "imagebuilder:Update*Configuration"),
    ("blind", "route53-recovery-readiness:Update*"),
    ("overwrite", "bedrock-agentcore:UpdateWorkloadIdentity cognito-idp:UpdateUserPoolClient"),
    ("disrupt", "ec2:ModifySubnetAttribute ec2:ModifyVpcAttribute"),
    ("disrupt", "lambda:PutFunctionRecursionConfig lambda:PutFunctionScalingConfig"),
    ("overwrite", "bedrock:UpdateKnowledgeBase lookoutequipment:UpdateInferenceScheduler"),
    ("lock-out", "qbusiness:UpdateUser workmail:UpdateUser"),
    ("disrupt", "ec2:CreateIpamRoutingPolicyRegistration ec2:*ModifyIpamRoutingPolicyRegistration*"),
    ("disrupt", "kinesis:UpdateStreamRecordDistributionStrategy elasticmapreduce:SetUnhealthyNodeReplacement"),
]


@pytest.mark.parametrize(("cls", "patterns"), SIBLINGS, ids=[patterns for _, patterns in SIBLINGS])
def test_what_does_the_same_has_the_same_class(cls: str, patterns: str) -> None:
    known = catalog()
    others = known.expand_all(patterns.split()) & ~known.class_mask(cls)
    assert not known.names(others)
    assert all(known.expand(pattern) for pattern in patterns.split())


@pytest.mark.parametrize("service", ["chime-sdk-voice", "cognito-idp", "deadline", "gamelift", "ssm-contacts", "waf"])
def test_a_parameter_that_a_label_names_is_one_of_the_call(service: str) -> None:
    model = Session().get_service_model(service)
    known, prefix = catalog(), model.signing_name
    judged = 0
    for operation in model.operation_names:
        index = known.index(f"{prefix}:{operation}")
        label = known.action(index).label if index is not None else None
        if label and label.via == "parameter":
            members = _members(model.operation_model(operation).input_shape)
            assert set(label.parameter.split(", ")) <= members, operation
            judged += 1
    assert judged


def _members(shape: Any) -> set[str]:
    """Name the members of a request, however deep; recursive shapes are read once."""
    seen: set[str] = set()
    found: set[str] = set()
    open_shapes = [shape]
    while open_shapes:
        one = open_shapes.pop()
        if one.name not in seen:
            seen.add(one.name)
            inner = getattr(one, "members", {})
            found |= set(inner)
            open_shapes += inner.values()
            open_shapes += [getattr(one, name) for name in ("member", "value") if hasattr(one, name)]
    return found


@pytest.mark.parametrize(
    ("name", "timing"),
    [
        ("kms:ScheduleKeyDeletion", "grace"),
        ("secretsmanager:DeleteSecret", "grace"),
        ("s3:PutLifecycleConfiguration", "deferred"),
        ("dynamodb:UpdateTimeToLive", "deferred"),
        ("logs:PutRetentionPolicy", "deferred"),
        ("scheduler:CreateSchedule", "on-trigger"),
        ("sqs:PurgeQueue", "now"),
    ],
)
def test_named_actions_have_their_timing(name: str, timing: str) -> None:
    known = catalog()
    index = known.index(name)
    assert index is not None
    assert known.action(index).label.timing == timing
