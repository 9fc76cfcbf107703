"""Remote objects: one for each binding, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from audiform.execution.failure import StepFailedError
from audiform.execution.recovery import recover
from audiform.marker import marker_in
from audiform.outcome import Category, Request, Response
from audiform.runtime import Runtime
from audiform.state.local.store import local_store
from audiform.state.store import Intent, Record
from audiform.transport import HttpTransport
from execution.platform import BUYERS, MARKED, NAMED, Platform, creation, platform

KINDS = pytest.mark.parametrize("kind", [MARKED, NAMED])


class Killed(BaseException):
    """The process is gone: nothing after it happens."""


class LastWords(HttpTransport):
    """A transport whose process is killed when the answer to a POST would arrive."""

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109
        """Send, and die."""
        answer = await super().send(request, timeout)
        if request.method == "POST":
            raise Killed
        return answer


def killed_while_creating(place: Platform) -> None:
    """Let a process die between a create and its record."""
    runtime = place.runtime()
    dying = Runtime(
        runtime.project, runtime.catalog, runtime.store, runtime.ledger, LastWords(), timing=runtime.timing
    )
    with pytest.raises(Killed):
        place.run(
            dying,
            place.destinations(dying).create(dying.client("ads"), creation(dying), (), lambda: ()),
        )


@KINDS
def test_an_object_is_created_and_recorded(kind, tmp_path):
    """A create makes one object, records its id and leaves nothing open in the journal."""
    with platform(kind, tmp_path) as place:
        record = place.create()

        assert ["Buyers"] == [one["name"] for one in place.objects]
        assert {"buyers_on_ads": record.body["destination_id"]} == place.recorded()
        assert [] == place.pending()


def test_the_marker_stands_in_the_field_that_the_type_names(tmp_path):
    """The object says which binding of which state it belongs to."""
    with platform(MARKED, tmp_path) as place:
        place.create()

        assert (
            "audiform:shop/production/buyers_on_ads"
            == str(marker_in(place.objects[0]["description"])).partition("#")[0]
        )


@KINDS
def test_an_answer_that_is_lost_makes_no_second_object(kind, tmp_path):
    """When the answer to a create is lost, the object is found and taken."""
    with platform(kind, tmp_path) as place:
        place.sandbox.faults.add("reset_after_body", operation="create")
        record = place.create()

        assert 1 == len(place.objects)
        assert {"buyers_on_ads": record.body["destination_id"]} == place.recorded()
        assert [] == place.pending()
        assert [
            "binding.buyers_on_ads: the object of an interrupted creation was found and taken"
        ] == place.notes


@KINDS
def test_a_request_that_is_lost_is_sent_again(kind, tmp_path):
    """When a create did not arrive, it is looked for in vain and then sent again."""
    with platform(kind, tmp_path) as place:
        place.sandbox.faults.add("reset_before_body", operation="create")
        place.create()

        assert 1 == len(place.objects)
        assert [] == place.pending()


@KINDS
def test_a_platform_in_trouble_is_asked_again(kind, tmp_path):
    """A 500 to a create may have made the object: it is looked for before the next try."""
    with platform(kind, tmp_path) as place:
        place.sandbox.faults.add("status", status=500, operation="create")
        place.create()

        assert 1 == len(place.objects)
        assert [] == place.pending()


@KINDS
def test_a_refusal_is_final(kind, tmp_path):
    """A 401 is the platform's no: nothing was made, so nothing stays open."""
    with platform(kind, tmp_path) as place:
        place.sandbox.faults.add("error", category="invalid_credentials", times=9)
        with pytest.raises(StepFailedError) as refused:
            place.create()

        assert [Category.INVALID_CREDENTIALS] == [one.category for one in refused.value.problems]
        assert [] == place.objects
        assert {} == place.recorded()
        if kind == MARKED:  # of the other kind, the look before the create was refused: it was never begun
            assert [] == place.pending()


@KINDS
def test_a_platform_that_stays_down_leaves_the_intent_open(kind, tmp_path):
    """When nobody can tell whether the object is there, the state says that a create was under way."""
    with platform(kind, tmp_path) as place:
        place.sandbox.faults.add("reset_after_body", operation="create")
        stay_down(place, looked_before=kind == NAMED)
        with pytest.raises(StepFailedError) as failed:
            place.create()

        assert [Category.UNAVAILABLE] == [one.category for one in failed.value.problems]
        assert {} == place.recorded()
        assert ["create_destination"] == place.pending()


