"""What intrinsic functions, parameters and pseudo parameters give."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.policies.text import show
from rolelint.readers import ReadContext
from rolelint.readers.cloudformation import load as load_template
from rolelint.readers.cloudformation.template import Open
from rolelint.readers.cloudformation.values import Evaluator

from .cfn_lines import load

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::LanguageExtensions
Parameters:
  Name: {Type: String, Default: app}
  None: {Type: String}
  One: {Type: String, AllowedValues: [only]}
  Env: {Type: String, AllowedValues: [dev, prod]}
  List: {Type: CommaDelimitedList, Default: "a, b,c"}
  Secret: {Type: String, NoEcho: true, Default: hunter2}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /path/in/ssm}
  Number: {Type: Number, Default: 3}
Mappings:
  Stage:
    dev: {bucket: dev-bucket, same: x}
    prod: {bucket: prod-bucket, same: x}
  ByRegion:
    eu-west-1: {account: "054676820928"}
  Principals:
    aws: {ec2: ec2.amazonaws.com}
    aws-cn: {ec2: ec2.amazonaws.com.cn}
Conditions:
  Never: !Equals [a, b]
  Always: !Not [!Condition Never]
Resources:
  Named: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${Name}-data"}}
  Plain: {Type: AWS::S3::Bucket}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: t}}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  Topic: {Type: AWS::SNS::Topic}
  Database: {Type: AWS::RDS::DBInstance, Properties: {DBInstanceIdentifier: MyDB}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /app}}
  Parameter: {Type: AWS::SSM::Parameter, Properties: {Name: /a/b}}
  Pathed: {Type: AWS::IAM::Role, Properties: {RoleName: r, Path: /x/}}
  Machine: {Type: AWS::StepFunctions::StateMachine, Properties: {StateMachineName: m}}
  Secrets: {Type: AWS::SecretsManager::Secret, Properties: {Name: s}}
  Strange: {Type: Custom::Thing}
  Loop1: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref Loop2}}
  Loop2: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref Loop1}}
"""

VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("plain ${Name}", "plain ${Name}"),
    "parameter with Default": ({"Ref": "Name"}, "app"),
    "parameter without Default": ({"Ref": "None"}, "${None}"),
    "parameter with one allowed value": ({"Ref": "One"}, "only"),
    "parameter that is not echoed": ({"Ref": "Secret"}, "${Secret}"),
    "parameter from the parameter store": ({"Ref": "Stored"}, "${Stored}"),
    "list parameter": ({"Ref": "List"}, ["a", "b", "c"]),
    "number parameter": ({"Ref": "Number"}, "3"),
    "account": ({"Ref": "AWS::AccountId"}, "${AWS::AccountId}"),
    "partition": ({"Ref": "AWS::Partition"}, "aws"),
    "suffix": ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
    "stack name": ({"Ref": "AWS::StackName"}, "${AWS::StackName}"),
    "no such thing": ({"Ref": "Missing"}, "${Missing}"),
    "no value in a list": (["a", {"Ref": "AWS::NoValue"}, "b"], ["a", "b"]),
    "no value in an object": ({"a": 1, "b": {"Ref": "AWS::NoValue"}}, {"a": 1}),
    "sub": ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${Name}/*"}, "arn:aws:s3:::app/*"),
    "sub with map": ({"Fn::Sub": ["${a}-${Name}", {"a": {"Ref": "Number"}}]}, "3-app"),
    "sub with attribute": ({"Fn::Sub": "${Named.Arn}/*"}, "arn:aws:s3:::app-data/*"),
    "sub keeps escaped variables": ({"Fn::Sub": "${!aws:username}/${Name}"}, "${aws:username}/app"),
    "sub keeps policy variables": ({"Fn::Sub": "${aws:username}/${Name}"}, "${aws:username}/app"),
    "join": ({"Fn::Join": [":", ["a", {"Ref": "Name"}, {"Ref": "AWS::NoValue"}]]}, "a:app"),
    "join of a list parameter": ({"Fn::Join": ["/", {"Ref": "List"}]}, "a/b/c"),
    "join of an unknown list": ({"Fn::Join": ["/", {"Ref": "None"}]}, "${None}"),
    "select": ({"Fn::Select": [1, {"Ref": "List"}]}, "b"),
    "select with text index": ({"Fn::Select": ["0", ["x", "y"]]}, "x"),
    "select out of range": ({"Fn::Select": [9, ["x"]]}, "${Fn::Select 9 of list}"),
    "split": ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
    "split around what is not known": (
        {"Fn::Split": [",", {"Fn::Sub": "a,b${None}c,d"}]},
        ["a", "${Fn::Split a,b${None}c,d}", "d"],
    ),
    "split of what is not known": ({"Fn::Split": [",", {"Fn::Sub": "${None}"}]}, "${Fn::Split ${None}}"),
    "length of what may be several": (
        {"Fn::Length": {"Fn::Split": [",", {"Fn::Sub": "a,${None}"}]}},
        "${Fn::Length}",
    ),
    "select of a split with an unknown end": (
        {"Fn::Select": [1, {"Fn::Split": ["-", {"Fn::Sub": "a-b-${None}"}]}]},
        "b",
    ),
    "select of a split in the unknown part": (
        {"Fn::Select": [2, {"Fn::Split": ["-", {"Fn::Sub": "a-b-${None}"}]}]},
        "${Fn::Select 2 of a-b-${None}}",
    ),
    "bucket": ({"Ref": "Named"}, "app-data"),
    "bucket without a name": ({"Fn::GetAtt": ["Plain", "Arn"]}, "arn:aws:s3:::${Plain}"),
    "attribute in one text": ({"Fn::GetAtt": "Plain.Arn"}, "arn:aws:s3:::${Plain}"),
    "table": ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:aws:dynamodb:us-east-1:${AWS::AccountId}:table/t"),
    "stream": (
        {"Fn::GetAtt": ["Table", "StreamArn"]},
        "arn:aws:dynamodb:us-east-1:${AWS::AccountId}:table/t/stream/${Table.StreamLabel}",
    ),
    "queue": ({"Ref": "Queue"}, "https://sqs.us-east-1.amazonaws.com/${AWS::AccountId}/q"),
    "topic": ({"Ref": "Topic"}, "arn:aws:sns:us-east-1:${AWS::AccountId}:${Topic}"),
    "database": ({"Fn::GetAtt": ["Database", "DBInstanceArn"]}, "arn:aws:rds:us-east-1:${AWS::AccountId}:db:mydb"),
    "log group": ({"Fn::GetAtt": ["Logs", "Arn"]}, "arn:aws:logs:us-east-1:${AWS::AccountId}:log-group:/app:*"),
    "role with path": ({"Fn::GetAtt": ["Pathed", "Arn"]}, "arn:aws:iam::${AWS::AccountId}:role/x/r"),
    "state machine": ({"Ref": "Machine"}, "arn:aws:states:us-east-1:${AWS::AccountId}:stateMachine:m"),
    "secret": ({"Ref": "Secrets"}, "arn:aws:secretsmanager:us-east-1:${AWS::AccountId}:secret:s-${Secrets.Id}"),
    "unknown attribute": ({"Fn::GetAtt": ["Strange", "Key"]}, "${Strange.Key}"),
    "resources that name each other": ({"Ref": "Loop1"}, "${Loop1}"),
    "map": ({"Fn::FindInMap": ["Stage", "dev", "bucket"]}, "dev-bucket"),
    "map with one value under every key": ({"Fn::FindInMap": ["Stage", {"Ref": "None"}, "same"]}, "x"),
    "map with an unknown key": (
        {"Fn::FindInMap": ["Stage", {"Ref": "None"}, "bucket"]},
        "${Fn::FindInMap Stage.${None}.bucket}",
    ),
    "map without the key": (
        {"Fn::FindInMap": ["Stage", "test", "bucket", {"DefaultValue": "d"}]},
        "d",
    ),
    "map by Region with one entry": (
        {"Fn::FindInMap": ["ByRegion", {"Ref": "AWS::Region"}, "account"]},
        "054676820928",
    ),
    "map by partition": ({"Fn::FindInMap": ["Principals", {"Ref": "AWS::Partition"}, "ec2"]}, "ec2.amazonaws.com"),
    "if that holds": ({"Fn::If": ["Always", "yes", "no"]}, "yes"),
    "if that does not hold": ({"Fn::If": ["Never", "yes", "no"]}, "no"),
    "import": ({"Fn::ImportValue": {"Fn::Sub": "${Name}-arn"}}, "${Fn::ImportValue app-arn}"),
    "length": ({"Fn::Length": {"Ref": "List"}}, 3),
    "JSON text": ({"Fn::ToJsonString": {"a": {"Ref": "Name"}}}, '{"a": "app"}'),
    "base64": ({"Fn::Base64": "x"}, "${Fn::Base64}"),
    "zones": ({"Fn::GetAZs": ""}, "${Fn::GetAZs}"),
    "addresses": ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, "${Fn::Cidr}"),
    "macro": ({"Fn::Transform": {"Name": "M"}}, "${Fn::Transform M}"),
    "macro among other keys": ({"Fn::Transform": {"Name": "M"}, "a": 1}, "${Fn::Transform}"),
    "dynamic reference": ("x-{{resolve:ssm:/path:1}}", "x-${resolve:ssm:/path:1}"),
    "loop in an object": (
        {"Fn::ForEach::L": ["X", {"Ref": "List"}, {"k${X}": {"Fn::Sub": "v-${X}"}}]},
        {"ka": "v-a", "kb": "v-b", "kc": "v-c"},
    ),
    "loop over unknown values": ({"Fn::ForEach::L": ["X", {"Ref": "None"}, {"k${X}": 1}]}, "${Fn::ForEach::L}"),
    "malformed sub": ({"Fn::Sub": {"a": 1}}, "${Fn::Sub}"),
    "malformed join": ({"Fn::Join": "x"}, "${Fn::Join}"),
    "malformed select": ({"Fn::Select": [1]}, "${Fn::Select}"),
    "malformed map": ({"Fn::FindInMap": []}, "${Fn::FindInMap}"),
    "malformed attribute": ({"Fn::GetAtt": []}, "${Fn::GetAtt}"),
    "malformed if": ({"Fn::If": ["Always"]}, "${Fn::If}"),
    "malformed split": ({"Fn::Split": "x"}, "${Fn::Split}"),
}


def shown(value: Any) -> Any:
    if isinstance(value, str):
        return show(value)
    if isinstance(value, list):
        return [shown(item) for item in value]
    return {shown(key): shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def evaluator(text: str = TEMPLATE, **given: Any) -> Evaluator:
    document = load(text)
    return Evaluator(load_template(document, ReadContext(options={"parameters": given})), soft=True)


@pytest.mark.parametrize("name", VALUES)
def test_value(name: str) -> None:
    node, expected = VALUES[name]
    assert shown(evaluator().evaluate(node)) == expected


GIVEN: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "parameter": ({"Ref": "Name"}, {"Name": "other"}, "other"),
    "list": ({"Ref": "List"}, {"List": "x,y"}, ["x", "y"]),
    "list as a list": ({"Ref": "List"}, {"List": ["x", "y"]}, ["x", "y"]),
    "account": ({"Ref": "AWS::AccountId"}, {"AWS::AccountId": "111122223333"}, "111122223333"),
    "Region": ({"Ref": "AWS::Region"}, {"AWS::Region": "eu-west-1"}, "eu-west-1"),
    "partition follows the Region": ({"Ref": "AWS::Partition"}, {"AWS::Region": "cn-north-1"}, "aws-cn"),
    "partition of a secret Region": ({"Ref": "AWS::Partition"}, {"AWS::Region": "us-isof-south-1"}, "aws-iso-f"),
    "partition of a European one": ({"Ref": "AWS::Partition"}, {"AWS::Region": "eu-isoe-west-1"}, "aws-iso-e"),
    "suffix follows the Region": ({"Ref": "AWS::URLSuffix"}, {"AWS::Region": "cn-north-1"}, "amazonaws.com.cn"),
    "map": ({"Fn::FindInMap": ["Stage", {"Ref": "None"}, "bucket"]}, {"None": "prod"}, "prod-bucket"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_value_that_the_user_states(name: str) -> None:
    node, given, expected = GIVEN[name]
    assert evaluator(**given).evaluate(node) == expected


def test_the_stack_has_one_stand_in_account_where_the_template_names_none() -> None:
    text = "Resources: {B: {Type: AWS::S3::Bucket}}"
    assert evaluator(text).evaluate({"Ref": "AWS::AccountId"}) == "123456789012"


def test_the_stand_in_for_the_region_is_one_that_the_template_does_not_name() -> None:
    text = "Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: in-us-east-1}}}"
    assert evaluator(text).evaluate({"Ref": "AWS::Region"}) == "eu-west-1"


def test_the_partition_is_the_one_that_the_template_names() -> None:
    text = 'Resources: {B: {Type: A::B::C, Properties: {X: "arn:aws-cn:s3:::x"}}}'
    assert evaluator(text).evaluate({"Ref": "AWS::Partition"}) == "aws-cn"
    assert evaluator(text).evaluate({"Ref": "AWS::Region"}) == "cn-north-1"


def test_an_open_value_is_asked_for() -> None:
    firm = evaluator().under({})
    with pytest.raises(Open) as caught:
        firm.evaluate({"Ref": "Env"})
    assert (caught.value.name, caught.value.values) == ("Env", ("dev", "prod"))
    assert firm.under({"Env": "prod"}).evaluate({"Ref": "Env"}) == "prod"


def test_texts_that_repeat_each_other_do_not_grow_without_end() -> None:
    text: Any = "aaaaaaaa"
    for _ in range(40):
        text = {"Fn::Sub": ["${a}${a}", {"a": text}]}
    made = shown(evaluator().evaluate(text))
    assert not made.replace("${Fn::Sub}", "")
    assert len(made) < 10_000_000
