"""`--memory-limit` and `memory_limit` in audiform.yaml: how much memory a command may take."""

from __future__ import annotations

from cli.shell import Shell


def test_the_limit_is_checked_before_anything_is_read(shell: Shell, snapshot):
    """No size, and too small a one, are refused by each command that compares people."""
    said = [
        str(shell(*command, "--memory-limit", size))
        for command, size in ((("plan",), "plenty"), (("sync",), "200MB"))
    ]

    assert snapshot == "\n".join(said)


def test_a_command_runs_within_its_limit(shell: Shell):
    """The option wins over the project's own limit; with either the same people are sent."""
    shell.bind("buyers_on_ads")
    project = shell.root / "audiform.yaml"
    project.write_text(f"{project.read_text()}\nmemory_limit: 700MB\n")
    codes = [shell("apply", "--auto-approve").code, shell("sync", "--memory-limit", "600MB").code]

    assert [0, 0] == codes
    assert 3 == len(shell.members("ads", "Buyers on ads")["email"])
