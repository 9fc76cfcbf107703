"""How a command ends that the machine does not let go on: with what is in the way, and not as a bug."""

from __future__ import annotations

import errno

import pytest

from audiform.cli.failures import Exit, exit_code_of


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            PermissionError(errno.EACCES, "", "/srv/shop/state.sqlite"),
            "`/srv/shop/state.sqlite` cannot be used",
        ),
        (ModuleNotFoundError(name="uvloop"), "pip install 'audiform[events]'"),
        (ModuleNotFoundError(name="nats.errors"), "pip install 'audiform[nats]'"),
    ],
    ids=["folder of another user", "server of events", "client of NATS"],
)
def test_what_the_machine_lacks_is_no_bug(problem, said, capsys):
    """A file that this user may not use, and an extra that was not installed, are named with what to do."""
    code = exit_code_of(problem)

    assert (Exit.ERROR, True) == (code, said in capsys.readouterr().err)
