"""The server's side of the panel: it refuses what it should, queues the rest, loses nothing, and tells no secrets."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from reports import published
from tornado.httpclient import HTTPClientError, HTTPResponse

from influencelab.app.lab import run as process
from influencelab.app.lab.home import home
from influencelab.app.lab.run import kept
from influencelab.app.lab.runs import Runs
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import all_claims

pytest_plugins = ("pytest_jupyter.jupyter_server",)

ROOT = Path(__file__).parents[2]
# Seconds. A tiny study takes four on two idle cores.
PATIENCE = 600
Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def jp_server_config(jp_root_dir: Path) -> dict[str, Any]:
    """A server in a folder that holds studies, one of which takes longer than anybody waits."""
    shutil.copytree(ROOT / "tests" / "support" / "notebooks", jp_root_dir / "studies")
    shutil.copy(ROOT / "studies" / "explore.ipynb", jp_root_dir / "studies")
    return {"ServerApp": {"jpserver_extensions": {"influencelab.app.lab": True}}}


@pytest.fixture
def held(jp_serverapp: Any) -> Iterator[Runs]:
    """What the server holds; at the end nothing of it runs."""
    found = jp_serverapp.web_app.settings["influencelab_runs"]
    yield found
    for run in found.described():
        found.cancel(run["id"])
    found.close()


@pytest.fixture
def ask(jp_fetch: Any, held: Runs) -> Ask:
    """Asks as the page does, with the token; status and answer."""

    async def asking(*path: str, method: str = "GET", body: Any = None, headers: Any = None) -> tuple[int, Any]:
        sent = None if method in ("GET", "DELETE") else body if isinstance(body, bytes) else json.dumps(body or {})
        request = {"method": method, "body": sent, "headers": headers, "request_timeout": PATIENCE}
        try:
            response = await jp_fetch("influencelab", *path, **request)
        except HTTPClientError as error:
            response = error.response
        text = response.body
        assert held.home.root.as_posix() not in text.decode(errors="replace")
        return response.code, json.loads(text) if text[:1] == b"{" else text

    return asking


def wanted(name: str, profile: str = "tiny", **parameters: Any) -> dict[str, Any]:
    """What the page sends for a run."""
    return {"study": name, "profile": profile, "parameters": parameters}


async def until(ask: Ask, name: str, *states: str) -> dict[str, Any]:
    """One run, once it is in one of these states."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        found = {run["id"]: run for run in (await ask("runs"))[1]["runs"]}[name]
        if found["state"] in states:
            return found
        await asyncio.sleep(0.3)
    raise AssertionError(f"{found['state']} for {PATIENCE} s: {found}")


async def test_studies_are_listed_with_their_forms_and_what_is_no_study_is_said(ask: Ask, jp_root_dir: Path) -> None:
    published(jp_root_dir)
    (jp_root_dir / "studies" / "Untitled.ipynb").write_text('{"cells": [], "metadata": {}}')
    slip = (
        (ROOT / "tests" / "support" / "notebooks" / "fine.ipynb").read_text().replace("size: int = 3", "size: int = (")
    )
    (jp_root_dir / "studies" / "slip.ipynb").write_text(slip)
    status, answer = await ask("studies")
    assert status == 200
    cards = {card["name"]: card for card in answer["studies"]}
    fine = cards["fine"]
    assert fine["question"] == "Does a study run from top to bottom?"
    assert fine["path"] == "studies/fine.ipynb"
    assert [field["name"] for field in fine["parameters"]] == ["size", "flag", "rates", "workers"]
    assert [profile["name"] for profile in fine["profiles"]] == ["tiny", "standard"]
    assert fine["profiles"][1]["values"] == {"size": "9", "flag": "true", "rates": "[0.01, 0.001]", "workers": "1"}
    assert (fine["newest"], [report["folder"] for report in fine["reports"]]) == ("tiny", ["tiny"])
    assert [problem["name"] for problem in answer["problems"]] == ["Untitled", "slip"]


async def test_what_the_system_refuses_is_said_and_the_server_lives(
    ask: Ask, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jp_root_dir / "results").write_text("a file where a folder should be")
    status, answer = await ask("runs", method="POST", body=wanted("fine"))
    assert (status, "results" in answer["message"], "Mend that" in answer["message"]) == (409, True, True)
    assert (await ask("runs"))[1]["runs"] == []
    assert (await ask("studies"))[0] == 200

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error", str(jp_root_dir / "results" / "fine"))

    monkeypatch.setattr("influencelab.app.lab.catalogue.folders", broken)
    status, answer = await ask("studies")
    assert (status, answer["studies"]) == (200, [])
    assert any("Input/output error: results/fine." in problem["message"] for problem in answer["problems"])


