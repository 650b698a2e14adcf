"""`Fn::ForEach` among resources, properties and the parts of a policy."""

from __future__ import annotations

import pytest

from .cfn_lines import Read, identity

TOP = """
Transform: AWS::LanguageExtensions
Parameters:
  Verb: {Type: String, Default: "a:b", AllowedValues: ["a:b", "c:d"]}
  Names: {Type: CommaDelimitedList}
Conditions: {Some: !Equals [!Ref AWS::StackName, x], Never: !Equals [a, b]}
Resources:
"""
STATEMENT = "{Effect: Allow, Action: !Ref N, Resource: '*'}"

# The collection of a loop that makes policies of a role, what else stands in each policy, then the role's statements.
RESOURCES = {
    "known items": ('["a:b"]', "", ["+a:b | *"]),
    "each value of a parameter": ("[!Ref Verb]", "", ["+a:b | * ?", "+c:d | * ?"]),
    "an item that is there in any case": ('[!Ref Verb, "c:d"]', "", ["+a:b | * ?", "+c:d | *"]),
    "a branch": ('!If [Some, ["a:b"], ["c:d"]]', "", ["+a:b | * ?", "+c:d | * ?"]),
    "a condition beside": ("[!Ref Verb]", "Condition: Never, ", []),
}


@pytest.mark.parametrize("name", RESOURCES)
def test_resources_of_a_loop(name: str, read: Read) -> None:
    items, more, expected = RESOURCES[name]
    properties = f"{{Roles: [!Ref R], PolicyName: p, PolicyDocument: {{Statement: [{STATEMENT}]}}}}"
    policy = f"{{Type: AWS::IAM::Policy, {more}Properties: {properties}}}"
    reading = read(
        f"{TOP}  R: {{Type: AWS::IAM::Role, Properties: {{}}}}\n"
        f"  'Fn::ForEach::L': [N, {items}, {{'P&{{N}}': {policy}}}]\n"
    )
    assert not reading.problems
    assert identity(reading.roles[0]) == expected


def test_properties_of_a_loop(read: Read) -> None:
    (role,) = read(
        f"{TOP}  R: {{Type: AWS::IAM::Role, Properties: {{'Fn::ForEach::L': [N, [Policies], {{'${{N}}': "
        f"[{{PolicyName: p, PolicyDocument: {{Statement: [{STATEMENT.replace('!Ref N', 'a:b')}]}}}}]}}]}}}}\n"
    ).roles
    assert identity(role) == ["+a:b | *"]


def test_a_loop_over_what_is_not_known_is_unknown(read: Read) -> None:
    loop = "'Fn::ForEach::L': [N, !Ref Names, {'${N}': x}]"
    statement = f"{{PolicyName: p, PolicyDocument: {{Statement: [{{Effect: Allow, {loop}}}]}}}}"
    reading = read(
        f"{TOP}  R: {{Type: AWS::IAM::Role, Properties: {{{loop}}}}}\n"
        f"  S: {{Type: AWS::IAM::Role, Properties: {{Policies: [{statement}]}}}}\n"
    )
    assert [problem.kind for problem in reading.problems] == ["unknown"]
    assert "inline policy" in [unknown.what for unknown in reading.roles[1].unknowns]
