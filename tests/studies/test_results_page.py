"""The pages of results: verdicts by question on one short page, and one page a study with all its numbers."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from influencelab.errors import MissingData
from influencelab.runner.claim import Claim
from influencelab.runner.profile import Profile
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.setting import Setting
from influencelab.runner.verdict import TERMS
from influencelab.statistics.measurement import Measurement
from influencelab.studies.results_page import write_readme

ROOT = Path(__file__).parents[2]
DEPTHS = tuple(Setting(f"{depth} layers", {"depth": depth}) for depth in (1, 2))
CLAIM = Claim("slopes_are_one", "Somebody 2017 | Fig. 1", "The slope is 1.", "fine", {}, "near 1", 0.95, 1.05, DEPTHS)
QUESTIONS = {"fine": "Is it fine?"}


def publish(results: Path, profile: str, *values: float, figures: Mapping[str, str] | None = None) -> None:
    """A report of the claim's number at one depth after another."""
    draft = ReportWriter("fine", folder=results / "fine" / profile, parameters={})
    for depth, value in enumerate(values, start=1):
        draft.number(Measurement(value, low=value - 0.01, high=value + 0.01), depth=depth)
    for name, caption in (figures or {}).items():
        draft.figure(name, Figure(), caption=caption)
    draft.publish()


def pages(results: Path) -> tuple[str, str]:
    """The first page and that of the study."""
    page = write_readme(results, claims=[CLAIM], questions=QUESTIONS)
    assert page == results / "README.md"
    return page.read_text(), (results / "fine" / "README.md").read_text()


def test_the_first_page_has_a_row_a_question_that_leads_to_a_page_of_its_own(tmp_path):
    publish(tmp_path, "standard", 1.0, 2.0)
    first, own = pages(tmp_path)
    assert "| [Is it fine?](fine/README.md) | – | 1 depends on the setting |" in first
    assert "1.00 [0.99, 1.01]" not in first
    assert own.startswith("# Is it fine?\n")
    assert "**depends on the setting**: The slope is 1. *Somebody 2017 | Fig. 1; printed: near 1; accepted:" in own
    assert "| 1 layers | 1.00 [0.99, 1.01] | 0.95 to 1.05 | reproduced | standard |" in own
    assert "| 2 layers | 2.00 [1.99, 2.01] | 0.95 to 1.05 | not reproduced | standard |" in own
    assert "## Words" in own
    assert f"- depends on the setting: {TERMS['depends on the setting']}" in own


def test_each_figure_stands_once_with_its_caption_from_the_largest_whole_run(tmp_path):
    publish(tmp_path, "standard", 1.0, figures={"by/path": "Slope by depth, a dot a network.", "loss": ""})
    publish(tmp_path, "paper_width", 1.0, figures={"by/path": "", "width": ""})
    _, own = pages(tmp_path)
    assert re.findall(r"!\[(.+?)\]\((.+?)\)\n\n\*(.+?)\*", own) == [
        ("by/path", "standard/figures/by/path.svg", "Slope by depth, a dot a network. Profile standard."),
        ("loss", "standard/figures/loss.svg", "Loss. Profile standard."),
        ("width", "paper_width/figures/width.svg", "Width. Profile paper_width."),
    ]


def test_every_link_of_the_pages_leads_to_a_file_or_a_heading(tmp_path):
    publish(tmp_path, "standard", 1.0, 2.0, figures={"path": ""})
    pages(tmp_path)
    for page in tmp_path.glob("**/README.md"):
        text = page.read_text()
        headings = {re.sub(r"\s", "-", line.lower()) for line in re.findall(r"^## (.+)$", text, flags=re.MULTILINE)}
        for link in re.findall(r"\]\((.+?)\)", text):
            place = page.parent / link
            assert link.removeprefix("#") in headings or "/studies/" in link or place.exists(), link


def test_the_pages_rest_on_standard_and_paper_runs_alone(tmp_path):
    publish(tmp_path, "standard", 1.0, 1.0)
    publish(tmp_path, "quick", 2.0, 2.0)
    publish(tmp_path, "standard-1a2b3c4d", 4.0, 4.0)
    before = pages(tmp_path)
    assert "quick" not in "".join(before)
    assert "1a2b3c4d" not in "".join(before)
    # Damage to what the page does not rest on does not matter; damage to what it rests on does.
    (tmp_path / "fine" / "quick" / "measurements.csv").unlink()
    assert pages(tmp_path) == before
    (tmp_path / "fine" / "standard" / "measurements.csv").unlink()
    with pytest.raises(MissingData, match=r"measurements.csv"):
        pages(tmp_path)


def test_the_first_page_says_what_was_not_run_and_how_long_it_would_take(tmp_path):
    planned = {"noise": [Profile(name, {}, 600.0, 1.0) for name in ("tiny", "standard", "paper_digits")]}
    text = write_readme(tmp_path, claims=[CLAIM], planned=planned).read_text()
    assert "`noise` standard 10, paper_digits 10." in text
    assert "tiny" not in text
    assert "Not run yet" not in write_readme(tmp_path, claims=[CLAIM]).read_text()


def test_the_committed_first_page_is_short_and_says_how_bands_were_chosen():
    text = (ROOT / "results" / "README.md").read_text()
    assert len(text.splitlines()) <= 60
    assert "pilots on the same" in text
    assert all((ROOT / "results" / link).is_file() for link in re.findall(r"\]\((\w+/README.md)\)", text))
