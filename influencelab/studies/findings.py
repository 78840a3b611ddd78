"""What the studies found, in words; every number in them is read from a report when the page is written."""

import re
from collections.abc import Sequence

from influencelab.runner.report import Report
from influencelab.statistics.measurement import Measurement

# `{study:number}` stands for that number of the study's largest report that holds it.
PLACE = re.compile(r"\{([a-z_]+):([^{}]+)\}")

# One finding a line. No digit is typed here: a test refuses it.
FINDINGS: tuple[str, ...] = (
    "**The published picture is real.** With one hidden layer and weight decay, Basu et al.'s protocol gives a median "
    "rank correlation of {depth_and_weight_decay:published/median_spearman/1/0.005} over seeds; with each further "
    "layer it changes by {depth_and_weight_decay:published/slope/0.005}.",
    "**Depth alone does little.** Where fits and retrained models are brought to minima, the same slope "
    "is {depth_and_weight_decay:controlled/warm/slope/0.005} a layer, and "
    "{depth_and_weight_decay:controlled/warm/slope/0.0001} at the smaller weight decay; the mean rank correlation at "
    "the greatest depth is {depth_and_weight_decay:controlled/warm/spearman/8/0.005} and "
    "{depth_and_weight_decay:controlled/warm/spearman/8/0.0001}, and without the models that left for another basin "
    "{depth_and_weight_decay:controlled/warm/trusted_spearman/8/0.005} and "
    "{depth_and_weight_decay:controlled/warm/trusted_spearman/8/0.0001}. The share of those models that converged is "
    "{depth_and_weight_decay:controlled/warm/converged/8/0.005} and "
    "{depth_and_weight_decay:controlled/warm/converged/8/0.0001}.",
    "**Training again from the start asks another question.** Cold, the mean rank correlation at the greatest depth is "
    "{depth_and_weight_decay:controlled/cold/spearman/8/0.005} and, at the smaller weight decay, "
    "{depth_and_weight_decay:controlled/cold/spearman/8/0.0001}.",
    "**Cold, networks differ.** Over hundreds of them, each with test flowers of its own, the mean rank correlation is "
    "{depth_and_weight_decay:cold/controlled/cold/spearman/1/0.005} with one hidden layer and "
    "{depth_and_weight_decay:cold/controlled/cold/spearman/8/0.005} with eight; at the smaller weight decay it is "
    "{depth_and_weight_decay:cold/controlled/cold/spearman/1/0.0001} with one layer already, where warm it is "
    "{depth_and_weight_decay:cold/controlled/warm/spearman/1/0.0001}, and "
    "{depth_and_weight_decay:cold/controlled/cold/spearman/8/0.0001} with eight. The line above rests on ten networks, "
    "all asked about the same flowers; where the two disagree, trust the hundreds. The table below has every depth.",
    "**Numerics can look like fragility.** Through the last layer with the penalty left out and a singular matrix "
    "inverted, as in Epifano et al.'s code, the rank correlation is "
    "{depth_and_weight_decay:epifano/theirs/spearman/1/0.005}; mended, on the same networks and removals, it is "
    "{depth_and_weight_decay:epifano/corrected/spearman/1/0.005}.",
    "**Influence answers the question Bae et al. say it answers.** For networks at a minimum it ranks the proximal "
    "response with {where_the_error_comes_from:controlled/iris/linearised/pbrf/spearman} and beats its own agreement "
    "with cold retraining by {where_the_error_comes_from:controlled/iris/linearised/pbrf_over_cold}; for networks "
    "stopped early the difference is {where_the_error_comes_from:published/iris/estimate/pbrf_over_cold}.",
    "**Width tells the same story.** Under the published protocol each further hidden unit changes the rank "
    "correlation by {depth_and_weight_decay:published/width_slope/1/0.005}; at minima, by "
    "{depth_and_weight_decay:controlled/warm/width_slope/1/0.005}.",
    "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice their standard "
    "deviation over draws is {retraining_noise:noise/unpaired/detected/1/0.001} where each model draws its own "
    "batches, and {retraining_noise:noise/paired/detected/1/0.001} where all see the same.",
    "**The derivative of the run predicts that run.** Its rank correlation with the same run made again without a "
    "point is {retraining_noise:unrolled/sgd/1/0.01/same} for SGD and {retraining_noise:unrolled/adam/1/0.001/same} "
    "for Adam; with a run of another seed it is {retraining_noise:unrolled/sgd/1/0.01/other} and "
    "{retraining_noise:unrolled/adam/1/0.001/other}.",
    "**A hinge works once it is bent a little.** On MNIST, influence through the true hinge correlates with retraining "
    "at {smooth_hinge:mnist/published/0/first/pearson} and is {smooth_hinge:mnist/published/0/first/overshoot} times "
    "too large; through the paper's narrow bend it correlates at {smooth_hinge:mnist/published/0.001/first/pearson}, "
    "through one a hundred times wider at {smooth_hinge:mnist/published/0.1/first/pearson}. Over all test points, "
    "weights trained with the narrow bend reach {smooth_hinge:mnist/consistent/0.001/top/pearson}, and a Newton step, "
    "which takes out each point's own curvature, {smooth_hinge:mnist/newton_step/0.001/top/pearson}.",
    "**How much to bend it can be told without retraining.** On data that had no part in finding it, a rule for the "
    "width of the bend gains {smooth_hinge:rule/held_out/consistent/gain} of correlation over the paper's width, on "
    "average, and gives up {smooth_hinge:rule/held_out/consistent/regret} to the best one.",
)

