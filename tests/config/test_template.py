"""Templates: what is rendered, what keeps its type, and what never gets out of the box."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.config.template import Scope, TemplateError, is_templated_json, render

NAMES: dict[str, Any] = {
    "values": {
        "days": 90,
        "name": "Ann",
        "on": True,
        "list": ["a", "b"],
        "map": {"a": 1},
        "none": None,
        "ratio": 0.5,
    },
    "environment": "test",
    "project": "shop",
}


def rendered(text: str, each: dict[str, Any] | None = None, *, late: bool = False) -> Any:
    """Return `text` rendered with the names above."""
    return render(text, Scope(NAMES), each, late=late)


def refusal(text: str) -> str:
    """Return the code with which `text` is refused."""
    with pytest.raises(TemplateError) as caught:
        rendered(text)
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ values.days }}", 90),
        ("{{values.days}}", 90),
        ("{{ values.on }}", True),
        ("{{ values.list }}", ["a", "b"]),
        ("{{ values.map }}", {"a": 1}),
        ("{{ values.none }}", None),
        (" {{ values.days }}", " 90"),
        ("{{ environment }}/{{ project }}", "test/shop"),
        ("{{ values.days + 1 }}", 91),
        ("{{ values.days > 30 }}", True),
        ("{{ 'a' if values.on else 'b' }}", "a"),
        ("{{ values.list | join(', ') }}", "a, b"),
        ("{{ values.name | upper }}", "ANN"),
        ("{{ values.missing | default('x') }}", "x"),
        ("{{ values.list[0] }}", "a"),
        ("{{ values['name'] }}", "Ann"),
        ("{{ '{{' }}", "{{"),
        ("{{ '}}' }}", "}}"),
        ("{{ {'a': 1}['a'] }}", 1),
        ("{{ values.on }} and {{ values.ratio }}", "true and 0.5"),
        ("{{ true }}", True),
        ("{{ none }}", None),
    ],
)
def test_rendering(text, expected):
    """One expression keeps its type; more is text, with booleans and numbers as YAML writes them."""
    assert expected == rendered(text)
    assert type(expected) is type(rendered(text))


def test_repetitions_are_not_mixed_up():
    """What depends on `each` is evaluated for each; what does not, once."""
    scope = Scope(NAMES)
    text = "{{ each.key }}-{{ each.value.n + 1 }}-{{ values.days }}"

    shown = [render(text, scope, {"key": key, "value": {"n": n}}) for key, n in (("a", 1), ("b", 2))]
    assert ["a-2-90", "b-3-90"] == shown


def test_late_references_stay():
    """Names that the connector type knows only later are left as they are, where that is asked for."""
    assert "/x/{{ destination.id }}/90" == rendered("/x/{{ destination.id }}/{{ values.days }}", late=True)
    assert "{{ row.email }}" == rendered("{{ row.email }}", late=True)
    assert "undefined-value" == refusal("{{ row.email }}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ values.missing }}", "undefined-value"),
        ("{{ missing }}", "undefined-value"),
        ("{{ each.key }}", "undefined-value"),
        ("{{ values.name.first }}", "undefined-value"),
        ("{{ values.missing + 1 }}", "undefined-value"),
        ("{{ values.days", "template-syntax"),
        ("{{ }}", "template-syntax"),
        ("{{ 1 + }}", "template-syntax"),
        ("{{ values.name | nothing }}", "template-syntax"),
        ("{{ a b }}", "template-syntax"),
        ("{% if true %}{% endif %}", "unsupported-statement"),
        ("{# note #}", "unsupported-statement"),
        ("x {{ values.list }}", "template-type"),
        ("x {{ values.none }}", "template-type"),
        ("{{ 1 / 0 }}", "template-type"),
        ("{{ values.name + 1 }}", "template-type"),
    ],
)
def test_mistakes(text, code):
    """Each kind of mistake has its code, and nothing is replaced in silence."""
    assert code == refusal(text)


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__",
        "''.__class__.__mro__[1].__subclasses__()",
        "values.__class__",
        "values['__class__']",
        "values | attr('__class__')",
        "(values | string).__len__",
        "values.items()",
        "values.pop('days')",
        "values.list.append('c')",
        "values.name.format",
        "'{0.__class__}'.format(values)",
        "range(10 ** 9)",
        "lipsum()",
        "cycler('a')",
        "namespace(a=1)",
        "dict(a=1)",
        "self",
        "self._TemplateReference__context",
        "_",
        "caller()",
        "values.list.__init__.__globals__",
        "request",
        "config",
        "joiner()",
        "environment.environ",
        "project.upper",
        "'a' * 10 ** 9",
        "['a'] * 10 ** 9",
        "10 ** 10 ** 10",
        "'%1000000000d' % 1",
        "values.list | map(attribute='__class__') | list",
        "values | pprint",
        "values | xmlattr",
        "values.name | batch(1)",
        "'a' | center(10 ** 9)",
        "'a' | indent(10 ** 9)",
        "'a' | replace('a', 'b' * 10 ** 9)",
        "super()",
        "loop",
        "(1).__class__",
        "values.map.keys",
    ],
)
def test_nothing_gets_out_of_the_box(expression):
    """No Python object, no call, no function and no result that fills the memory: each is refused with a code."""
    assert refusal(f"{{{{ {expression} }}}}") in {
        *("unsafe-expression", "undefined-value", "template-syntax", "template-type"),
    }


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "{{ ",
                " }}",
                "{%",
                "{#",
                "values",
                ".days",
                ".",
                "|",
                "'",
                '"',
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                " ",
                "1",
                "+",
                "__class__",
                "a",
            ]
        )
    ).map("".join)
)
def test_any_text_is_rendered_or_refused(text):
    """There is no text that breaks the renderer, and one without braces stays as it is."""
    try:
        value, part = rendered(text), ""
    except TemplateError as error:
        value, part = None, error.part

    assert part in text
    assert "{" in text or text == value


@given(
    st.recursive(
        st.text('{}%#a"\\', max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("{}a", max_size=3), inner, max_size=3)
        ),
    )
)
def test_templates_are_seen_in_json(data):
    """Two braces stand side by side in JSON only where they do in a text."""
    import orjson

    def texts(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [*node, *(text for value in node.values() for text in texts(value))]
        return [text for item in node for text in texts(item)] if isinstance(node, list) else [node]

    expected = any(sign in text for text in texts(data) for sign in ("{{", "{%", "{#"))
    assert expected is is_templated_json(orjson.dumps(data))
