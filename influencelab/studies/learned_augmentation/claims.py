"""What is claimed, and was found, of augmentation that is learned by influence."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting

STUDY = "learned_augmentation"
DATA = {
    "mnist_1": "MNIST, 1% of the labels",
    "mnist_10": "MNIST, 10%",
    "cifar10": "pictures of CIFAR-10",
    "digits": "digits of 8 × 8 pixels",
}
# Those that the record holds: of others a claim would stay open.
RECORD = {name: DATA[name] for name in ("mnist_1", "digits")}
# Errors that the paper prints, in per cent.
PRINTED = {"mnist_1": 3.1, "mnist_10": 0.8}
COPIES = {"affine_copies": "random copies", "learned_copies": "learned copies"}
RIVALS = {
    "affine": "random affine maps",
    "untaught": "the augmenter untaught",
    "search": "random search",
    "taught": "the augmenter taught, by itself",
}
RANKS = {"estimator": "last_layer_influence", "target": "refit", "statistic": "spearman"}
GAIN = {"arm": "learned", "statistic": "error_gain"}
# The smallest difference of test errors that matters, in percentage points.
SMALL = 0.1

claim = partial(Claim, study=STUDY, paper="Lee et al. 2020")
CLAIMS = (
    claim(
        name="influence_ranks_replaced_batches",
        statement="Where a batch of training pictures is replaced by transformed copies, influence through the last "
        "layer ranks the change in validation loss as fitting that layer again does (Spearman).",
        where=RANKS,
        settings=tuple(
            Setting(f"{words}, {of}", {"data": name, "selection": selection})
            for name, words in RECORD.items()
            for selection, of in COPIES.items()
        ),
        published="not measured: the approximation is used, and not held against retraining",
        low=0.5,
    ),
    claim(
        name="influence_ranks_whole_networks",
        statement="The same prediction through the last layer ranks what happens to validation loss when the whole "
        "network is trained again, from the same start with the same batches (Spearman).",
        where={**RANKS, "target": "network", "selection": "learned_copies"},
        settings=(Setting(DATA["digits"], {"data": "digits"}),),
        published="not measured; their networks are trained whole",
        low=0.5,
    ),
    claim(
        name="learned_augmentation_beats_random",
        statement="A network trained with learned augmentation has a lower test error than with random affine maps and "
        "brightness (percentage points, the same labels, start and batches). Lee et al. print 3.1% error with 1% and "
        "0.8% with 10% of the labels of MNIST, as far as their table can be read: what they validated by is not known.",
        where={**GAIN, "rival": "affine"},
        settings=tuple(Setting(words, {"data": name}) for name, words in RECORD.items()),
        published="lower errors than their baseline, whose numbers could not be recovered",
        low=0.0,
        negligible=SMALL,
        unit="%",
        sizes=tuple(
            Setting(
                f"error of {printed:g}%, within a third, {DATA[name]}",
                {"data": name, "arm": "learned", "rival": None, "statistic": "test_error"},
                low=round(printed * 2 / 3, 2),
                high=round(printed * 4 / 3, 2),
            )
            for name, printed in PRINTED.items()
            if name in RECORD
        ),
    ),
    claim(
        name="what_is_learned_matters",
        paper="influencelab, beside Lee et al. 2020",
        statement="The gain comes from what is learned: the error is lower than with the same augmenter before it was "
        "taught, whose transformations are random.",
        where={**GAIN, "rival": "untaught"},
        settings=tuple(Setting(words, {"data": name}) for name, words in RECORD.items()),
        published="not compared",
        low=0.0,
        negligible=SMALL,
        unit="%",
    ),
    claim(
        name="learning_beats_random_search",
        paper="influencelab, beside Lee et al. 2020",
        statement="For about the same processor time, learning by influence gives a lower test error than the best of "
        "random policies. The 8 GPU hours against AutoAugment's 5,000 are of other hardware, and not repeated.",
        where={**GAIN, "rival": "search"},
        settings=tuple(Setting(words, {"data": name}) for name, words in RECORD.items()),
        published="2.8% against 2.6% of AutoAugment (CIFAR-10, a wide network), in 8 against 5,000 GPU hours",
        low=0.0,
        negligible=SMALL,
        unit="%",
    ),
)

# What is true of the data that the record holds.
HEADS = {
    "mnist_1": "**On MNIST learned copies beat random affine maps; that the learning did it is not shown.** ",
    "digits": "**On digits the augmenter is better untaught.** ",
}
FINDINGS = tuple(
    Finding(
        STUDY,
        f"{head}{DATA[name]}: where batches are replaced by learned copies, influence ranks the change in validation "
        "loss with a Spearman correlation of {}; the size is {} times the predicted one. The test error is {} with "
        "learned augmentation, {} with random affine maps, {} with the augmenter untaught and {} after a random search "
        "that took {} where learning took {}.",
        (
            *(
                {**RANKS, "statistic": each, "data": name, "selection": "learned_copies"}
                for each in ("spearman", "slope")
            ),
            *(
                {"data": name, "arm": arm, "statistic": "test_error"}
                for arm in ("learned", "affine", "untaught", "search")
            ),
            *({"data": name, "arm": arm, "statistic": "processor_time"} for arm in ("search", "learned")),
        ),
    )
    for name, head in ((name, HEADS.get(name, "")) for name in DATA)
)

TABLES = (
    FindingTable(
        STUDY,
        "Test error by augmentation (means over seeds).",
        "augmentation",
        {
            "none": {"arm": "none", "statistic": "test_error"},
            **{words: {"arm": arm, "statistic": "test_error"} for arm, words in RIVALS.items()},
            "learned": {"arm": "learned", "statistic": "test_error"},
        },
        {words: {"data": name} for name, words in DATA.items()},
    ),
)