async def test_the_newest_report_gives_the_verdicts_of_its_study(ask: Ask, jp_root_dir: Path) -> None:
    claim = next(
        claim for claim in all_claims() if claim.low is not None and claim.high is None and len(claim.cells) == 1
    )
    shutil.copy(ROOT / "studies" / f"{claim.study}.ipynb", jp_root_dir / "studies")
    draft = ReportWriter(claim.study, folder=jp_root_dir / "results" / claim.study / "tiny", parameters={})
    draft.number(Measurement(claim.low + 1, low=claim.low + 0.5, high=claim.low + 2), **claim.where)
    draft.publish()
    cards = {card["name"]: card for card in (await ask("studies"))[1]["studies"]}
    told = {verdict["claim"]: verdict["verdict"] for verdict in cards[claim.study]["verdicts"]}
    assert told[claim.name].startswith("reproduced (preview")


@pytest.mark.slow
async def test_a_run_goes_to_its_end_and_can_be_read_explored_and_copied(ask: Ask, jp_root_dir: Path) -> None:
    status, asked = await ask("runs", method="POST", body=wanted("fine", size="5", flag="true"))
    assert (status, asked["state"], asked["changes"]) == (201, "queued", {"size": "5"})
    done = await until(ask, asked["id"], "done", "failed")
    assert (done["state"], done["message"], done["fraction"]) == ("done", "", 1.0)
    place = ("reports", "fine", done["folder"])
    report = (await ask(*place))[1]
    assert report["parameters"]["size"] == "5"
    assert report["numbers"] == [{"name": "sum", "value": "1.5 [0.5, 2.5]", "n": 5}]
    assert (jp_root_dir / report["notebook"]).is_file()
    assert (await ask(*place, "figures", report["figures"][0]["name"]))[1][:4] == b"\x89PNG"
    assert (await ask(*place, "explorer"))[0] == 409
    looked = (await ask(*place, "explore", method="POST"))[1]["path"]
    assert f"look_at = '{done['folder']}'" in (jp_root_dir / looked).read_text()
    assert "il.Explorer(look_at" in (jp_root_dir / looked).read_text()
    copy = (await ask(*place, "copy", method="POST"))[1]["path"]
    again = (await ask(*place, "copy", method="POST"))[1]["path"]
    assert copy != again
    assert "size = 5" in (jp_root_dir / copy).read_text()
    assert jp_root_dir.as_posix() not in (jp_root_dir / copy).read_text()
    exported = (await ask(*place, "export", method="POST"))[1]["path"]
    assert "keeps nothing for the explorer" in (jp_root_dir / exported).read_text()
    assert {path.name for path in jp_root_dir.iterdir()} == {"studies", "results"}


async def test_what_a_report_keeps_for_the_explorer_and_the_explorer_are_given(ask: Ask, jp_root_dir: Path) -> None:
    committed = ROOT / "results" / "leave_one_out" / "standard"
    shutil.copytree(committed, jp_root_dir / "results" / "leave_one_out" / "standard")
    shutil.copy(ROOT / "studies" / "leave_one_out.ipynb", jp_root_dir / "studies")
    place = ("reports", "leave_one_out", "standard")
    assert (await ask(*place))[1]["explorable"]
    assert (await ask(*place, "explorer"))[1] == (committed / "explorer.safetensors").read_bytes()
    assert "function renderAlone" in (await ask("explorer"))[1]["script"]


@pytest.mark.slow
async def test_a_failing_run_says_why_and_what_ran_can_be_opened(ask: Ask, jp_root_dir: Path) -> None:
    asked = (await ask("runs", method="POST", body=wanted("failing")))[1]
    failed = await until(ask, asked["id"], "done", "failed")
    assert failed["state"] == "failed"
    assert "ValueError: the second line is wrong" in failed["message"]
    assert (jp_root_dir / failed["ran"]).is_file()


