"""For pytest: the fixture `gradcheck`, and --gradcheck, which checks files with no test code.

pytest layers.py --gradcheck

microgradnn loads when one of them is used, so that pytest starts as fast as without.
"""

from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_HOW = pytest.StashKey[Any]()  # child.Settings
_CONVENTION = "gradcheck convention"  # a property of the tests that are to be told of at the end


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of --gradcheck."""
    group = parser.getgroup("gradcheck", "check of hand-written gradients (microgradnn)")
    group.addoption(
        "--gradcheck",
        action="store_true",
        help="check the forward and backward passes in the Python files given on the command line "
        "(if they are no test files) and in those that match the ini option gradcheck_files",
    )
    group.addoption("--gradcheck-select", metavar="CODES", help="only these checks, as GC2,GC041")
    group.addoption("--gradcheck-ignore", metavar="CODES", help="all checks but these")
    group.addoption("--gradcheck-seed", metavar="N", type=int, default=0, help="of the inputs")
    group.addoption(
        "--gradcheck-time-limit", metavar="SECONDS", type=float, default=60.0, help="of each item"
    )
    group.addoption(
        "--gradcheck-inconclusive",
        choices=("fail", "skip"),
        default="fail",
        help="what to do where nothing could be proved; default: fail",
    )
    group.addoption(
        "--gradcheck-strict",
        action="store_true",
        help="fail where a gradient is right by a convention only",
    )
    parser.addini(
        "gradcheck_files", "files that --gradcheck checks (glob patterns)", "args", default=[]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Reads the options, if they are going to be used."""
    if not config.getoption("gradcheck"):
        return
    option, module = config.getoption, "microgradnn.check."
    check_codes = import_module(module + "codes").check_codes
    try:
        config.stash[_HOW] = import_module(module + "files.child").Settings(
            seed=option("gradcheck_seed"),
            select=check_codes("--gradcheck-select", option("gradcheck_select")),
            ignore=check_codes("--gradcheck-ignore", option("gradcheck_ignore")),
            time_limit=option("gradcheck_time_limit"),
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


# ---- the fixture ---------------------------------------------------------------------------------


class Gradcheck:
    """Checks gradients in a test: what microgradnn.check has, raising where a gradient is wrong.

    gradcheck(forward, backward, inputs), gradcheck(layer, x) and gradcheck(f, (x,)) choose by
    what they are given; gradcheck.vjp, .layer and .grads say it. All return the report.
    """

    def __init__(self, item: pytest.Item):
        self._item = item

    def __call__(self, first: Any, *rest: Any, **options: Any) -> Any:
        """check.layer of two functions, or of an object with forward and backward; else grads."""
        __tracebackhide__ = True
        two = callable(first) and (callable(rest[0]) if rest else "backward" in options)
        layer = two or (hasattr(first, "forward") and hasattr(first, "backward"))
        return self._run("layer" if layer else "grads", first, *rest, **options)

    def layer(self, *args: Any, **options: Any) -> Any:
        """check.layer."""
        __tracebackhide__ = True
        return self._run("layer", *args, **options)

    def vjp(self, *args: Any, **options: Any) -> Any:
        """check.vjp."""
        __tracebackhide__ = True
        return self._run("vjp", *args, **options)

    def grads(self, *args: Any, **options: Any) -> Any:
        """check.grads."""
        __tracebackhide__ = True
        return self._run("grads", *args, **options)

    def _run(self, name: str, *args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        report = getattr(import_module("microgradnn.check"), name)(*args, **options)
        _attach(self._item, report)
        strict = self._item.config.getoption("gradcheck_strict")
        # Raised here, for the traceback to end in the test.
        if report.strict_status() if strict else report.status:
            raise import_module("microgradnn.errors").CheckError(str(report))
        return report


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Gradcheck:
    """Call it as gradcheck(forward, backward, inputs), (layer, x) or (f, (x,)); see Gradcheck."""
    return Gradcheck(request.node)


def _attach(item: pytest.Item, report: Any) -> None:
    item.user_properties.append((f"gradcheck {report.name}", report.verdict))
    if report.conventional:
        item.user_properties.append((_CONVENTION, str(report)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which gradients are right by a convention only: their tests pass."""
    passed = [r for r in terminalreporter.stats.get("passed", ()) if hasattr(r, "user_properties")]
    told = [
        f"{r.nodeid}: {text}"
        for r in passed
        for name, text in r.user_properties
        if name == _CONVENTION
    ]
    if told:
        terminalreporter.section("gradcheck: right by a convention (--gradcheck-strict fails)")
        for text in told:
            terminalreporter.line(text)


# ---- files without test code ---------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Any:
    """What pytest collects from a file, and with --gradcheck its gradients instead."""
    found = yield
    if not parent.config.getoption("gradcheck") or not _wanted(file_path, parent):
        return found
    if not _matches(file_path, parent, "python_files"):
        # pytest would import the file in its own process, where it may do what it likes.
        found = [c for c in found if not isinstance(c, pytest.Module)]
    return [*found, GradFile.from_parent(parent, path=file_path)]


def _wanted(path: Path, parent: pytest.Collector) -> bool:
    if path.suffix != ".py" or path.name in ("conftest.py", "__init__.py", "setup.py"):
        return False
    given = parent.session.isinitpath(path) and not _matches(path, parent, "python_files")
    return given or _matches(path, parent, "gradcheck_files")


def _matches(path: Path, parent: pytest.Collector, option: str) -> bool:
    """As pytest matches its own patterns: the name, or the path where a pattern has a slash."""
    where = path.relative_to(root) if path.is_relative_to(root := parent.config.rootpath) else path
    return any(
        where.match(pattern) if "/" in pattern else path.match(pattern)
        for pattern in parent.config.getini(option)
    )


class GradFile(pytest.File):
    """A file whose gradients are checked, in a process of its own."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each forward and backward pass."""
        child = import_module("microgradnn.check.files.child")
        try:
            found = child.list_file(self._shown, (), self.config.stash[_HOW])
        except child.NothingError as error:
            if self.session.isinitpath(self.path):
                raise self.CollectError(str(error)) from None
            return  # a pattern may match more than layers
        except child.FileError as error:
            raise self.CollectError(str(error)) from None
        for each in found:
            yield GradItem.from_parent(self, name=each["name"], line=each["line"])

    @property
    def _shown(self) -> str:
        here = self.config.invocation_params.dir
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    @cached_property
    def _reports(self) -> Any:
        """One child checks all items that were not deselected, in their order."""
        mine = [item.name for item in self.session.items if item.parent is self]
        child = import_module("microgradnn.check.files.child")
        return child.check_file(self._shown, mine, self.config.stash[_HOW])

    @cached_property
    def _known(self) -> dict[str, Any]:
        return {}

    def report(self, name: str) -> Any:
        """The report on an item; raises FileError where the file can no more be loaded."""
        while name not in self._known:
            report = next(self._reports, None)
            if report is None:
                raise self.CollectError(f"{self._shown}: no {name} in it any more")
            self._known[report.name] = report
        return self._known[name]

    def teardown(self) -> None:
        """Ends the child, which may be ahead of the items."""
        if "_reports" in vars(self):
            self._reports.close()


class GradItem(pytest.Item):
    """One forward and backward pass."""

    def __init__(self, *, line: int, **options: Any):
        super().__init__(**options)
        self.line = line

    def runtest(self) -> None:
        """Raises CheckError, with the report as its text, unless the gradients are right."""
        assert isinstance(self.parent, GradFile)
        report = self.parent.report(self.name)
        _attach(self, report)
        if report.verdict == "INCONCLUSIVE" and self._skips():
            pytest.skip(str(report))
        report.raise_if_failed(self.config.getoption("gradcheck_strict"))

    def _skips(self) -> bool:
        return self.config.getoption("gradcheck_inconclusive") == "skip"

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The report, with no traceback through pytest and this file."""
        errors = import_module("microgradnn.errors")
        if isinstance(excinfo.value, (errors.CheckError, pytest.Collector.CollectError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is, for pytest's headings."""
        return self.path, max(self.line - 1, 0), self.name
