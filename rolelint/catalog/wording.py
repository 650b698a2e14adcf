"""The words by which the heuristics tell what an action's name says."""

from __future__ import annotations

import re

WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

DELETE = frozenset(
    "delete terminate purge drop deregister unregister release dispose wipe forget expire remove destroy erase "
    "deprovision discard prune truncate empty evict undeploy".split()
)
STOP = frozenset(
    "stop suspend pause disable reboot restart failover drain detach disassociate dissociate unassociate deactivate "
    "shutdown decrease shrink unassign disconnect interrupt unlink unpeer withdraw quiesce unpublish unsubscribe "
    "switchover deauthorize unauthorize ungroup unmonitor block deny inject resize reset swap deprecate unshare "
    "disallow opt".split()
)
WRITE = frozenset(
    "put update modify set replace change alter edit apply overwrite upgrade rename configure merge patch write "
    "override promote upload import publish post reorder rotate move".split()
)
MAKE = frozenset(
    "create enable copy tag cancel undo start register associate attach add allocate assign accept reject activate "
    "subscribe request generate submit send verify confirm invite test retry resume continue export validate join "
    "authorize link clone initiate provision import purchase restore notify complete acknowledge share archive "
    "unarchive approve run execute schedule untag resend decline renew monitor search list get describe untag issue "
    "increase open close sign".split()
)

#: Step 2. What ends an account, a membership, a Region or an owned name.
ACCOUNT = {
    "account:CloseAccount": ("R2", "B4"),
    "account:DisableRegion": ("R0", "B3"),
    "organizations:CloseAccount": ("R2", "B4"),
    "organizations:LeaveOrganization": ("R2", "B4"),
    "organizations:RemoveAccountFromOrganization": ("R2", "B4"),
    "organizations:DeleteOrganization": ("R3", "B4"),
    "route53domains:TransferDomain": ("R3", "B4"),
    "route53domains:TransferDomainToAnotherAwsAccount": ("R2", "B4"),
    "route53domains:DeleteDomain": ("R3", "B4"),
    "route53domains:PushDomain": ("R3", "B4"),
}