@pytest.mark.slow
async def test_cancelling_ends_all_that_a_run_started(ask: Ask, jp_root_dir: Path) -> None:
    first, second = [(await ask("runs", method="POST", body=wanted("slow")))[1] for _ in range(2)]
    note = jp_root_dir / "results" / "worker.txt"
    last = time.monotonic() + PATIENCE
    while not note.is_file() and time.monotonic() < last:
        await asyncio.sleep(0.1)
    running = await until(ask, first["id"], "running")
    while running["label"] != "3 of 10 sleeping" and time.monotonic() < last:
        running = await until(ask, first["id"], "running")
    assert (running["fraction"], running["label"]) == (0.3, "3 of 10 sleeping")
    assert running["left"] > 0
    members = process.family(psutil.Process(kept(jp_root_dir / "results" / ".runs")[first["id"]].pid))
    assert int(note.read_text()) in [member.pid for member in members]
    assert (await until(ask, second["id"], "queued"))["ahead"] == 0
    assert (await ask("runs", second["id"], method="DELETE"))[1]["state"] == "cancelled"
    assert (await ask("runs", first["id"], method="DELETE"))[1]["state"] == "cancelled"
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in members)
    # Once more changes nothing.
    assert (await ask("runs", first["id"], method="DELETE"))[1]["state"] == "cancelled"


@pytest.mark.exhaustive
@pytest.mark.slow
async def test_twenty_runs_at_once_are_queued_and_none_is_lost(ask: Ask, held: Runs, jp_root_dir: Path) -> None:
    answers = await asyncio.gather(
        *(ask("runs", method="POST", body=wanted("fine", size=str(10 + number))) for number in range(20))
    )
    assert {status for status, _ in answers} == {201}
    names = {answer["id"] for _, answer in answers}
    listed = (await ask("runs"))[1]["runs"]
    assert {run["id"] for run in listed} == names == set(kept(jp_root_dir / "results" / ".runs"))
    await until(ask, listed[-1]["id"], "running", "done", "failed")
    states = [run["state"] for run in (await ask("runs"))[1]["runs"]]
    assert states.count("running") <= held.at_once
    assert (await ask("studies"))[0] == 200
    # Most are taken out of the queue again; the others still have their turn, one after the other.
    (*others, last, first), listed = [run["id"] for run in listed], {run["id"]: run for run in listed}
    for name in others:
        assert (await ask("runs", name, method="DELETE"))[1]["state"] == "cancelled"
    began, then = [await until(ask, name, "done", "failed") for name in (first, last)]
    assert [began["state"], then["state"]] == ["done", "done"]
    assert began["ended"] <= then["started"]
    assert [began["changes"], then["changes"]] == [listed[first]["changes"], listed[last]["changes"]]


# Requests, and how each is answered. A server costs more than any of them, so that they share one.
REFUSED = (
    (wanted("nothing"), 404, "No study is named 'nothing'. There are:"),
    (wanted("../studies/fine"), 404, "No study is named"),
    (wanted("/etc/passwd"), 404, "No study is named"),
    (wanted("fine", "huge"), 404, "fine has no profile 'huge'"),
    (wanted("fine", "../tiny"), 404, "fine has no profile"),
    (wanted("fine", sise="1"), 404, "Did you mean 'size'?"),
    (wanted("fine", size="__import__('os').system('touch hacked')"), 400, "is declared int"),
    (wanted("fine", size="3; touch hacked"), 400, "is declared int"),
    (wanted("fine", size="7.5"), 400, "is declared int"),
    (wanted("fine", size=7), 400, "expected its value as text"),
    (wanted("fine", flag="perhaps"), 400, "is declared bool"),
    (wanted("fine", rates="!!python/object/apply:os.system ['touch hacked']"), 400, "Parameter 'rates'"),
    (wanted("fine", rates="[&a [1, 1], *a]"), 400, "Parameter 'rates'"),
    (wanted("fine", rates="[.nan]"), 400, "is declared tuple"),
    (wanted("fine", size={"code": 1}), 400, "expected its value as text"),
    (wanted("fine", size="1" * 3000), 400, "too long"),
    (wanted("fine", results="/tmp/elsewhere"), 400, "is no field of the form"),
    (wanted("fine") | {"extra": 1}, 400, "A run is asked for as"),
    (["fine"], 400, "A run is asked for as"),
    (b"not json", 400, "The request is no JSON."),
    (b"[" * 50_000, 400, "The request is no JSON."),
)


async def test_what_is_no_run_is_refused_in_words(ask: Ask, jp_root_dir: Path) -> None:
    for body, status, said in REFUSED:
        found, answer = await ask("runs", method="POST", body=body)
        assert (found, said in answer["message"]) == (status, True), (body, answer)
        assert (await ask("runs"))[1] == {"runs": []}, body
        assert not list(jp_root_dir.rglob("hacked")), body


