"""The command line: `influencelab list | run | scorecard | export | sketch | lab`, also `python -m influencelab`."""

import importlib.util
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# Commands import what they need when they run, so that help answers at once.
from influencelab.app.cli.terminal import shortened
from influencelab.errors import InfluenceLabError, MissingData, in_words
from influencelab.runner.signals import Stopped, stopped_by_signals


def open_streams() -> None:
    """Streams that can be written to: closed ones lead nowhere, and those of few letters show ? for the others."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Their numbers too, which would be the next file's that is opened, and a kernel's output.
            while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
                os.set_inheritable(number, True)
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def folder_exists() -> bool:
    """Whether the working folder is there; it may be removed under a process."""
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False


class ClearEnds(TyperGroup):
    """Commands that end with one clear line and no traceback: on a mistake with status 2, on Ctrl-C with status 130.

    A signal ends them likewise, with 128 and its number.
    """

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Read what was asked for, which loads a library."""
        try:
            return super().make_context(*given, **named)
        except KeyboardInterrupt as error:
            typer.echo("\ninfluencelab: stopped before anything began.", err=True)
            raise typer.Exit(128 + signal.SIGINT) from error

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        open_streams()
        try:
            if not folder_exists():
                raise MissingData("The working folder is gone. Change to one that exists: cd.")
            with stopped_by_signals():
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read the output has had enough
        except (InfluenceLabError, OSError) as error:
            typer.echo(shortened(f"influencelab: {in_words(error)}"), err=True)
            raise typer.Exit(2) from error
        except (KeyboardInterrupt, Stopped) as error:
            again = " Run it again: it goes on where it stopped." if ctx.invoked_subcommand == "run" else ""
            typer.echo(f"\ninfluencelab: stopped; earlier results are as they were.{again}", err=True)
            raise typer.Exit(128 + (error.number if isinstance(error, Stopped) else signal.SIGINT)) from error


