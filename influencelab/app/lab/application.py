"""Jupyter server extension of the panel: its one setting, and what the page may ask of the server."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.application import ExtensionApp
from tornado import web

from influencelab.app.lab import catalogue, notebooks
from influencelab.app.lab.home import home
from influencelab.app.lab.runs import Runs
from influencelab.errors import (
    InfluenceLabError,
    InvalidParameter,
    MissingData,
    Unavailable,
    UnknownName,
    in_words,
    unknown,
)
from influencelab.explorer.widget import bundle

# The largest request that is read, in bytes.
LARGEST = 65_536
STATUS = {UnknownName: 404, InvalidParameter: 400, Unavailable: 429}
SETTING = "influencelab_runs"


class Handler(APIHandler):
    """Requests to one address; each needs the token, and each change the page's XSRF cookie.

    What they do is a function for each method, of the handler and the names in the address: its result is answered in
    JSON, bytes as they are, and its error in words.
    """

    def initialize(self, **work: Callable[..., Any]) -> None:
        """Take the functions of this address, by method."""
        self.work = work

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
            raise UnknownName(
                "There is no folder of studies here. Open JupyterLab with `influencelab lab`, in a checkout."
            )
        return found

    @web.authenticated
    async def get(self, *names: str) -> None:
        """Do the work in a thread, and answer with its result or its error."""
        if self.request.method not in self.work:
            raise web.HTTPError(405)
        self.set_header("Cache-Control", "no-store")
        try:
            answer = await asyncio.to_thread(self.work[self.request.method], self, *names)
            self.set_status(201 if self.request.method == "POST" else 200)
        except (InfluenceLabError, OSError) as error:
            held = self.settings[SETTING]
            self.set_status(next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409))
            message = in_words(error, held.home.results if held else Path())
            answer = {"message": held.home.clean(message) if held else message}
        if isinstance(answer, bytes):
            kind = "image/png" if answer.startswith(b"\x89PNG") else "application/octet-stream"
            self.finish(answer, set_content_type=kind)
        else:
            self.finish(json.dumps(answer))

    post = delete = get


def ask(page: Handler) -> dict[str, Any]:
    """The run that the body asks for, queued."""
    try:
        asked = json.loads(page.request.body)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("The request is no JSON.") from error
    return page.runs.describe(page.runs.add(*catalogue.planned(asked, page.runs.home)))


def figure(page: Handler, study: str, folder: str, name: str) -> bytes:
    """A figure of a report as a PNG."""
    known = catalogue.pictures(catalogue.report_of(study, folder, page.runs.home))
    if name not in known:
        raise unknown("figure", name, known)
    return known[name].read_bytes()


def explorer(page: Handler, study: str, folder: str) -> bytes:
    """What a report keeps for the explorer."""
    return catalogue.report_of(study, folder, page.runs.home).explorer_file()


def make(page: Handler, study: str, folder: str, what: str) -> dict[str, str | None]:
    """Where a notebook that explores a report, a copy of its study, or its page was put."""
    home = page.runs.home
    path = home.shown(notebooks.MAKERS[what](catalogue.report_of(study, folder, home), home))
    if path is None:
        raise MissingData("It was made, but JupyterLab cannot open it: it was opened in another folder.")
    return {"path": path}


# The explorer's module, for a page that shows it without a kernel.
EXPLORER = f"{bundle.script(bundle.ALONE)}\nexport {{ renderAlone }};"
NAME = r"([^/]+)"
REPORT = rf"influencelab/reports/{NAME}/{NAME}"
ADDRESSES: dict[str, dict[str, Callable[..., Any]]] = {
    r"influencelab/studies": {"GET": lambda page: catalogue.catalogue(page.runs.home) | {"at_once": page.runs.at_once}},
    r"influencelab/runs": {"GET": lambda page: {"runs": page.runs.described()}, "POST": ask},
    rf"influencelab/runs/{NAME}": {"DELETE": lambda page, name: page.runs.describe(page.runs.cancel(name))},
    REPORT: {"GET": lambda page, study, folder: catalogue.described(study, folder, page.runs.home)},
    rf"{REPORT}/explorer": {"GET": explorer},
    r"influencelab/explorer": {"GET": lambda _: {"script": EXPLORER, "style": bundle.style()}},
    rf"{REPORT}/figures/(.+)": {"GET": figure},
    rf"{REPORT}/({'|'.join(notebooks.MAKERS)})": {"POST": make},
}


class Panel(ExtensionApp):
    """Runs studies for a page; set it with `--Panel.at_once=2` or in Jupyter's configuration."""

    name = "influencelab"
    at_once = traitlets.Int(1, min=1, help="How many studies run at the same time; the others wait.").tag(config=True)

    def initialize_settings(self) -> None:
        """Find the studies, and the runs on record."""
        root = Path(self.serverapp.root_dir if self.serverapp else ".")
        try:
            self.settings[SETTING] = Runs(home(root), at_once=self.at_once)
        except UnknownName:
            # The page says so; JupyterLab itself has other uses.
            self.settings[SETTING] = None

    def initialize_handlers(self) -> None:
        """Take the questions of the page."""
        self.handlers.extend((address, Handler, work) for address, work in ADDRESSES.items())

    async def stop_extension(self) -> None:
        """Start nothing more; what runs goes on, and the next server knows it again."""
        if self.settings.get(SETTING) is not None:
            self.settings[SETTING].close()