@pytest.mark.exhaustive
@pytest.mark.slow
async def test_code_in_a_text_stays_text(ask: Ask, jp_root_dir: Path) -> None:
    text = '"; import pathlib; pathlib.Path("hacked").touch(); "$(touch hacked)'
    asked = (await ask("runs", method="POST", body=wanted("explore", scheduler=text)))[1]
    ended = await until(ask, asked["id"], "running", "done", "failed")
    assert ended["changes"] == {"scheduler": text}
    (words,) = [run for run in kept(jp_root_dir / "results" / ".runs").values() if run.id == asked["id"]]
    assert f"scheduler={text}" in process.command(words, home(jp_root_dir))
    await until(ask, asked["id"], "failed", "done")
    assert not list(jp_root_dir.rglob("hacked"))


async def test_a_body_that_no_form_fills_is_refused_and_the_server_lives(ask: Ask) -> None:
    assert (await ask("runs", method="POST", body=b"1" * 70_000))[0] == 413
    assert (await ask("runs"))[0] == 200


NO_PATHS = (
    ("reports", "..%2F..%2Fetc", "tiny"),
    ("reports", "%2Fetc", "passwd"),
    ("reports", "fine", "..%2Ftiny"),
    ("reports", "fine", "standard"),
    ("reports", "fine", "tiny", "figures", "../../manifest"),
    ("reports", "fine", "tiny", "figures", "%2Fetc%2Fpasswd"),
    ("reports", "fine", "tiny", "figures", "nothing"),
)


async def test_names_are_compared_and_never_joined_to_paths(ask: Ask, jp_root_dir: Path) -> None:
    published(jp_root_dir)
    for path in NO_PATHS:
        assert (await ask(*path))[0] == 404, path
        assert (await ask("reports", "fine", "tiny"))[0] == 200


async def test_a_run_that_there_is_none_of_cannot_be_cancelled(ask: Ask) -> None:
    assert (await ask("runs", "..%2F..%2Fstudies", method="DELETE"))[0] == 404


VERBS = [
    ("GET", "studies"),
    ("GET", "runs"),
    ("POST", "runs"),
    ("DELETE", "runs/x"),
    ("GET", "reports/fine/tiny"),
    ("GET", "reports/fine/tiny/figures/line"),
    ("GET", "reports/fine/tiny/explorer"),
    ("GET", "explorer"),
    ("POST", "reports/fine/tiny/explore"),
    ("POST", "reports/fine/tiny/copy"),
    ("POST", "reports/fine/tiny/export"),
]


async def sent(client: Any, url: str, method: str, **headers: str) -> HTTPResponse:
    """An answer to a request that carries these headers only."""
    body = json.dumps(wanted("fine")) if method == "POST" else None
    return await client.fetch(url, method=method, headers=headers, body=body, raise_error=False, follow_redirects=False)


async def test_nothing_is_told_or_done_without_the_token(http_server_client: Any, jp_base_url: str, held: Runs) -> None:
    for method, path in VERBS:
        for headers in ({}, {"Authorization": "token wrong"}):
            answer = await sent(http_server_client, f"{jp_base_url}influencelab/{path}", method, **headers)
            assert answer.code == 403, (method, path)
        assert held.described() == [], (method, path)


async def test_a_page_of_somebody_else_cannot_change_anything(
    http_server_client: Any, jp_base_url: str, jp_serverapp: Any, held: Runs
) -> None:
    token = jp_serverapp.identity_provider.token
    entered = await sent(http_server_client, f"{jp_base_url}api?token={token}", "GET")
    entered = await sent(http_server_client, f"{jp_base_url}login?token={token}", "GET")
    cookie = "; ".join(each.partition(";")[0] for each in entered.headers.get_list("Set-Cookie"))
    # The cookie alone is who we are, but does not say that our page asks.
    assert (await sent(http_server_client, f"{jp_base_url}influencelab/runs", "GET", Cookie=cookie)).code == 200
    for method, path in (verb for verb in VERBS if verb[0] != "GET"):
        url = f"{jp_base_url}influencelab/{path}"
        for mark in ({}, {"X-XSRFToken": "2|wrong|wrong|0"}):
            answer = await sent(http_server_client, url, method, Cookie=cookie, **mark)
            assert answer.code == 403, (method, path)
        assert held.described() == [], (method, path)
