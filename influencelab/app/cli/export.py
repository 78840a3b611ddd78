"""`influencelab export`: a run as one page that opens anywhere."""

import difflib
from pathlib import Path

from influencelab.app.cli.scorecard import results_folder, shown
from influencelab.errors import MissingData, UnknownName
from influencelab.runner.json_file import write_text
from influencelab.runner.profile import is_folder_name, profile_of, rank
from influencelab.runner.report import EXPLORER, load


def exported(run: str, *, output: Path | None, studies: Path | None, results: Path | None) -> str:
    """Write the page of a report's folder, or of a study's largest run that can be explored, into its folder.

    Returns a text on where the page is and how large.
    """
    folder = Path(run).resolve() if is_report(Path(run)) else folder_of(run, results_folder(studies, results))
    path = output or folder / f"{folder.parent.name}.html"
    if not path.parent.is_dir():
        raise MissingData(f"There is no folder {path.parent} to write {path.name} in. Make it, or name another.")
    report = load(folder)
    # It loads the explorer, for which nobody who mistyped a name should wait.
    from influencelab.app.page.page import page

    text = page(report)
    write_text(path, text)
    place = f"Wrote {shown(path)} of {report.study} at {report.profile}, {len(text.encode()) / 10**6:.1f} MB."
    lack = "" if (folder / EXPLORER).is_file() else " It has no explorer, for which that run kept nothing."
    return f"{place} It opens in any browser, without a network.{lack}"


def is_report(folder: Path) -> bool:
    """Whether a report stands there that can be seen."""
    try:
        return (folder / "manifest.json").is_file()
    except PermissionError:
        return False


def folder_of(study: str, home: Path) -> Path:
    """The report of a study that is exported: with an explorer rather than without, the profile's own, the largest."""
    run = [folder for folder in sorted(home.glob("*/*")) if is_folder_name(folder.name) and is_report(folder)]
    mine = [folder for folder in run if folder.parent.name == study]
    if not mine:
        known = sorted({folder.parent.name for folder in run})
        near = difflib.get_close_matches(study, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise UnknownName(
            f"'{study}' is no folder of a report, and no study was run under that name in {home}. "
            f"There are: {', '.join(known) or 'none'}.{hint}"
        )

    def order(folder: Path) -> tuple[bool, bool, int]:
        return (folder / EXPLORER).is_file(), "-" not in folder.name, rank(profile_of(folder.name))

    return max(mine, key=order)
