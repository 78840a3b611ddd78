"""One output of each test point: the linear predictor of a regression, or the log-odds of two classes."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.derivatives import output_measure_gradients
from influencelab.models.measure import NEITHER, Measure
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Output(Measure):
    """z of each test point, before any link.

    Attributes:
        output: which, where a model has one a class.
    """

    output: int = 0

    @property
    def noun(self) -> str:
        """Outputs."""
        return "outputs of test points"

    @property
    def effects(self) -> dict[str, int]:
        """No rise is better or worse."""
        return NEITHER

    def unit(self, task: Task) -> str:
        """Of outputs, before any link."""
        return "output"

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The output of each test point."""
        check_output(self.output, task, data)
        return task.outputs(theta, data.x_test)[..., self.output, :]

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """∂z/∂θ of each test point."""
        check_output(self.output, task, data)
        return output_measure_gradients(task, data.x_test, theta, lambda z: z[self.output])


def check_output(output: int, task: Task, data: Dataset) -> None:
    """Refuse an output that the task has not."""
    if not 0 <= output < (count := task.output_loss.size(data)):
        raise InvalidParameter(f"output is {output}, expected one of 0 … {count - 1}.")