# The table below the findings: a row for each number of hidden layers, a column for each truth and weight decay.
CAPTION = (
    "Mean signed rank correlation of influence with retraining, over networks with test flowers of their own, every "
    "training flower removed in turn:"
)
LAYERS = {"one": 1, "two": 2, "four": 4, "six": 6, "eight": 8}
COLUMNS = {
    f"{truth}, {size} weight decay": f"cold/controlled/{truth}/spearman/{{}}/{decay}"
    for size, decay in (("larger", "0.005"), ("smaller", "0.0001"))
    for truth in ("warm", "cold")
}


def written(found: Sequence[Report], *, findings: Sequence[str] = FINDINGS) -> str:
    """The findings whose numbers were all measured, as a Markdown list with the numbers in their places.

    Args:
        found: reports, from the smallest profile of a study to its largest.
        findings: sentences with places for numbers.
    """
    numbers = gathered(found)
    known = [text for text in findings if all(place in numbers for place in PLACE.findall(text))]
    return "\n".join(f"- {filled(text, numbers)}" for text in known)


def by_depth(found: Sequence[Report]) -> str:
    """How far influence agrees with warm and with cold retraining at each depth, as a Markdown table.

    Args:
        found: reports, as in `written`. Without a number of any depth there is no table; a number that was not
            measured leaves a dash.
    """
    numbers = gathered(found)
    rows = {
        layers: [numbers.get(("depth_and_weight_decay", name.format(depth))) for name in COLUMNS.values()]
        for layers, depth in LAYERS.items()
    }
    lines = [
        f"| {' | '.join((layers, *('–' if cell is None else str(cell) for cell in cells)))} |"
        for layers, cells in rows.items()
        if any(cell is not None for cell in cells)
    ]
    head = f"| {' | '.join(('hidden layers', *COLUMNS))} |\n|{' --- |' * (1 + len(COLUMNS))}"
    return "\n".join((CAPTION, "", head, *lines)) if lines else ""


def gathered(found: Sequence[Report]) -> dict[tuple[str, str], Measurement]:
    """Each number by study and name, of the largest report that holds it."""
    return {(report.study, name): number for report in found for name, number in report.numbers.items()}


def filled(text: str, numbers: dict[tuple[str, str], Measurement]) -> str:
    """One finding with its numbers."""
    return PLACE.sub(lambda place: str(numbers[place.group(1), place.group(2)]), text)
