"""`imports:` and `audiform import`: existing objects and their members become ours, after a plan that says how many."""

from __future__ import annotations

import pytest

from audiform.sandbox.rows import Row
from audiform.sandbox.world import Destination, members_for
from cli.shell import Shell, services


def there(shell: Shell, connector: str, identity: str, name: str, *people: str) -> None:
    """Put an object with members onto a platform that Audiform has not made."""
    made = Destination(identity, {"name": name}, members_for(services()[connector].manifest))
    made.members.add(Row({"email": person}) for person in people)
    shell.sandbox.world.account(connector).destinations[identity] = made


@pytest.fixture
def letters(shell: Shell) -> Shell:
    """Return a shell with a list of two who are in the audience, two who are not, and a binding that is not applied."""
    people = ("person1@example.com", "person2@example.com", "old@example.com", "no address")
    there(shell, "mail", "L1", "Letters", *people)
    shell.bind("letters", "mail", destination={"name": "Letters"})
    shell.write(imports=[{"to": "binding.letters", "id": "Letters"}])
    return shell


def test_an_import_is_planned_done_and_done_once(letters, snapshot):
    """The plan says who is adopted and who then leaves; applied as it was read, it leaves nothing to plan."""
    file = str(letters.root / "plan.json")
    assert snapshot == str(letters("plan", "--out", file))
    assert snapshot == str(letters("apply", file))
    assert ["Letters"] == letters.objects("mail")
    assert ["no address", *(f"person{number}@example.com" for number in (1, 2, 3))] == [
        *letters.members("mail", "Letters")
    ]
    assert snapshot == str(letters("plan", "--detailed-exitcode"))


def test_an_import_by_command(letters, snapshot):
    """The same without an entry in the YAML, of one binding; again it is refused, as it is for what is not declared."""
    letters.write(imports=[])
    letters.bind("others")

    assert snapshot == str(letters("import", "binding.letters", "L1", "--auto-approve"))
    assert ["binding.others"] == [
        one["address"]
        for one in letters("plan", "--json").data["plan"]["changes"]
        if one["address"].startswith("binding")
    ]
    assert snapshot == str(letters("import", "letters", "L1", "--auto-approve"))
    assert snapshot == str(letters("import", "binding.leters", "L1", "--auto-approve"))


def test_yaml_for_what_is_there(letters, snapshot):
    """What no binding fills is printed as entries and blocks to complete."""
    there(letters, "mail", "L2", "{{ 7 }} of: Summer!")
    there(letters, "mail", "L3", "Letters")

    assert snapshot == str(letters("import", "--generate", "mail"))


def test_members_that_are_not_listed_stay_unknown(shell, snapshot):
    """A platform that lists nobody: the plan says so, and who was there before is never removed."""
    there(shell, "ads", "23840000000000009", "Lapsed", "a" * 64)
    shell.bind("lapsed", destination={"name": "Lapsed, renamed"})
    shell.write(imports=[{"to": "binding.lapsed", "id": "23840000000000009"}])
    found = {
        f"{one['address']} {one['action']}": one for one in shell("plan", "--json").data["plan"]["changes"]
    }

    assert snapshot == found["binding.lapsed import"]["notes"]
    assert 3 == found["binding.lapsed update"]["impact"]["adds"]["value"]
    assert 0 == shell("apply", "--auto-approve").code
    shell.people()
    assert 0 == shell("sync", "--approve-guard", "lapsed.empty_source").code
    assert (["Lapsed, renamed"], {"email": ["a" * 64]}) == (
        shell.objects("ads"),
        shell.members("ads", "Lapsed, renamed"),
    )
    assert [] == shell("plan", "--json").data["plan"]["changes"]


WRONG = {
    "nothing is called so": ("Leters", {}),
    "two are called so": ("Twice", {}),
    "another binding has it": ("Taken", {}),
    "what cannot be changed": ("Letters", {"opt_in_process": "double_opt_in"}),
}


def test_imports_that_cannot_be(letters, snapshot):
    """Nothing of that name, several, one that is taken, one that would be replaced: each at its entry, nothing is done."""
    for identity in ("T1", "T2"):
        there(letters, "mail", identity, "Twice")
    letters.sandbox.world.account("mail").destinations["L1"].attributes["opt_in_process"] = "single_opt_in"
    there(letters, "mail", "M1", "Taken")
    letters.write(imports=[{"to": "binding.taken", "id": "M1"}])
    letters.bind("taken", "mail", destination={"name": "Taken"})
    assert 0 == letters("apply", "--auto-approve", "--target", "binding.taken").code
    imports = []
    for number, (wanted, attributes) in enumerate(WRONG.values()):
        letters.bind(f"wrong_{number}", "mail", destination={"name": f"Wrong {number}", **attributes})
        imports.append({"to": f"binding.wrong_{number}", "id": wanted})
    letters.write(imports=imports)

    assert snapshot == str(letters("plan"))
    assert snapshot == str(letters("plan", "--no-refresh"))


def test_a_forbidden_secret_is_not_resolved_for_an_import(letters):
    """While a policy forbids where the secret comes from, nobody looks; the plan is denied, without what is imported."""
    letters.write(policies={"no_files": {"message": "No", "forbid": {"secret_sources": ["from_file"]}}})
    (letters.root / "secret.txt").unlink()
    plan = letters("plan", "--json")

    assert (3, ["binding.letters"]) == (plan.code, plan.data["plan"]["partial"]["left_out"])