@KINDS
def test_a_killed_creation_is_finished_by_the_next_run(kind, tmp_path):
    """Killed between the create and its record, the object is found, recorded, and no second one is made."""
    with platform(kind, tmp_path) as place:
        killed_while_creating(place)
        runtime = place.runtime()
        recovered = place.run(runtime, recover(runtime))

        assert 1 == len(place.objects)
        assert [BUYERS] == recovered.taken
        assert ["buyers_on_ads"] == list(place.recorded())
        assert [] == place.pending()


@KINDS
def test_a_creation_that_was_killed_before_it_was_sent_leaves_nothing(kind, tmp_path):
    """An intent whose create never left is settled, and there is nothing to take."""
    with platform(kind, tmp_path) as place:
        runtime = place.runtime()
        place.destinations(runtime).journal.intend_creation(creation(runtime), "audiform:shop/x/y#00000000")
        recovered = place.run(runtime, recover(runtime))

        assert ([], []) == (recovered.taken, place.pending())
        assert {} == place.recorded()


@KINDS
def test_a_record_that_was_written_before_the_kill_is_kept(kind, tmp_path):
    """Killed between recording and settling, nobody is asked, and nothing changes."""
    with platform(kind, tmp_path) as place:
        record = place.create()
        runtime = place.runtime()
        place.destinations(runtime).journal.intend_creation(creation(runtime), "audiform:shop/x/y#00000000")
        asked = place.sandbox.services.count
        recovered = place.run(runtime, recover(runtime))

        assert ([], []) == (recovered.taken, place.pending())
        assert {"buyers_on_ads": record.body["destination_id"]} == place.recorded()
        assert asked == place.sandbox.services.count


@KINDS
def test_what_cannot_be_looked_for_now_is_looked_for_later(kind, tmp_path):
    """A platform that is down at the recovery keeps the intent open, and it is said."""
    with platform(kind, tmp_path) as place:
        killed_while_creating(place)
        place.sandbox.faults.add("status", status=503, times=9)
        runtime = place.runtime()
        recovered = place.run(runtime, recover(runtime))

        assert [] == recovered.taken
        assert "it could not be looked for" in recovered.notes[0]
        assert ["create_destination"] == place.pending()


def test_somebody_elses_object_of_the_same_name_is_never_taken(tmp_path):
    """Where only the name can tell, what had the name before the create is not ours."""
    with platform(NAMED, tmp_path / "ours") as place:
        stranger = Platform(NAMED, tmp_path / "theirs", place.sandbox).create()
        killed_while_creating(place)
        runtime = place.runtime()
        place.run(runtime, recover(runtime))

        assert 2 == len(place.objects)
        assert stranger.body["destination_id"] not in place.recorded().values()
        assert 1 == len(place.recorded())


def test_what_an_ended_binding_has_left_is_not_taken_for_the_new_object(tmp_path):
    """A binding that ended, kept its object and came back is given the object that was made for it now."""
    with platform(MARKED, tmp_path) as place:
        left = place.create().body["destination_id"]
        store = local_store(tmp_path, "")
        store.remove(BUYERS)
        store.close()
        killed_while_creating(place)
        runtime = place.runtime()
        place.run(runtime, recover(runtime))

        assert {"buyers_on_ads": place.sandbox.destinations(MARKED)[1].id} == place.recorded()
        assert left == place.sandbox.destinations(MARKED)[0].id


def test_a_type_that_cannot_be_asked_is_honest(tmp_path):
    """Without a way to look, a lost answer fails the step and says what to look for; the next run says what may be."""
    with platform(MARKED, tmp_path) as place:
        place.sandbox.faults.add("reset_after_body", operation="create")
        runtime = place.runtime()
        with pytest.raises(StepFailedError, match="cannot be asked whether it is there"):
            place.run(runtime, create_blindly(place, runtime, ()))
        assert ["create_destination"] == place.pending()

        runtime = place.runtime()
        place.run(runtime, create_blindly(place, runtime, runtime.store.pending()))

        assert 2 == len(place.objects)
        assert "if there are two, delete the one without members" in place.notes[0]
        assert [] == place.pending()


async def create_blindly(place: Platform, runtime: Runtime, earlier: Sequence[Intent]) -> Record:
    """Create at a platform that has no way to list its objects."""
    connector = runtime.client("ads")
    manifest = connector.connector_type.manifest
    destination = manifest.destination.model_copy(update={"find": None})
    connector.connector_type = replace(
        connector.connector_type, manifest=manifest.model_copy(update={"destination": destination})
    )
    return await place.destinations(runtime).create(connector, creation(runtime), earlier, lambda: ())


def stay_down(place: Platform, *, looked_before: bool) -> None:
    """Let every look for the object fail, but the one before the create."""
    if looked_before:
        place.sandbox.faults.add("slow", operation="find", seconds=0.0)
    place.sandbox.faults.add("status", status=503, operation="find", times=20)
