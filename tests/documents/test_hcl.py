"""HCL as a tree: what each spelling becomes, and where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolelint.documents import hcl_nodes as hcl
from rolelint.documents.hcl import parse_block, parse_hcl, parse_template
from rolelint.documents.hcl_outline import outline
from rolelint.errors import InputError

CONFIGS = Path(__file__).parent.parent / "readers" / "plan" / "configs"


def plain(node: Any) -> Any:
    """Write a node without its offsets."""
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        parts = [plain(getattr(node, f)) for f in node._fields if f not in ("start", "end", "head_end")]
        return (type(node).__name__.lower(), *parts)
    if isinstance(node, tuple):
        return tuple(plain(n) for n in node)
    return node


def expression(text: str) -> Any:
    """Parse one expression."""
    return parse_hcl("main.tf", f"x = {text}\n").settings["x"].value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", ("literal", 1)),
        ("-1.5", ("literal", -1.5)),
        ("-a", ("unary", "-", ("name", "a"))),
        ("true", ("literal", True)),
        ("null", ("literal", None)),
        ('"plain"', ("literal", "plain")),
        ('""', ("literal", "")),
        (r'"a\n\"\u00e9\\"', ("literal", 'a\n"é\\')),
        ('"$${kept} %%{kept}"', ("literal", "${kept} %{kept}")),
        ('"${a}"', ("template", ("", ("name", "a"), ""))),
        ('"x ${a} y"', ("template", ("x ", ("name", "a"), " y"))),
        ('"${a}${"in ${b}"}"', ("template", ("", ("name", "a"), "", ("template", ("in ", ("name", "b"), "")), ""))),
        ('"x ${\n  a\n} y"', ("template", ("x ", ("name", "a"), " y"))),
        (
            '"${\r\n  f("${\n    a\n  }")\r\n}"',
            ("template", ("", ("call", "f", (("template", ("", ("name", "a"), "")),), False), "")),
        ),
        ("a.b[0].c", ("attribute", ("index", ("attribute", ("name", "a"), "b"), ("literal", 0)), "c")),
        ("a.0.b", ("attribute", ("index", ("name", "a"), ("literal", 0)), "b")),
        ('a["k"]', ("index", ("name", "a"), ("literal", "k"))),
        ("a[*].b", ("splat", ("name", "a"), ("b",))),
        ("a.*.b", ("splat", ("name", "a"), ("b",))),
        ("f(1, b...)", ("call", "f", (("literal", 1), ("name", "b")), True)),
        ("a ? b : c", ("conditional", ("name", "a"), ("name", "b"), ("name", "c"))),
        ("a && b || c", ("binary", "||", ("binary", "&&", ("name", "a"), ("name", "b")), ("name", "c"))),
        ("!(a == b)", ("unary", "!", ("binary", "==", ("name", "a"), ("name", "b")))),
        ("[a, b,]", ("items", (("name", "a"), ("name", "b")))),
        (
            '{ a = 1, (b) = 2, "c" : 3 }',
            (
                "object",
                (
                    (("literal", "a"), ("literal", 1)),
                    (("name", "b"), ("literal", 2)),
                    (("literal", "c"), ("literal", 3)),
                ),
            ),
        ),
        ("[for v in a : v]", ("for", ("v",), ("name", "a"), None, ("name", "v"), None, False)),
        (
            "{ for k, v in a : k => v... if v }",
            ("for", ("k", "v"), ("name", "a"), ("name", "k"), ("name", "v"), ("name", "v"), True),
        ),
        ("<<E\na\n  b\nE\n", ("literal", "a\n  b\n")),
        ("<<-E\n    a\n      b\n    E\n", ("literal", "a\n  b\n")),
        ("<<-E\n  ${a}-\n  E\n", ("template", ("", ("name", "a"), "-\n"))),
        (
            '"%{ if a }b%{ else }c%{ endif }"',
            ("template", ("", ("conditional", ("name", "a"), ("literal", "b"), ("literal", "c")), "")),
        ),
    ],
)
def test_expressions(text: str, expected: Any) -> None:
    assert plain(expression(text)) == expected


def test_offsets_point_at_the_text() -> None:
    text = 'x = jsonencode({\n  Action = ["a", local.b]\n})\n'
    call = parse_hcl("main.tf", text).settings["x"].value
    ((key, items),) = call.arguments[0].pairs
    assert [text[n.start : n.end] for n in (call.arguments[0], key, items, *items.items)] == [
        '{\n  Action = ["a", local.b]\n}',
        "Action",
        '["a", local.b]',
        '"a"',
        "local.b",
    ]


def test_offsets_after_an_interpolation_of_several_lines() -> None:
    text = '# "${\nx = <<E\n"${a}\nE\ny = "${\n  b\n}"\nz = c\n'
    settings = parse_hcl("main.tf", text).settings
    inner = settings["y"].value.parts[1]
    assert [text[node.start : node.end] for node in (inner, settings["z"].value)] == ["b", "c"]
    assert plain(settings["x"].value) == ("template", ('"', ("name", "a"), "\n"))


def test_comments_inside_an_interpolation() -> None:
    inner = '"${ /* } */ a # "\n}#b"'
    text = f'y = "${{\n  # it"s }}\n  f({inner}, // c\n    "//d") /* e\n */\n}}/*#//f"\nz = g\n'
    settings = parse_hcl("main.tf", text).settings
    _, call, tail = settings["y"].value.parts
    assert [text[node.start : node.end] for node in (*call.arguments, settings["z"].value)] == [inner, '"//d"', "g"]
    assert plain(call.arguments[0]) == ("template", ("", ("name", "a"), "#b"))
    assert tail == "/*#//f"


def test_offsets_inside_a_heredoc() -> None:
    text = 'x = <<-E\n  {"r": "${local.arn}/*"}\n  E\n'
    node = parse_hcl("main.tf", text).settings["x"].value.parts[1]
    assert text[node.start : node.end] == "local.arn"


def test_blocks() -> None:
    text = 'resource "aws_x" y {\n  a = 1\n  dynamic "b" {\n    for_each = []\n    content {}\n  }\n}\n'
    (block,) = parse_hcl("main.tf", text).blocks
    assert (block.type, block.labels, list(block.body.settings)) == ("resource", ("aws_x", "y"), ["a"])
    assert [(b.type, b.labels) for b in block.body.blocks] == [("dynamic", ("b",))]
    assert text[block.start : block.head_end] == 'resource "aws_x" y'


def test_bad_text_is_an_input_error_with_a_place() -> None:
    with pytest.raises(InputError) as caught:
        parse_hcl("main.tf", 'a = 1\nresource "x" {\n  b = = 2\n}\n')
    assert caught.value.location is not None
    assert (caught.value.location.file, caught.value.location.line) == ("main.tf", 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        'a "b" {}\n/* } */ c {\n  x = "}" # }\n}\n',
        'a {\n  x = "${f("}")}"\n  y = <<E\n} "\nE\n}\nb "c" d {\n}\n',
        'locals {\n  a = "%{ if x }}%{ endif }"\n  b = "\\"}"\n}\n',
    ],
    ids=["nothing", "comment", "braces in texts and comments", "nested texts and heredocs", "directives and escapes"],
)
def test_the_outline_agrees_with_the_parser(text: str) -> None:
    parts = outline(text)
    assert parts is not None
    assert [tuple(p) for p in parts] == [
        (b.type, b.labels, b.start, b.end, b.head_end) for b in parse_hcl("x", text).blocks
    ]


def test_the_outline_agrees_with_the_parser_on_whole_files() -> None:
    files = sorted(CONFIGS.rglob("*.tf"))
    assert len(files) > 30
    for file in files:
        text = file.read_text()
        body = parse_hcl(str(file), text)
        assert [tuple(p) for p in outline(text) or ()] == [
            (b.type, b.labels, b.start, b.end, b.head_end) for b in body.blocks
        ]
        for block in body.blocks:
            assert parse_block(text, block.start, block.end) == block


@pytest.mark.parametrize("text", ["a = 1\n", 'a {\n  b = "${\n}\n', "a {", "{}", "a {\n  b = <<E\n}\n"])
def test_what_is_no_sequence_of_blocks_has_no_outline(text: str) -> None:
    assert outline(text) is None


def test_deep_nesting_is_an_input_error() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        parse_hcl("main.tf", "x = " + "[" * 3000 + "]" * 3000 + "\n")


def test_the_outline_of_long_words_takes_no_time() -> None:
    assert outline("resource " + "a" * 5000 + " = 1\n") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ${b} c", ("template", ("a ", ("name", "b"), " c"))),
        ("no { braces }", ("literal", "no { braces }")),
        ("$${a}", ("literal", "${a}")),
        ('{"a": "${f("}")}"}', ("template", ('{"a": "', ("call", "f", (("literal", "}"),), False), '"}'))),
        (
            "%{ for x in l ~}\n- ${x}\n%{ endfor }",
            (
                "template",
                (
                    "",
                    (
                        "call",
                        "join",
                        (
                            ("literal", ""),
                            (
                                "for",
                                ("x",),
                                ("name", "l"),
                                None,
                                ("template", ("- ", ("name", "x"), "\n")),
                                None,
                                False,
                            ),
                        ),
                        False,
                    ),
                    "",
                ),
            ),
        ),
    ],
)
def test_templates_in_files(text: str, expected: Any) -> None:
    assert plain(parse_template(text)) == expected


@pytest.mark.parametrize("text", ["${a", "%{ if a }b", "%{ endif }", "${a b}"])
def test_templates_that_are_not_understood_are_opaque(text: str) -> None:
    node = parse_template(text)
    parts = node.parts if isinstance(node, hcl.Template) else (node,)
    assert any(isinstance(p, hcl.Opaque) for p in parts)
