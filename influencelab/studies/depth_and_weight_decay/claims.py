"""What is claimed about influence in deeper, wider and less regularised networks, and about who is to blame."""

from influencelab.runner.claim import Claim

STUDY = "depth_and_weight_decay"
BASU = "Basu et al. 2021, Iris"
EPIFANO = "Epifano et al. 2023, Iris"
SHALLOW = "Spearman 0.97 at depth 1, width 5, with weight decay; one network"
FALLS = "falls when depth exceeds about 5; no interval"
DECAY = "Spearman 0.97 with weight decay against 0.508 without; one network each"
WIDER = (
    "falls from width 8 to 50; no interval (the 50 networks a width of Epifano et al.: 0.38 to −0.03, sd 0.5 to 0.66)"
)
LAST = "0.66 ± 0.05 (standard error) over 50 networks with selu and weight decay, recomputed from the authors' arrays"

CLAIMS = (
    Claim(
        name="shallow_influence_is_accurate",
        paper=BASU,
        statement="With one hidden layer of 5 units and weight decay 0.005 the median network's influence ranks "
        "removals as the published retraining does.",
        study=STUDY,
        where={"name": "published/median_spearman/1/0.005"},
        low=0.9,
        high=None,
        published=SHALLOW,
        least="standard",
        arm="published",
    ),
    Claim(
        name="depth_lowers_agreement",
        paper=BASU,
        statement="Under the published protocol signed ρ falls with depth: its slope per hidden layer is below 0.",
        study=STUDY,
        where={"name": "published/slope/0.005"},
        low=None,
        high=0.0,
        published=FALLS,
        least="standard",
        unit="per layer",
        arm="published",
        control={"name": "controlled/warm/slope/0.005"},
    ),
    *(
        Claim(
            name=f"depth_lowers_agreement_{target}_at_{decay.replace('.', '_').replace('-', '_')}",
            paper=BASU,
            statement=f"The same slope where every network is at a minimum, all points are removed and the truth is "
            f"retraining {told}, at weight decay {decay}.",
            study=STUDY,
            where={"name": f"controlled/{target}/slope/{decay}"},
            low=None,
            high=0.0,
            published=FALLS,
            least="standard",
            unit="per layer",
            arm="controlled",
        )
        for target, told in (("warm", "from the fit to the minimum"), ("cold", "from the start to a minimum"))
        for decay in ("0.005", "0.0001")
    ),
    Claim(
        name="weight_decay_raises_agreement",
        paper=BASU,
        statement="With one hidden layer, weight decay 0.005 raises ρ over none, under the published protocol.",
        study=STUDY,
        where={"name": "published/decay_gain/1"},
        low=0.0,
        high=None,
        published=DECAY,
        least="standard",
        arm="published",
        control={"name": "controlled/warm/decay_gain/1"},
    ),
    *(
        Claim(
            name=f"weight_decay_raises_agreement_{target}",
            paper=BASU,
            statement=f"With one hidden layer, weight decay 0.005 raises ρ over 0.0001 where every network is at a "
            f"minimum and the truth is {target} retraining.",
            study=STUDY,
            where={"name": f"controlled/{target}/decay_gain/1"},
            low=0.0,
            high=None,
            published=DECAY,
            least="standard",
            arm="controlled",
        )
        for target in ("warm", "cold")
    ),
    Claim(
        name="width_lowers_agreement",
        paper=BASU,
        statement="With one hidden layer signed ρ falls as it widens from 5 to 50 units, under the published protocol.",
        study=STUDY,
        where={"name": "published/width_slope/1/0.005"},
        low=None,
        high=0.0,
        published=WIDER,
        least="paper",
        unit="per unit of width",
        arm="published",
        control={"name": "controlled/warm/width_slope/1/0.005"},
    ),
    Claim(
        name="width_lowers_agreement_warm",
        paper=BASU,
        statement="The same where every network is at a minimum and retraining goes on to one.",
        study=STUDY,
        where={"name": "controlled/warm/width_slope/1/0.005"},
        low=None,
        high=0.0,
        published=WIDER,
        least="paper",
        unit="per unit of width",
        arm="controlled",
    ),
    Claim(
        name="corrected_last_layer_agrees_better",
        paper=EPIFANO,
        statement="Last-layer influence with the penalty in its curvature and a pseudo-inverse agrees better with the "
        "published retraining than the authors' own, which has neither.",
        study=STUDY,
        where={"name": "epifano/corrected_less_theirs/1/0.005"},
        low=0.0,
        high=None,
        published="their validation is what is fragile; no corrected estimate was made",
        least="standard",
        arm="published",
    ),
    Claim(
        name="last_layer_agreement",
        paper=EPIFANO,
        statement="Mean signed ρ of the authors' own last-layer influence at one hidden layer.",
        study=STUDY,
        where={"name": "epifano/theirs/spearman/1/0.005"},
        low=None,
        high=None,
        published=LAST,
        least="standard",
        arm="published",
    ),
)
