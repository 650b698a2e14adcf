"""Proposes an effect label for an action from what AWS publishes about it.

The steps are those of the labelling procedure, in its order, each under its own name. A proposal is not a decision:
a reviewed label file decides over it. Where nobody reviewed an action, the label says which step proposed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from rolelint.catalog.model import DEFAULTS, Label
from rolelint.catalog.published import PublishedAction, PublishedService

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

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

_STATEMENT = re.compile(
    r"^(Invoke(Agent|InlineAgent|Flow|Tool|Mcp|RegistryMcp|ReadOnlyTools)|CallReadOnlyTool|UseMcp|ExecuteAPI|"
    r"AccessKubernetesApi|ApproveCommand|GraphQL|Chat|ChatSync)"
)
_KEY_SERVICES = frozenset({"kms", "payment-cryptography"})
_KEY_LOSS = re.compile(
    r"^(DisableKey$|ScheduleKeyDeletion|DeleteKey$|DeleteImportedKeyMaterial|DisconnectCustomKeyStore|"
    r"DeleteCustomKeyStore|PutKeyPolicy|StopKeyUsage|RevokeGrant|RetireGrant|UpdateCustomKeyStore)"
)
_GRANT_SERVICES = frozenset({"iam", "sso", "lakeformation"})
_GRANT = re.compile(
    r"(ResourcePolicy|ResourcePolicies|AccessPolicy|AccessEntry|Permissions?|PermissionSet|RolePolicy|UserPolicy|"
    r"GroupPolicy|AssumeRole|TrustPolicy|PermissionsBoundary|BucketPolicy|KeyPolicy|RepositoryPolicy|TopicPolicy|"
    r"QueuePolicy|VaultAccessPolicy|BucketAcl|ObjectAcl|Grants?|LoginProfile|AccessKey|AssignmentConfiguration|"
    r"AccountAssignment|AccessGrant|InstanceProfile|IamRole|AccessControl|Share|ResourceShare)"
)
_WATCH = re.compile(
    r"(Trail|ConfigurationRecorder|DeliveryChannel|Detector|Alarm|FlowLogs?|MetricFilter|SubscriptionFilter|Logging|"
    r"LogGroup|LogStream|EventSelectors|InsightSelectors|EventDataStore|QueryLog|AccessLog|AuditLog|MetricStream|"
    r"AnomalyMonitor|AnomalyDetector|SecurityHub|Macie|GuardDuty|Inspector|EventSubscription|LogDelivery|Canary|"
    r"Telemetry|ConfigRule|ConformancePack|Analyzer|MonitoringSchedule|LogDestination|LogPattern|InsightRules?|"
    r"LogSubscription|Monitor(s|ing)?$|EnhancedMonitoring|Organization(al)?AdminAccount|DelegatedAdmin|MemberDetectors|"
    r"HealthCheck|NotificationConfiguration|Findings?(Filter|Aggregator)?$|PublishingDestination|Members$)"
)
_WATCH_DOWN = DELETE | STOP | frozenset({"update", "put", "set", "modify", "mute"})
_EXPIRY = re.compile(
    r"(Lifecycle(Policy|Configuration|Rule)|TimeToLive|Ttl|RetentionPolicy|RetentionPeriod|RetentionSettings|"
    r"RetentionConfiguration|DataRetention|Expiration|RecoveryPointLifecycle)"
)
_GUARD = re.compile(
    r"(Protection|Versioning|ObjectLock|LockConfiguration|LegalHold|VaultLock|BackupPlan|BackupSelection|BackupPolicy|"
    r"BackupConfiguration|BackupVaultNotifications|ContinuousBackup|AutomaticBackup|SnapshotSchedule|SnapshotCopy|"
    r"ReplicationConfiguration|BucketReplication|ReplicationSet|StackPolicy|ApprovalRule|ApprovalPolicy|Firewall|WebACL|"
    r"SafetyRule|SafetyLever|Shield|RateBasedRule|ResiliencyPolicy|DomainTransferLock|AutoRenew|Quarantine|"
    r"PublicAccessBlock|BlockPublicAccess|Guardrail|RetentionRule|GovernanceRetention|SnaplockEnterprise|Failback|"
    r"LockRule|SnapshotBlock|ServiceControl|FirewallRuleGroup|DeletionProtection|Encryption)"
)
_RUN = re.compile(
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
_RUN_WORDS = re.compile(
    r"\b(run|runs|execute|executes|invoke|invokes)\b.{0,60}\b(script|command|sql|statement|statements|notebook|"
    r"state machine|runbook|automation document|code|template|workflow)\b"
)
_RECOVERY = re.compile(r"(Snapshot|Backup|RecoveryPoint|Image(?!Pipeline|Recipe)|AutomatedBackup|ReplicaSet)(s|Set)?$")
_NO_CONSEQUENCE = re.compile(
    r"(Tags?|TagsFromResource|SavedQuery|NamedQuery|QueryDefinition|StoredQuery|Bookmark|Draft|Comment|Comments|"
    r"ChangeSet|GeneratedTemplate|NotificationSettings|Favorite|Favorites|Annotation|Reaction|Notebook(Tag)|"
    r"BuildBatch|Builds|Report|ReportDefinition|ReportGroup|Reservation|Preference|Preferences|SavedSearch|"
    r"LifecyclePolicy|LifecycleConfiguration|LifecycleRule|RetentionPolicy|TimeToLive|ArchiveRule|Recommendation|"
    r"Recommendations|PreparedStatement|TestCase|Evaluation|Feedback|Execution|Run|Runs|ExecutionHistory|View|"
    r"AssessmentReport|Finding|Hint|Suggestions?|QuickConnect|Bookmark|Dashboard|InvestigationSession|Invitations?|"
    r"QueryTemplate|SearchJob|Job|Jobs|Task|Request|Notification|Theme|Label|Metadata|Attributes?|Prediction|"
    r"BatchPrediction|Transaction|Assessment|Scan|BatchInferenceJob)$"
)
_JOB = re.compile(
    r"(Job|Jobs|JobRun|JobRuns|Query|QueryExecution|Execution|Task(?!Set)|Transcription|Detection|Import|Export|Run|Runs|"
    r"Scan|Discovery|Session|Evaluation|Report|Generation|Prediction|Statement|Transaction|Analysis|Ingestion|"
    r"Contact|ContactRecording|Recommendations?|Simulation|Build|BuildBatch|Test|Campaign|Calculation|Conversion|"
    r"Assessment|Download|Benchmark|Suite|Handshake|Invitation)$"
)
_CONTENT = re.compile(
    r"(Object|Objects|Item|Items|Record|Records|Records?Sets?|Function(Code|Configuration)?|Code|Image|Content|Secret|"
    r"SecretValue|Parameter|Template|Route|Routes|Listener|Rule|Document|Definition|Script|Certificate|File|Data|Script|"
    r"Value|Values|Key|Keys|Password|Alias|RoutingControlState|RoutingControlStates|Traffic|NameServers|Nameservers|"
    r"RegisteredDomain|DelegationSignerToDomain|Origin|Origins|Integration|Stage|DomainName|Target|Targets|Weights?)$"
)
_STATEFUL_NOUN = re.compile(
    r"(Database|Databases|Table|Tables|Bucket|Buckets|Volume|Volumes|FileSystem|Dataset|Datasets|DataSet|Datastore|"
    r"DataStore|Stream|Queue|Cluster|UserPool|Repository|Secret|Secrets|Object|Objects|Item|Items|Record|Records|"
    r"Message|Messages|Documents?|Collection|Keyspace|Graph|Index|Domain|Vault|Directory|Workspace|Workspaces|"
    r"Files?|Folder|Memory|Memories|MemoryRecords|Users?|Contact|Contacts|Conversation|Endpoint(Users|s)?|Data|"
    r"Parameter|Parameters|Entity|Vectors|Faces|Channel(Membership)?s?Messages?|Case|KnowledgeBase|Model|Models|Asset|"
    r"Assets|Image|Package|PackageVersions|Profile|ProfileObject)$"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed label and the name of the step that made it."""

    label: Label
    step: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One action with everything the steps look at."""

    service: str
    action: PublishedAction
    stateful: frozenset[str]
    recovery: frozenset[str]
    parameters: tuple[Mapping[str, Any], ...]
    words: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def verb(self) -> str:
        """The verb: the first word, past a leading `Batch`, `Admin`, `Bulk`, `Partial` or `Force`."""
        words = [w.lower() for w in self.words]
        while len(words) > 1 and words[0] in {"batch", "admin", "bulk", "force", "start"} and words[1] in _VERBS:
            words = words[1:]
        return words[0] if words else ""

    @property
    def target(self) -> str:
        """What the verb acts on: the name without its verb."""
        return re.sub(r"^(Batch|Admin|Bulk|Force)?[A-Z]?[a-z]+", "", self.name, count=1) or self.name

    def uses(self, keys: frozenset[str]) -> bool:
        """Tell whether a resource type of the given kind is acted on: a required one, or any where none is."""
        required = [use.type for use in self.action.uses if use.required]
        names = required or [use.type for use in self.action.uses]
        return any(f"{self.service}:{name}" in keys for name in names)

    def has(self, words: Iterable[str]) -> bool:
        """Tell whether one of the words occurs anywhere in the name."""
        wanted = frozenset(words)
        return any(word.lower() in wanted for word in self.words)


_VERBS = DELETE | STOP | WRITE | MAKE


def propose(
    service: PublishedService,
    action: PublishedAction,
    stateful: frozenset[str],
    recovery: frozenset[str],
    parameters: tuple[Mapping[str, Any], ...],
) -> Proposal:
    """Propose a label for one action: the first step that has an opinion decides.

    Args:
        stateful, recovery: resource types as `service:type`.
        parameters: rows of the parameter table.
    """
    words = tuple(_WORDS.findall(action.name))
    subject = Subject(service.prefix, action, stateful, recovery, parameters, words)
    for name, step in STEPS:
        fields = step(subject)
        if fields is not None:
            return Proposal(_label(fields, name), name)
    return Proposal(_label({"class": "mutate"}, "12-otherwise-mutate"), "12-otherwise-mutate")


def _label(fields: Mapping[str, Any], step: str) -> Label:
    cls = fields["class"]
    r, b = DEFAULTS[cls]
    parameter = str(fields.get("parameter", ""))
    return Label(
        cls=cls,
        also=tuple(fields.get("also", ())),
        reversibility=fields.get("r", r),
        blast=fields.get("b", b),
        timing=fields.get("timing", "now"),
        via=fields.get("via", "parameter" if parameter else "direct"),
        parameter=parameter,
        decided="rule",
        reason=step,
    )


Fields = dict[str, Any]


def _account(s: Subject) -> Fields | None:
    found = ACCOUNT.get(f"{s.service}:{s.name}")
    return {"class": "account", "r": found[0], "b": found[1]} if found else None


def _read(s: Subject) -> Fields | None:
    levels = set(s.action.levels)
    if "Tagging" in levels and not s.has({"untag"} | DELETE):
        return {"class": "none"}
    if levels & {"Write", "Permissions management"} and "Tagging" not in levels:
        return None
    if "Tagging" not in levels and _STATEMENT.match(s.name):
        return {"class": "orchestrate", "via": "payload"}
    return {"class": "none"}


def _key(s: Subject) -> Fields | None:
    if s.service not in _KEY_SERVICES or not _KEY_LOSS.match(s.name):
        return None
    if "Deletion" in s.name or s.name == "DeleteKey":
        return {"class": "lock-out", "also": ["destroy-data"], "r": "R2", "timing": "grace"}
    return {"class": "lock-out"}


def _grant(s: Subject) -> Fields | None:
    managed = "Permissions management" in s.action.levels
    if not managed and not (s.service in _GRANT_SERVICES or _GRANT.search(s.name)):
        return None
    if s.verb in {"cancel", "accept", "reject", "decline", "generate", "get", "list", "describe"}:
        return {"class": "none"}
    if s.verb in DELETE | STOP | {"revoke", "unshare"}:
        return {"class": "lock-out"}
    if re.search(r"Policy$|Policies$|PolicyStatement$|Acl$|ACL$", s.name) and s.verb in {"put", "set", "update"}:
        return {"class": "lock-out", "also": ["escalate"]}
    if managed or (s.service in _GRANT_SERVICES and s.verb in {"put", "attach", "add", "update", "create", "grant"}):
        return {"class": "escalate"}
    if s.verb in {"put", "attach", "add", "update", "grant", "associate", "modify", "set"} and re.search(
        r"Permission|RolePolicy|UserPolicy|GroupPolicy|AssumeRole|Grant|AccessPolicy|AccountAssignment", s.name
    ):
        return {"class": "escalate"}
    return None


def _watch(s: Subject) -> Fields | None:
    if not _WATCH.search(s.name) or s.verb not in _WATCH_DOWN:
        return None
    if s.uses(s.stateful) and s.verb in DELETE:
        return {"class": "blind", "also": ["destroy-data"], "r": "R3"}
    return {"class": "blind"}


def _expiry(s: Subject) -> Fields | None:
    if not _EXPIRY.search(s.name):
        return None
    if s.verb in DELETE or s.verb in STOP - {"decrease"}:
        return {"class": "none"}
    if s.verb in WRITE | {"create", "decrease", "start", "enable"}:
        cls = "destroy-backup" if s.uses(s.recovery) or "RecoveryPoint" in s.name else "destroy-data"
        return {"class": cls, "timing": "deferred", "b": "B2", "parameter": "expiry rules"}
    return None


def _guard(s: Subject) -> Fields | None:
    if not _GUARD.search(s.name):
        return None
    if s.verb in DELETE | STOP | {"bypass", "unlock", "skip", "override"}:
        return {"class": "unprotect"}
    if s.verb in {"put", "update", "modify", "set", "change", "replace"}:
        return {"class": "unprotect", "parameter": "the guard's settings"}
    return None


def _run(s: Subject) -> Fields | None:
    if s.verb in DELETE or s.verb in {"stop", "cancel", "pause"}:
        return None
    if _RUN.match(s.name) or (s.verb in {"start", "run", "execute", "invoke"} and _RUN_WORDS.search(_text(s))):
        return {"class": "orchestrate", "via": "payload"}
    return None


def _delete(s: Subject) -> Fields | None:
    first = s.verb in DELETE
    inside = s.has({"delete", "deletion", "wipe", "purge", "reset", "erase", "rebuild"}) and s.verb not in {
        "cancel",
        "disable",
        "put",
        "get",
        "update",
        "restore",
    }
    if not first and not inside:
        return None
    if s.has({"reset"}) and not s.has({"database", "graph"}) and not first:
        return None
    if "Tagging" in s.action.levels:
        return {"class": "none"}
    if _RECOVERY.search(s.name) or s.uses(s.recovery):
        return {"class": "destroy-backup"}
    if _NO_CONSEQUENCE.search(s.name) and not s.uses(s.stateful):
        return {"class": "none"}
    named = s.target.lower()
    acted = [use.type.lower().replace("-", "") for use in s.action.uses if use.required]
    if s.uses(s.stateful):
        # A part of a stateful thing (a role of a cluster, a rule of a bucket) is not the thing.
        if not acted or any(named.rstrip("s").endswith(t.rstrip("s")) or t.endswith(named.rstrip("s")) for t in acted):
            return {"class": "destroy-data"}
        return {"class": "destroy-data" if _STATEFUL_NOUN.search(s.name) else "destroy-resource"}
    if not s.action.uses and _STATEFUL_NOUN.search(s.name):
        return {"class": "destroy-data"}
    return {"class": "destroy-resource"}


def _stop(s: Subject) -> Fields | None:
    scaled = s.has({"capacity", "concurrency"}) and s.verb in WRITE
    if s.verb not in STOP and not scaled and s.verb != "scale":
        return None
    if _JOB.search(s.name) and not s.has({"instance", "cluster", "pipeline", "service"}):
        return {"class": "none"}
    return {"class": "disrupt"}


def _write(s: Subject) -> Fields | None:
    full = f"{s.service}:{s.name}"
    if s.verb in WRITE | {"create"} or s.name.startswith("Alter"):
        for row in s.parameters:
            if fnmatchcase(full, row["match"]) and not (s.verb == "create" and "Lifecycle" not in s.name):
                return dict(row)
    if (
        s.verb == "restore"
        and s.uses(s.stateful)
        and not re.search(r"(From|To)(Snapshot|S3|PointInTime|Backup)", s.name)
    ):
        return {"class": "overwrite"}
    if s.verb not in WRITE:
        return None
    if s.verb in {"import", "upload", "publish", "post", "promote", "rotate", "move"}:
        return {"class": "mutate"}
    if _CONTENT.search(s.name) or s.uses(frozenset({"lambda:function"})):
        return {"class": "overwrite"}
    return {"class": "mutate"}


def _make(s: Subject) -> Fields | None:
    return {"class": "none"} if s.verb in MAKE else None


def _text(s: Subject) -> str:
    return s.action.description.lower()


#: The steps by name, in order.
STEPS: tuple[tuple[str, Callable[[Subject], Fields | None]], ...] = (
    ("02-account-list", _account),
    ("03-read-or-tag", _read),
    ("04-key-availability", _key),
    ("05-grants", _grant),
    ("06-watchers", _watch),
    ("07-expiry", _expiry),
    (
        "11-parameters",
        lambda s: _write(s) if any(fnmatchcase(f"{s.service}:{s.name}", r["match"]) for r in s.parameters) else None,
    ),
    ("07-guards", _guard),
    ("08-runs-payload", _run),
    ("09-delete-verb", _delete),
    ("10-stop-verb", _stop),
    ("11-in-place-write", _write),
    ("12-make-or-undo", _make),
)
