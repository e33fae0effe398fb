"""Break the code on purpose, line by line, and see whether a test notices.

``make mutation`` draws 300 mutants of the numerical core with a fixed seed, each one
small change of one expression (`+` for `-`, `<` for `<=`, 1 for 0, a statement left
out). A mutant is run in a copy of the package with the tests that reach its line: first
the shortest case of every test function, then the others until `SECONDS` are spent. It
is killed by the first test that fails, or when the tests take far longer than they
should. What survives is printed; `mutation_survivors.md` explains what has been read.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]

#: Folders of the package whose mistakes would be wrong numbers.
CORE = ("data", "layers", "numerics", "solvers", "training")

#: Seconds of tests that a mutant has to survive, as they take without it.
SECONDS = 20

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


# ------------------------------------------------------------------------ mutants
def changes(node):
    """Yield (field, new value) of small changes of a node."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        if type(node.op) in SWAPS:
            yield "op", SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        if type(node.ops[0]) in SWAPS:
            yield "ops", [SWAPS[type(node.ops[0])](), *node.ops[1:]]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "op", ast.UAdd()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        new = not node.value if isinstance(node.value, bool) else node.value + 1
        yield "value", new
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Slice):
        for field in ("lower", "upper"):
            if getattr(node, field) is not None:
                yield field, ast.BinOp(getattr(node, field), ast.Add(), ast.Constant(1))


def left_out(node):
    """Whether a statement can be left out and still leave a program."""
    call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return call or isinstance(node, ast.AugAssign | ast.Raise | ast.Break)


def places(path):
    """Yield (path, number of the node, number of the change) of a file's mutants."""
    for k, node in enumerate(nodes(ast.parse(path.read_text()))):
        count = len(list(changes(node))) + left_out(node)
        yield from ((path, k, j) for j in range(count))


def nodes(tree):
    """What has a line, but for annotations, which nobody runs."""
    annotations = {
        id(part)
        for node in ast.walk(tree)
        for field in ("annotation", "returns")
        for part in ast.walk(getattr(node, field, None) or ast.Pass())
    }
    found = (node for node in ast.walk(tree) if hasattr(node, "lineno"))
    return [node for node in found if id(node) not in annotations]


def mutant(path, k, j):
    """The mutant at a place: (path in the package, line, description, source)."""
    tree = ast.parse(path.read_text())
    node = nodes(tree)[k]
    before, possible = ast.unparse(node), list(changes(node))
    if j < len(possible):
        setattr(node, *possible[j])
        after = ast.unparse(node)
    else:
        Leave(node).visit(tree)
        after = "pass"
    source = ast.unparse(ast.fix_missing_locations(tree))
    what = " ".join(f"{before}  ->  {after}".split())
    return str(path.relative_to(ROOT)), node.lineno, what, source


class Leave(ast.NodeTransformer):
    """Puts `pass` in the place of one statement."""

    def __init__(self, statement):
        self.statement = statement

    def visit(self, node):
        return ast.Pass() if node is self.statement else super().visit(node)


def sampled(n, seed):
    """`n` mutants of the core."""
    found = [
        place
        for folder in CORE
        for path in sorted((ROOT / "sk_rnn" / folder).rglob("*.py"))
        for place in places(path)
    ]
    print(f"{len(found)} mutants, of which {n} are tried")
    return [mutant(*place) for place in random.Random(seed).sample(found, n)]


# -------------------------------------------------------------------------- tests
class Map:
    """Which tests reach a line, and how many seconds each takes.

    Parameters
    ----------
    folder : Path
        Where the measurement is; without it all tests are run once, and measured.
    """

    def __init__(self, folder):
        from coverage import CoverageData

        if not (folder / "times.xml").exists():
            measure(folder)
        self.times = read_times(folder / "times.xml")
        self._data = CoverageData(basename=str(folder / "coverage"))
        self._data.read()

    def tests(self, path, lines):
        """The tests of each line: of one that is run on import, those of the file."""
        names = self._data.contexts_by_lineno(str(ROOT / path))
        # Without a name: what is run on import.
        reach = {k: {n.partition("|")[0] for n in v if n} for k, v in names.items()}
        every = set().union(*reach.values())
        found = (reach.get(line) or every for line in lines)
        return [chosen(tests & self.times.keys(), self.times) for tests in found]


def measure(folder):
    environment = os.environ | {"COVERAGE_FILE": str(folder / "coverage")}
    command = [
        *(sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider"),
        # scikit-learn's checks take long and look at few numbers.
        *(
            "--ignore=tests/test_common.py",
            "-n2",
            "--dist=worksteal",
            "--cov=sk_rnn",
            "--cov-context=test",
        ),
        *("--cov-report=", f"--junitxml={folder / 'times.xml'}"),
    ]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def read_times(file):
    times = {}
    for case in ElementTree.parse(file).iter("testcase"):
        path = case.get("classname").replace(".", "/") + ".py"
        times[f"{path}::{case.get('name')}"] = float(case.get("time"))
    return times


def chosen(tests, times):
    """The shortest case of each test function, then others, up to `SECONDS`."""
    tests = sorted(tests, key=lambda test: (times[test], test))
    by_function = defaultdict(list)
    for test in tests:
        by_function[test.partition("[")[0]].append(test)
    first = sorted((cases[0] for cases in by_function.values()), key=times.get)
    total, found = 0.0, []
    for test in dict.fromkeys([*first, *tests]):
        total += times[test] + 0.01
        if found and total > SECONDS:
            break
        found.append(test)
    return found


# --------------------------------------------------------------------------- trial
def survives(mutant, tests, times):
    """Whether all tests pass in a copy of the package with this mutant."""
    path, _, _, source = mutant
    seconds = sum(times[t] for t in tests)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sk_rnn", "tests", "conftest.py", "setup.cfg"):
            copy_of = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy_of(ROOT / name, Path(folder, name))
        Path(folder, path).write_text(source)
        Path(folder, "names").write_text("\n".join(tests))
        command = [
            *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", "--no-header", "--tb=line", "@names"),
        ]
        environment = os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                timeout=60 + 10 * seconds,
                capture_output=True,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--map", type=Path, help="a folder for which test reaches what")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reached = Map(args.map or Path(folder))
    drawn = sorted(sampled(args.n, args.seed))
    trials = []
    for path, group in groupby(drawn, key=itemgetter(0)):
        group = list(group)
        trials += zip(group, reached.tests(path, [m[1] for m in group]), strict=True)

    def outcome(trial):
        (path, line, what, _), tests = trial
        lives = not tests or survives(*trial, reached.times)
        result = "not reached" if not tests else "survives" if lives else "killed"
        print(f"{result:11} {path}:{line}  {what}", flush=True)
        return result

    with ThreadPoolExecutor(args.jobs) as pool:
        results = Counter(pool.map(outcome, trials))
    print(f"{results['killed']} of {args.n} killed:", dict(results))


if __name__ == "__main__":
    main()
