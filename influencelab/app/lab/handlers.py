"""Requests of the page to the server; each needs the token, and each change the page's XSRF cookie."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

from influencelab.app.lab import catalogue, notebooks
from influencelab.app.lab.home import Home
from influencelab.app.lab.runs import Runs
from influencelab.errors import InfluenceLabError, InvalidParameter, MissingData, Unavailable, UnknownName

# The largest request that is read, in bytes, and how long a page may take to write, in seconds.
LARGEST = 65_536
PATIENCE = 300
STATUS = {UnknownName: 404, InvalidParameter: 400, Unavailable: 429}
SETTING = "influencelab_runs"
NO_STUDIES = "There is no folder of studies here. Open JupyterLab with `influencelab lab`, in a checkout."


class Handler(APIHandler):
    """Base of the handlers, which answer in JSON and explain errors in words."""

    async def prepare(self) -> None:
        """Refuse a body that no form could have filled."""
        await super().prepare()
        if len(self.request.body) > LARGEST:
            raise web.HTTPError(413, reason=f"A request may hold {LARGEST} bytes at most")

    @property
    def runs(self) -> Runs:
        """The runs of this server; an UnknownName error where there are no studies."""
        found = self.settings[SETTING]
        if found is None:
            raise UnknownName(NO_STUDIES)
        return found

    @property
    def home(self) -> Home:
        """The folders of this server."""
        return self.runs.home

    async def reply(self, work: Callable[[], Any], *, status: int = 200) -> None:
        """Do the work in a thread, and answer with its result or its error."""
        try:
            answer = await asyncio.to_thread(work)
        except InfluenceLabError as error:
            held = self.settings[SETTING]
            self.set_status(next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409))
            answer = {"message": held.home.clean(str(error)) if held else str(error)}
        else:
            self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(answer))

    def asked(self) -> Any:
        """The body, read as JSON; an InvalidParameter error where it is none."""
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise InvalidParameter("The request is no JSON.") from error


class StudiesHandler(Handler):
    """All studies."""

    @web.authenticated
    async def get(self) -> None:
        """Questions, forms, sizes, reports and newest verdicts."""
        await self.reply(lambda: catalogue.catalogue(self.home) | {"at_once": self.runs.at_once})


class RunsHandler(Handler):
    """All runs."""

    @web.authenticated
    async def get(self) -> None:
        """Every run on record, the newest first."""
        await self.reply(lambda: {"runs": self.runs.described()})

    @web.authenticated
    async def post(self) -> None:
        """Ask for a run."""

        def work() -> dict[str, Any]:
            plan, changes = catalogue.planned(self.asked(), self.home)
            return self.runs.describe(self.runs.add(plan, changes))

        await self.reply(work, status=201)


class RunHandler(Handler):
    """One run."""

    @web.authenticated
    async def delete(self, name: str) -> None:
        """Cancel it."""
        await self.reply(lambda: self.runs.describe(self.runs.cancel(name)))


class ReportHandler(Handler):
    """One report."""

    @web.authenticated
    async def get(self, study: str, folder: str) -> None:
        """Numbers, verdicts, names of figures, and what can be opened."""
        await self.reply(lambda: catalogue.described(catalogue.report_of(study, folder, self.home), self.home))


class FigureHandler(Handler):
    """One figure of a report."""

    @web.authenticated
    async def get(self, study: str, folder: str, name: str) -> None:
        """The figure as a PNG."""

        def found() -> bytes | None:
            try:
                return catalogue.pictures(catalogue.report_of(study, folder, self.home))[name].read_bytes()
            except (KeyError, InfluenceLabError):
                return None

        picture = await asyncio.to_thread(found)
        if picture is None:
            raise web.HTTPError(404, reason="No such figure")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(picture, set_content_type="image/png")


class MakingHandler(Handler):
    """Files that are made of a report."""

    @web.authenticated
    async def post(self, study: str, folder: str, what: str) -> None:
        """Make a notebook to explore it, a copy of its study, or a page; answers where it is."""
        makers = {"explore": notebooks.exploring, "copy": notebooks.copied, "export": exported}

        def work() -> dict[str, str]:
            path = self.home.shown(makers[what](catalogue.report_of(study, folder, self.home), self.home))
            if path is None:
                raise MissingData("It was made, but JupyterLab cannot open it: it was opened in another folder.")
            return {"path": path}

        await self.reply(work, status=201)


def exported(report: Any, home: Home) -> Any:
    """Path of the page of a report, written by the command line; a MissingData error where it could not be written."""
    path = report.folder / f"{report.study}.html"
    command = [sys.executable, "-P", "-m", "influencelab", "export", str(report.folder), "--output", str(path)]
    try:
        done = subprocess.run(
            command, cwd=home.studies.parent, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MissingData(f"The page was not written within {PATIENCE} s. Try again on a quieter machine.") from error
    if done.returncode:
        printed = done.stderr.strip().splitlines() or ["The page could not be written."]
        raise MissingData(printed[-1].removeprefix("influencelab: "))
    return path


NAME = r"([^/]+)"
HANDLERS = [
    (r"influencelab/studies", StudiesHandler),
    (r"influencelab/runs", RunsHandler),
    (rf"influencelab/runs/{NAME}", RunHandler),
    (rf"influencelab/reports/{NAME}/{NAME}", ReportHandler),
    (rf"influencelab/reports/{NAME}/{NAME}/figures/(.+)", FigureHandler),
    (rf"influencelab/reports/{NAME}/{NAME}/(explore|copy|export)", MakingHandler),
]