app = typer.Typer(
    cls=ClearEnds,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudiesOption = Annotated[
    Path | None,
    typer.Option("--studies", metavar="FOLDER", help="Where the studies are; else the nearest folder `studies`."),
]
ResultsOption = Annotated[
    Path | None,
    typer.Option("--results", metavar="FOLDER", help="Where results go; else `results` beside the studies."),
]


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Does influence predict what retraining does? Run the studies, read the verdicts.

    Example: influencelab run leave_one_out --profile quick
    """
    if version:
        from influencelab import __version__

        typer.echo(f"influencelab {__version__}")
        raise typer.Exit


@app.command("list")
def list_studies(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Show this one's parameters.")] = None,
    studies: StudiesOption = None,
) -> None:
    """List the studies and their questions, or one study's parameters and profiles.

    Example: influencelab list leave_one_out
    """
    from influencelab.app.cli.listing import left_out, listed

    typer.echo(listed(study, studies))
    for line in left_out(studies) if not study else ():
        typer.echo(line, err=True)


@app.command("run")
def run_studies(
    study: Annotated[list[str] | None, typer.Argument(metavar="STUDY...", help="Which studies.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every study that has the profile.")] = False,
    core: Annotated[bool, typer.Option("--core", help="Those of them that settle the question.")] = False,
    profile: Annotated[str, typer.Option(help="How large: tiny, quick, standard or paper.")] = "quick",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Change a parameter; may be repeated."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes in all to share the work; 0 for one a core.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A dask scheduler whose workers do the work instead.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where tensors live: cpu or cuda.")] = None,
    studies: StudiesOption = None,
    results: ResultsOption = None,
) -> None:
    """Run studies from top to bottom, headless, and print what they found.

    Results go to results/STUDY/PROFILE. With -p they go to a folder of their own and replace nothing.

    Example: influencelab run leave_one_out --profile quick -p seed=1
    """
    from influencelab.app.cli.run import assignments, lacking_profile, planned, run

    changes = assignments(parameter or [])
    where = {"workers": workers, "scheduler": scheduler, "device": device}
    changes |= {name: str(value) for name, value in where.items() if value is not None}
    some = {"everything": everything, "core": core}
    plans = planned(study or [], **some, profile=profile, changes=changes, folder=studies, home=results)
    lacking, others = lacking_profile(plans, studies, core=core) if everything or core else ([], [])
    raise typer.Exit(run(plans, lacking=lacking, others=others, processes=workers or 0))


@app.command("scorecard")
def print_scorecard(
    claim: Annotated[
        str | None, typer.Argument(metavar="[CLAIM]", help="Show this one in full: its name, or words of its title.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only claims that were not reproduced, or not in every setting.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, with every number at full precision.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write README.md of the results folder, from standard and paper results.")
    ] = False,
    studies: StudiesOption = None,
    results: ResultsOption = None,
) -> None:
    """Print every claim with its verdict, number and interval, by question; or one claim in full.

    Example: influencelab scorecard shallow_influence_is_accurate
    """
    from influencelab.app.cli.scorecard import printed, written

    if write:
        typer.echo(written(studies, results))
        return
    typer.echo(printed(claim, failed=failed, as_json=as_json, studies=studies, results=results))


@app.command("export")
def export_page(
    run: Annotated[str, typer.Argument(metavar="FOLDER|STUDY", help="A report's folder, or a study that was run.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The page; else in the report's folder.")
    ] = None,
    studies: StudiesOption = None,
    results: ResultsOption = None,
) -> None:
    """Write a run as one HTML page that needs no network: verdicts, figures, numbers, and the explorer alive.

    Example: influencelab export leave_one_out --output leave_one_out.html
    """
    from influencelab.app.cli.export import exported

    typer.echo(exported(run, output=output, studies=studies, results=results))


@app.command("sketch")
def sketch_rows(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet, CSV, svmlight or .npz; or Parquet's folder.")],
    target: Annotated[str, typer.Option(help="The column of responses; of .npz a file of them.")] = "",
    family: Annotated[
        str,
        typer.Option(help="binomial, poisson, gaussian, gamma, inverse_gaussian or negative_binomial."),
    ] = "binomial",
    link: Annotated[str, typer.Option(help="Another link than the usual one, such as log or probit.")] = "",
    weights: Annotated[str, typer.Option(help="The column of weights.")] = "",
    offsets: Annotated[str, typer.Option(help="The column of offsets.")] = "",
    weight_decay: Annotated[float, typer.Option(help="Strength of the penalty beside the mean loss.")] = 0.0,
    intercept: Annotated[bool, typer.Option(help="Whether there is one.")] = True,
    k: Annotated[int, typer.Option("--k", min=0, help="Columns of a sketch; 0 for exact scores where they fit.")] = 0,
    projection: Annotated[str, typer.Option(help="sparse_sign, gaussian or count_sketch.")] = "sparse_sign",
    sketches: Annotated[int, typer.Option(min=1, help="Independent sketches.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the sketches.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Threads; 0 for one a core.")] = 0,
    scheduler: Annotated[
        str, typer.Option(metavar="tcp://HOST:PORT", help="A dask scheduler whose workers do the work instead.")
    ] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where scores go, as .parquet or .csv.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows that are shown.")] = 10,
) -> None:
    """Find the rows of a file that drive a regression: Cook's distance of each, exact or sketched.

    With --out, what was interrupted goes on from the chunks that it finished.

    Example: influencelab sketch data.parquet --target y --family binomial --k 200 --out scores.parquet
    """
    from influencelab.app.cli.rows_bar import RowsBar
    from influencelab.app.cli.sketch import Asked, sketched

    fit = {"weight_decay": weight_decay, "intercept": intercept, "workers": workers, "scheduler": scheduler}
    columns = {"weights": weights, "offsets": offsets}
    ways = {"k": k, "projection": projection, "sketches": sketches, "seed": seed}
    asked = Asked(path, target, family, link, **columns, **fit, **ways)
    try:
        with RowsBar() as bar:
            told = sketched(asked, out=out, top=top, progress=bar)
    except (KeyboardInterrupt, Stopped):
        if out is not None:
            typer.echo("\ninfluencelab: what is finished is kept: the same command goes on from there.", err=True)
        raise
    typer.echo(told)


@app.command("lab", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def open_jupyterlab(context: typer.Context, studies: StudiesOption = None) -> None:
    """Open JupyterLab in the folder of studies; further arguments are passed on to it.

    Example: influencelab lab --no-browser --port 8889
    """
    from influencelab.runner.study import studies_folder

    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingData('JupyterLab is not installed. Install it: pip install "influencelab[lab]".')
    home = (studies or studies_folder()).resolve()
    # The file browser begins one folder up, where the results are too.
    places = [f"--ServerApp.root_dir={home.parent}", f"--ServerApp.preferred_dir={home}"]
    sys.stdout.flush()
    os.chdir(home)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *places, *context.args])
