"""The labelling procedure, step by step, on actions made for the purpose. What must not be called destructive first."""

from __future__ import annotations

import pytest

from rolelint.catalog import heuristics
from rolelint.catalog.curated import curated
from rolelint.catalog.model import DESTRUCTIVE, Label
from rolelint.catalog.published import Published, PublishedAction, PublishedService, Use

WRITE = ("Write",)
PARAMETERS = (
    {"match": "db:Modify*", "class": "unprotect", "also": ["lock-out"], "parameter": "DeletionProtection"},
    {"match": "db:*LifecyclePolicy", "class": "destroy-data", "timing": "deferred", "parameter": "expiry"},
)


def propose(
    name: str, levels: tuple[str, ...] = WRITE, uses: tuple[Use, ...] = (), description: str = "", service: str = "svc"
) -> Label:
    action = PublishedAction(name, description, levels, uses)
    return heuristics.propose(
        PublishedService(service, actions={name: action}),
        action,
        frozenset({"svc:table", "db:cluster"}),
        frozenset({"svc:snapshot"}),
        PARAMETERS,
    )


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("CancelKeyDeletion", "12-make-or-undo"),
        ("CancelExportTask", "12-make-or-undo"),
        ("CreateTable", "12-make-or-undo"),
        ("EnableRule", "12-make-or-undo"),
        ("CopySnapshot", "12-make-or-undo"),
        ("RestoreTableToPointInTime", "12-make-or-undo"),
        ("DeleteSavedQuery", "09-delete-verb"),
        ("DeleteQueryDefinition", "09-delete-verb"),
        ("DeleteChangeSet", "09-delete-verb"),
        ("DeleteComment", "09-delete-verb"),
        ("DeleteGeneratedTemplate", "09-delete-verb"),
        ("DeleteBuildBatch", "09-delete-verb"),
        ("BatchDeleteBuilds", "09-delete-verb"),
        ("DeleteNotificationSettings", "09-delete-verb"),
        ("DeleteLifecyclePolicy", "07-expiry"),
        ("DeleteRetentionPolicy", "07-expiry"),
        ("StopQueryExecution", "10-stop-verb"),
        ("StopTranscriptionJob", "10-stop-verb"),
        ("PutRecords", "11-in-place-write"),
        ("UpdateCrawler", "11-in-place-write"),
        ("UpdateApplicationDescription", "11-in-place-write"),
        ("CreateRole", "12-make-or-undo"),
        ("AllowVendedLogDeliveryForResource", "05-grants"),
    ],
)
def test_what_only_sounds_destructive_is_not(name: str, step: str) -> None:
    levels = ("Permissions management", "Write") if name.startswith("Allow") else WRITE
    found = propose(name, levels)
    assert not found.destructive
    assert found.reason == step
    assert (found.decided, found.reason) == ("rule", step)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("DescribeDeletedTables", ("List",)),
        ("GetDeletionStatus", ("Read",)),
        ("TagResource", ("Tagging", "Write")),
        ("ListStopEvents", ("List",)),
    ],
)
def test_reading_and_tagging_is_none(name: str, levels: tuple[str, ...]) -> None:
    found = propose(name, levels)
    assert (found.cls, found.reason) == ("none", "03-read-or-tag")


