"""Codes of environments and of rendering templates."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "unknown-environment": Code(
        "No such environment",
        "The environment has no file in `environments/`. Each environment is a world of its own, with its own state.",
        "Mend the name, or add `environments/NAME.yaml`.",
    ),
    "no-environment-chosen": Code(
        "No environment chosen",
        "The project has several environments and no `default_environment`, so it is not known which one is meant.",
        "Name one with `-e NAME`, or set `default_environment` in `audiform.yaml`.",
    ),
    "version-mismatch": Code(
        "Needs another version of Audiform",
        "The project's `requires` does not allow the version that is running. It may use what this version lacks, or rely "
        "on what it changed.",
        "Install a version that `requires` allows, or change `requires`.",
        'requires: ">=0.1,<0.2"',
    ),
    "template-syntax": Code(
        "Not a valid expression",
        "The text between `{{` and `}}` is not an expression, or the braces are not closed.",
        "Mend the expression. For two braces as text write `{{ '{{' }}`.",
        'settings: {account: "{{ values. }}"}',
    ),
    "unsupported-statement": Code(
        "Templates hold expressions only",
        "The text holds `{%` or `{#`. Statements and comments of templates would make a program out of the YAML, in which "
        "places and types are no longer known.",
        "Use `for_each` to repeat a resource, `enabled` to switch one off, and `{{ a if b else c }}` to choose.",
        'description: "{% if values.x %}a{% endif %}"',
    ),
    "undefined-value": Code(
        "Undefined value",
        "An expression uses a name that does not exist. It is never replaced by nothing, because an empty account number or "
        "an empty date would be sent to real people.",
        "Mend the name, or add the value to the environment's `values`. `{{ values.x | default(1) }}` says what to take instead.",
        'settings: {ad_account_id: "{{ values.acount }}"}',
    ),
    "unsafe-expression": Code(
        "Expression does more than choose a value",
        "Expressions read values, compare, calculate and use filters. Calling functions and reaching for names that start "
        "with `_` would let a template run code on the machine that validates it.",
        "Use a filter, such as `{{ values.name | upper }}`.",
        "description: \"{{ ''.__class__ }}\"",
    ),
    "template-type": Code(
        "Value has the wrong type for its place",
        "A list, a map or null stands inside longer text, or an expression gives something that YAML has no form for.",
        "Let the expression stand alone (`{{ values.tags }}` keeps its type), or use `| join(', ')`.",
        'description: "Tags: {{ values.tags }}"',
    ),
    "template-not-allowed": Code(
        "No templates here",
        "Templates are rendered in resources and in an environment's `overrides`. Values are what they are rendered with, and "
        "the project's own settings must not depend on the environment.",
        "Write the value itself.",
        'values:\n  a: "{{ values.b }}"',
    ),
    "invalid-for-each": Code(
        "Cannot repeat over this",
        "`for_each` takes a map, or a list of different texts or numbers. Each key becomes part of a name "
        "(`lapsed.de`), so it holds letters, digits, `_` and `-` only.",
        "Use a map from key to value, or a list without duplicates.",
        "for_each: [de, fr, de]",
    ),
    "unknown-override": Code(
        "Overrides something that does not exist",
        "An environment's `overrides` names a resource that no file of the project declares, so it has no effect.",
        "Mend the name, or remove the override.",
        "overrides:\n  connectors:\n    ads_ue: {enabled: false}",
    ),
}