STATEMENT = re.compile(
    r"^(Invoke(Agent|InlineAgent|Flow|Tool|Mcp|RegistryMcp|ReadOnlyTools)|CallReadOnlyTool|UseMcp|ExecuteAPI|"
    r"AccessKubernetesApi|ApproveCommand|GraphQL|Chat|ChatSync)"
)
KEY_SERVICES = frozenset({"kms", "payment-cryptography"})
KEY_LOSS = re.compile(
    r"^(DisableKey$|ScheduleKeyDeletion|DeleteKey$|DeleteImportedKeyMaterial|DisconnectCustomKeyStore|"
    r"DeleteCustomKeyStore|PutKeyPolicy|StopKeyUsage|RevokeGrant|RetireGrant|UpdateCustomKeyStore)"
)
GRANT_SERVICES = frozenset({"iam", "sso", "lakeformation"})
GRANT = re.compile(
    r"(ResourcePolicy|ResourcePolicies|AccessPolicy|AccessEntry|Permissions?|PermissionSet|RolePolicy|UserPolicy|"
    r"GroupPolicy|AssumeRole|TrustPolicy|PermissionsBoundary|BucketPolicy|KeyPolicy|RepositoryPolicy|TopicPolicy|"
    r"QueuePolicy|VaultAccessPolicy|BucketAcl|ObjectAcl|Grants?|LoginProfile|AccessKey|AssignmentConfiguration|"
    r"AccountAssignment|AccessGrant|InstanceProfile|IamRole|AccessControl|Share|ResourceShare)"
)
#: Hands a role, a credential or a session to the caller or to something the caller controls.
LEND = re.compile(
    r"^(Pass(?!word)|Assume(?!d)|AddRoleTo|Associate\w*Iam|Associate\w*Role$|Get\w*Credentials|CreateAccessKey|"
    r"Create\w*AccessKey|CreateLoginProfile|UpdateLoginProfile|RegisterDelegatedAdmin|Enable\w*AdminAccount|"
    r"CreatePodIdentity|CreateAccountAssignment|ProvisionPermissionSet)"
)
INGRESS = re.compile(r"(Ingress|Egress|Traffic|Network)")
HARMLESS_GRANT_VERBS = frozenset(
    "cancel accept reject decline generate get list describe search validate enable use test check request".split()
)
#: Makes an identity or a container of grants that grants nothing by itself.
EMPTY_GRANT = re.compile(
    r"^Create(Role|User|Group|Policy|InstanceProfile|PermissionSet|AccessGrantsInstance|ResourceShare)$"
)
STRONG_GRANT = re.compile(
    r"(Permission|RolePolicy|UserPolicy|GroupPolicy|AssumeRole|Grant|AccessPolicy|AccessEntry|AccountAssignment)"
)
WATCH = re.compile(
    r"(Trail|ConfigurationRecorder|DeliveryChannel|Detector|Alarm|FlowLogs?|MetricFilter|SubscriptionFilter|Logging|"
    r"LogGroup|LogStream|EventSelectors|InsightSelectors|EventDataStore|QueryLog|AccessLog|AuditLog|MetricStream|"
    r"AnomalyMonitor|AnomalyDetector|SecurityHub|Macie|GuardDuty|Inspector|EventSubscription|LogDelivery|Canary|"
    r"Telemetry|ConfigRule|ConformancePack|Analyzer|MonitoringSchedule|LogDestination|LogPattern|InsightRules?|"
    r"LogSubscription|Monitor(s|ing)?$|EnhancedMonitoring|Organization(al)?AdminAccount|DelegatedAdmin|MemberDetectors|"
    r"HealthCheck|NotificationConfiguration|Findings?(Filter|Aggregator)?$|PublishingDestination|Members$)"
)
WATCH_DOWN = DELETE | STOP | frozenset({"update", "put", "set", "modify", "mute"})
EXPIRY = re.compile(
    r"(Lifecycle(Policy|Configuration|Rule)|TimeToLive|Ttl|RetentionPolicy|RetentionPeriod|RetentionSettings|"
    r"RetentionConfiguration|DataRetention|Expiration|RecoveryPointLifecycle)"
)
GUARD = re.compile(
    r"(Protection|Versioning|ObjectLock|LockConfiguration|LegalHold|VaultLock|BackupPlan|BackupSelection|BackupPolicy|"
    r"BackupConfiguration|BackupVaultNotifications|ContinuousBackup|AutomaticBackup|SnapshotSchedule|SnapshotCopy|"
    r"ReplicationConfiguration|BucketReplication|ReplicationSet|StackPolicy|ApprovalRule|ApprovalPolicy|Firewall|WebACL|"
    r"SafetyRule|SafetyLever|Shield|RateBasedRule|ResiliencyPolicy|DomainTransferLock|AutoRenew|Quarantine|"
    r"PublicAccessBlock|BlockPublicAccess|Guardrail|RetentionRule|GovernanceRetention|SnaplockEnterprise|"
    r"LockRule|SnapshotBlock|ServiceControl|FirewallRuleGroup|DeletionProtection)"
)
RUN = re.compile(
    r"^(Execute(?!d)|SendCommand|SendSSHPublicKey|SendSerial|StartSession|StartAutomation|StartChangeRequest|"
    r"StartExecution|StartSyncExecution|"
    r"StartBuild|StartBuildBatch|RunTask|StartTask$|RunCommand|StartJobRun|StartWorkflowRun|StartPipeline|"
    r"StartPipelineExecution|SubmitJob|InvokeFunction|InvokeAsync|Invoke(Agent|InlineAgent|Flow|Tool|Mcp|RestApi|Action|"
    r"AgentRuntime|Gateway|CodeInterpreter|Harness)|StartNotebookExecution|StartQueryExecution|StartCalculation|RunQuery|"
    r"RunJobFlow|AddJobFlowSteps|CreateStack$|UpdateStack|CreateStackInstances|UpdateStackInstances|CreateStackSet|"
    r"UpdateStackSet|ExecuteChangeSet|RunStatement|BatchExecute|StartRemediation|StartDeployment|CreateDeployment$|"
    r"RunFlow|StartFlow$|StartMigration|CreateCommand|CreateRemoteAccess|UpdateJob$|StartCommand|CreateSchedule$|"
    r"UpdateSchedule$|PutTargets|CreateDataSource$|StartImport|GraphQL|SourceGraphQL|PublishStateMachine|"
    r"StartAssociationsOnce|CreateAssociation|StartAction|RedriveExecution|TestState|StartExperiment|OpenTunnel|"
    r"StartCodeInterpreter|SendSignal|StartFlowExecution|RetryBuild|StartCodegen|ExecuteCommand|StartInstanceRefresh$)"
)
RUN_WORDS = re.compile(
    r"\b(run|runs|execute|executes|invoke|invokes)\b.{0,60}\b(script|command|sql|statement|statements|notebook|"
    r"state machine|runbook|automation document|code|template|workflow)\b"
)
RECOVERY = re.compile(r"(Snapshot|Backup|RecoveryPoint|Image(?!Pipeline|Recipe)|AutomatedBackup|ReplicaSet)(s|Set)?$")
NO_CONSEQUENCE = re.compile(
    r"(Tags?|TagsFromResource|SavedQuery|NamedQuery|QueryDefinition|StoredQuery|Bookmark|Draft|Comment|Comments|"
    r"ChangeSet|GeneratedTemplate|NotificationSettings|Favorite|Favorites|Annotation|Reaction|Notebook(Tag)|"
    r"BuildBatch|Builds|Report|ReportDefinition|Session|Sessions|Proposal|Analysis|Quote|SavedQueries|Thread|"
    r"Statistics|Preference|Preferences|SavedSearch|"
    r"LifecyclePolicy|LifecycleConfiguration|LifecycleRule|RetentionPolicy|TimeToLive|ArchiveRule|Recommendation|"
    r"Recommendations|PreparedStatement|TestCase|Evaluation|Feedback|Execution|Run|Runs|ExecutionHistory|View|"
    r"AssessmentReport|Finding|Hint|Suggestions?|QuickConnect|InvestigationSession|Invitations?|"
    r"QueryTemplate|SearchJob|Job|Jobs|Task|Request|Notification|Theme|Label|Metadata|Attributes?|Prediction|"
    r"BatchPrediction|Transaction|Assessment|Scan|BatchInferenceJob)$"
)
JOB = re.compile(
    r"(Job|Jobs|JobRun|JobRuns|Query|QueryExecution|Execution|Task(?!Set)|Transcription|Detection|Import|Export|Run|Runs|"
    r"Scan|Discovery|Session|Evaluation|Report|Generation|Prediction|Statement|Transaction|Analysis|Ingestion|"
    r"Contact|ContactRecording|Recommendations?|Simulation|Build|BuildBatch|Test|Campaign|Calculation|Conversion|"
    r"Assessment|Download|Benchmark|Suite|Handshake|Invitation)$"
)
CONTENT = re.compile(
    r"(Object|Objects|Item|Items|Record|Records|Records?Sets?|Function(Code|Configuration)?|Code|Image|Content|Secret|"
    r"SecretValue|Parameter|Template|Route|Routes|Listener|Rule|Document|Definition|Script|Certificate|File|Data|Script|"
    r"Value|Values|Key|Keys|Password|Alias|RoutingControlState|RoutingControlStates|Traffic|NameServers|Nameservers|"
    r"RegisteredDomain|DelegationSignerToDomain|Origin|Origins|Integration|Stage|DomainName|Target|Targets|Weights?)$"
)
#: Adds beside what is there.
APPENDS = re.compile(
    r"^(Batch)?(Put|Write|Post|Send|Upload)(Record|Records|Events?|MetricData|LogEvents|TraceSegments|Telemetry)"
)
#: Changes words that nothing reads.
TEXT_ONLY = re.compile(r"(Description|DisplayName|DisplayData|Name|Metadata|Preferences?|Label|Comment|Note|Title)$")
#: What runs later under its own role, defined anew.
REDEFINES = re.compile(
    r"(StateMachine|Pipeline|Workflow|Trigger|Webhook|Pipe|Schedule|ScheduledAction|ScheduledQuery|Runbook|ActionGroup|"
    r"ResponsePlan|Automation|AutomationRule|DevEndpoint|MaintenanceWindowTask|Webhooks)$"
)
#: Something that is running, changed in a way that can stop it.
RUNNING = re.compile(
    r"(Cluster|ClusterVersion|Instance|Instances|InstanceFleet|InstanceGroups|Environment|Fleet|Nodegroup\w*|NodeGroup\w*|"
    r"ComputeEnvironment|JobQueue|TargetGroup|EventSourceMapping|ScalingPolicy|ScheduledAction|ScheduledUpdateGroupAction|"
    r"VpcEndpoint|VpcAttachment|SecurityGroups|NetworkInterface\w*|PublicPorts|ShardCount|Broker|BrokerCount|BrokerType|"
    r"KafkaVersion|MaintenanceAction|SoftwareNow|UpdateAction|IpAddressType|Workgroup|Throughput|UsageLimit|RateLimit|"
    r"VpnConnection|TransitGateway|HealthStatus|LifecycleHook|ReadReplica)$"
)
#: Gives back something rented that may not be had again.
RENT = re.compile(r"^Cancel\w*(CapacityReservation|ReservationFleets?|SpotFleet|SpotInstance|Subscription|Order)")
STATEFUL_NOUN = re.compile(
    r"(Database|Databases|Table|Tables|Bucket|Buckets|Volume|Volumes|FileSystem|Dataset|Datasets|DataSet|Datastore|"
    r"DataStore|Stream|Queue|Cluster|UserPool|Repository|Secret|Secrets|Object|Objects|Item|Items|Record|Records|"
    r"Message|Messages|Documents?|Collection|Keyspace|Graph|Index|Domain|Vault|Directory|Workspace|Workspaces|"
    r"Files?|Folder|Memory|Memories|MemoryRecords|Users?|Contact|Contacts|Conversation|Endpoint(Users|s)?|Data|"
    r"Parameter|Parameters|Entity|Vectors|Faces|Channel(Membership)?s?Messages?|Case|KnowledgeBase|Model|Models|Asset|"
    r"Assets|Image|Package|PackageVersions|Profile|ProfileObject)$"
)