@pytest.mark.parametrize(
    ("name", "cls", "step"),
    [
        pytest.param("InvokeAgent", "orchestrate", "03-read-or-tag", id="3: a prompt published as read"),
        pytest.param("PutResourcePolicy", "lock-out", "05-grants", id="5: policy rewritten"),
        pytest.param("RevokePermissions", "lock-out", "05-grants", id="5: power taken"),
        pytest.param("AddPermission", "escalate", "05-grants", id="5: power given"),
        pytest.param("PassConnection", "escalate", "05-grants", id="5: passed on"),
        pytest.param("DeleteFlowLogs", "blind", "06-watchers", id="6: flow logs"),
        pytest.param("StopConfigurationRecorder", "blind", "06-watchers", id="6: recorder"),
        pytest.param("UpdateTrail", "blind", "06-watchers", id="6: trail narrowed"),
        pytest.param("PutLifecycleConfiguration", "destroy-data", "07-expiry", id="7: expiry added"),
        pytest.param("UpdateRetentionPeriod", "destroy-data", "07-expiry", id="7: retention"),
        pytest.param("DisableStackProtection", "unprotect", "07-guards", id="7: guard off"),
        pytest.param("DeleteBackupPlan", "unprotect", "07-guards", id="7: backup plan"),
        pytest.param("PutBucketVersioning", "unprotect", "07-guards", id="7: guard set anew"),
        pytest.param("DisassociateWebACL", "unprotect", "07-guards", id="7: edge guard"),
        pytest.param("ExecuteStatement", "orchestrate", "08-runs-payload", id="8: statement"),
        pytest.param("SendCommand", "orchestrate", "08-runs-payload", id="8: command"),
        pytest.param("DeleteSnapshot", "destroy-backup", "09-delete-verb", id="9: recovery copy"),
        pytest.param("StartFHIRBulkDeleteJob", "destroy-data", "09-delete-verb", id="9: verb inside the name"),
        pytest.param("CreateDataDeletionJob", "destroy-data", "09-delete-verb", id="9: verb before the noun"),
        pytest.param("DeleteDataDeletionJob", "none", "09-delete-verb", id="9: the record of a job"),
        pytest.param("DeleteVpcLink", "destroy-resource", "09-delete-verb", id="9: resource"),
        pytest.param("BatchDeleteTable", "destroy-data", "09-delete-verb", id="9: stateful noun without types"),
        pytest.param("RebootCluster", "disrupt", "10-stop-verb", id="10: reboot"),
        pytest.param("DetachVolume", "disrupt", "10-stop-verb", id="10: detach"),
        pytest.param("SetDesiredCapacity", "disrupt", "10-stop-verb", id="10: capacity"),
        pytest.param("UpdateScalingPolicy", "disrupt", "11-in-place-write", id="11: running thing"),
        pytest.param("UpdateStateMachine", "orchestrate", "11-in-place-write", id="11: definition"),
        pytest.param("PutObject", "overwrite", "11-in-place-write", id="11: content"),
    ],
)
def test_each_step_decides(name: str, cls: str, step: str) -> None:
    found = propose(name, ("Read",) if name == "InvokeAgent" else WRITE)
    assert (found.cls, found.reason) == (cls, step)


@pytest.mark.parametrize(
    ("use", "cls"),
    [
        (Use("table", required=True), "destroy-data"),
        (Use("snapshot", required=True), "destroy-backup"),
        (Use("network", required=True), "destroy-resource"),
    ],
    ids=["stateful", "recovery copy", "rebuilt by configuration"],
)
def test_the_resource_type_tells_data_from_resource(use: Use, cls: str) -> None:
    assert propose("DeleteThing", uses=(use,)).cls in {cls, "destroy-resource"}
    assert propose(f"Delete{use.type.title()}", uses=(use,)).cls == cls


def test_the_account_list_comes_first() -> None:
    found = propose("CloseAccount", service="account")
    assert (found.cls, found.blast, found.reason) == ("account", "B4", "02-account-list")


def test_keys_come_before_deletes() -> None:
    found = propose("ScheduleKeyDeletion", service="kms")
    assert (found.cls, found.also, found.timing) == ("lock-out", ("destroy-data",), "grace")


def test_the_parameter_table_names_the_parameter() -> None:
    found = propose("ModifyCluster", service="db")
    assert (found.cls, found.via, found.parameter) == ("unprotect", "parameter", "DeletionProtection")
    assert found.also == ("lock-out",)


def test_every_step_decides_something_shipped(shipped: Published) -> None:
    tables = curated()
    steps = set()
    for service, action in shipped.actions():
        found = heuristics.propose(service, action, tables.stateful, tables.recovery, tables.parameters)
        steps.add(found.reason)
    assert {name for name, _ in heuristics.STEPS} <= steps


def test_read_actions_are_never_called_destructive_by_their_verb(shipped: Published) -> None:
    tables = curated()
    for service, action in shipped.actions():
        if {"Write", "Permissions management", "Tagging"}.isdisjoint(action.levels):
            label = heuristics.propose(service, action, tables.stateful, tables.recovery, tables.parameters)
            assert label.cls in {"none", "orchestrate"}, action.name


def test_curated_types_exist(shipped: Published) -> None:
    tables = curated()
    known = {f"{s.prefix}:{name}" for s in shipped.services.values() for name in s.types}
    assert tables.stateful <= known
    assert tables.recovery <= known
    assert not tables.stateful & tables.recovery - {"storagegateway:tape"}
    assert set(tables.formats) <= known
    assert {f"{service}:{name}" for service, names, _ in tables.alternatives for name in names} <= known


def test_parameter_rows_match_something(shipped: Published) -> None:
    from fnmatch import fnmatchcase

    names = [f"{s.prefix}:{a.name}" for s, a in shipped.actions()]
    for row in curated().parameters:
        assert any(fnmatchcase(name, row["match"]) for name in names), row["match"]
        assert row["class"] in DESTRUCTIVE or row["class"] == "mutate"
