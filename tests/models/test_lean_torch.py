"""Half of torch is loaded when it is needed, and not because a derivative is taken."""

import subprocess
import sys

WORK = """
import sys
import influencelab as il
data = il.Iris().load()
for task in (il.Logistic(weight_decay=0.1), il.MLP(weight_decay=0.1, depth=1)):
    fitted = il.fit(task, data, il.Sequential())
    il.Exact().estimate(fitted)
    il.SecondOrder().retrain(fitted, il.leave_one_out(data.n, rows=[0, 1]))
    il.Curvature(fitted).spectrum()
"""
LEAN = "assert 'torch._dynamo' not in sys.modules"
# The true module comes whole, also where its own parts ask for it while it loads.
TRUE = """
assert torch._dynamo.config.verbose is False
import torch._dynamo
assert sys.modules["torch._dynamo"] is torch._dynamo
"""


def test_derivatives_load_no_compiler_and_whoever_needs_one_has_it():
    program = "\n".join([WORK, LEAN, "import torch", TRUE, WORK])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
