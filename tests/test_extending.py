"""One file and one registry line add a cell, a loss or a solver: CONTRIBUTING's word.

Each test copies the package, adds such a file and line, and fits in a new process.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sk_rnn

ROOT = Path(sk_rnn.__file__).parent
CELL = (Path(__file__).parent / "cells" / "leaky.py").read_text(encoding="utf-8")

LOSS = '''
"""Logarithm of the hyperbolic cosine."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._compat import Interval
from ._losses import Loss


@dataclass
class LogCosh(Loss):
    """Quadratic near zero, linear far away.

    Parameters
    ----------
    log_cosh_scale : float > 0, default=2.0
        Residual at which ``loss="log_cosh"`` turns from quadratic to linear.
    """

    log_cosh_scale: float = 2.0
    constraints: ClassVar[dict] = {
        "log_cosh_scale": [Interval(Real, 0, None, closed="neither")]
    }

    def value(self, y_pred, y):
        scale = self.log_cosh_scale
        return (scale**2 * np.log(np.cosh((y_pred - y) / scale))).sum(axis=1)

    def gradient(self, y_pred, y):
        return self.log_cosh_scale * np.tanh((y_pred - y) / self.log_cosh_scale)
'''

SOLVER = '''
"""Steepest descent."""

from dataclasses import dataclass
from typing import ClassVar

from ._base import Solver


@dataclass
class Descent(Solver):
    """Steps of a fixed length.

    Parameters
    ----------
    step_length : float, default=0.01
        Step of "descent".
    """

    step_length: float = 0.01
    constraints: ClassVar[dict] = {"step_length": [float]}

    def _iterate(self, objective, theta, monitor):
        while not monitor.stop:
            loss, grad = objective.loss_and_grad(theta)
            theta = theta - self.step_length * grad
            monitor.update(theta, loss)
'''


def run(root, code):
    """Run code on the package in a folder, in a new process."""
    code = "import numpy as np, sk_rnn\nX = np.eye(8)\ny = X.sum(axis=0)\n" + code
    environment = os.environ | {"PYTHONPATH": str(root)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=root,
        env=environment,
        check=True,
    )


def register(file, registry, line):
    """Add one line, import included, behind a registry."""
    with file.open("a", encoding="utf-8") as target:
        target.write(f"\n{registry}{line}\n")


@pytest.fixture
def package(tmp_path):
    copied = shutil.copytree(ROOT, tmp_path / "sk_rnn")
    for path in (copied, *copied.rglob("*")):  # it may be installed for reading alone
        path.chmod(0o755)
    return copied


def test_a_cell(package):
    cells = package / "layers" / "cells"
    code = CELL.replace("from sk_rnn.layers import Cell", "from ._base import Cell")
    (cells / "_leaky.py").write_text(code, encoding="utf-8")
    line = '["leaky"] = __import__("importlib").import_module("._leaky", __name__)'
    register(cells / "__init__.py", "CELLS", line + ".LeakyCell")
    run(
        package.parent,
        "from sk_rnn.estimators import RecurrentRegressor\n"
        "class Leaky(RecurrentRegressor):\n"
        "    cell = 'leaky'\n"
        "model = Leaky(max_iter=5, time_scale=3.0).fit(X, y)\n"
        "assert model.loss_curve_[-1] < model.loss_curve_[0]\n",
    )


def test_a_loss_with_a_parameter_of_its_own(package):
    training = package / "training"
    (training / "_log_cosh.py").write_text(LOSS, encoding="utf-8")
    line = '["log_cosh"] = __import__("importlib").import_module('
    line += '".training._log_cosh", "sk_rnn").LogCosh'
    register(training / "_losses.py", "LOSSES", line)
    run(
        package.parent,
        "M = sk_rnn.GRURegressor\n"
        "model = M(loss='log_cosh', log_cosh_scale=0.5, max_iter=5).fit(X, y)\n"
        "assert model.loss_curve_[-1] < model.loss_curve_[0]\n"
        "assert 'log_cosh_scale : float > 0, default=2.0' in M.__doc__\n"
        "try:\n"
        "    model.set_params(log_cosh_scale=-1).fit(X, y)\n"
        "except ValueError as error:\n"
        "    assert 'log_cosh_scale' in str(error)\n"
        "else:\n"
        "    raise AssertionError('log_cosh_scale=-1 was accepted')\n",
    )


def test_a_solver(package):
    solvers = package / "solvers"
    (solvers / "_descent.py").write_text(SOLVER, encoding="utf-8")
    line = '["descent"] = __import__("importlib").import_module("._descent", __name__)'
    register(solvers / "__init__.py", "SOLVERS", line + ".Descent")
    run(
        package.parent,
        "model = sk_rnn.TDNNRegressor(solver='descent', step_length=0.1, max_iter=20)\n"
        "model.fit(X, y)\n"
        "assert model.loss_curve_[-1] < model.loss_curve_[0]\n"
        "assert 'Step of \"descent\"' in sk_rnn.TDNNRegressor.__doc__\n",
    )
