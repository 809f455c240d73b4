"""What a report says, in each of its forms, and which codes it is asked about."""

import itertools
import json
import math
import re
import time
from dataclasses import fields, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check import CODES, VERDICTS, Entry, Finding, Report
from microgradnn.check.codes import check_codes, selected
from microgradnn.check.files.cli import Result
from microgradnn.check.report import HINTS, junit, report_from_dict
from microgradnn.errors import CheckError, ConfigError, MicrogradError
from tests.check.hard import checked
from tests.check.zoo import BY_NAME, WRONG

NAN, INF = float("nan"), float("inf")
X = np.array([[0.5, -1.25], [2.0, 0.75]])


def finding(verdict: str, code: str = "GC201", **more: Any) -> Finding:
    return Finding(code, verdict, f"as told: {verdict}", **more)


def report(*verdicts: str, **more: Any) -> Report:
    return Report("layer", tuple(finding(v) for v in verdicts), **more)


def wrong_report(**options: Any) -> Report:
    def forward(x):
        return np.sin(x), x

    def backward(dout, x):
        return dout * np.cos(x) * 2

    return check.layer(forward, backward, (X,), **options)


def right_report(**options: Any) -> Report:
    return check.layer(lambda x: (np.sin(x), x), lambda dout, x: dout * np.cos(x), (X,), **options)


# ---- verdict, ok, status -------------------------------------------------------------------------


def test_verdicts_from_best_to_worst() -> None:
    assert VERDICTS == (
        "PASS", "PASS_SUBGRADIENT", "UNSTABLE", "CONVENTION", "FAIL", "INCONCLUSIVE", "CONTRACT",
        "NONDETERMINISTIC", "NOT_WRITTEN", "NOTHING",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "ok", "status"),
    [
        ("PASS", True, 0), ("PASS_SUBGRADIENT", True, 0), ("UNSTABLE", True, 0), ("FAIL", False, 3),
        ("INCONCLUSIVE", False, 4), ("CONTRACT", False, 5), ("NONDETERMINISTIC", False, 6),
        ("CONVENTION", True, 0),
    ],
)  # fmt: skip
def test_each_verdict_is_ok_or_not_and_has_its_exit_status(
    verdict: str, ok: bool, status: int
) -> None:
    r = report("PASS", verdict)
    assert r.verdict == verdict and r.ok is ok and bool(r) is ok and r.status == status
    if ok:
        assert r.raise_if_failed() is None
    else:
        with pytest.raises(CheckError) as raised:
            r.raise_if_failed()
        assert str(raised.value) == str(r)
        assert isinstance(raised.value, MicrogradError)


def test_no_finding_is_a_pass() -> None:
    assert report().verdict == "PASS" and report().ok and report().worst is None


WEIGHT = (
    "PASS",
    "PASS_SUBGRADIENT",
    "UNSTABLE",
    "CONVENTION",
    "INCONCLUSIVE",
    "CONTRACT",
    "FAIL",
    "NONDETERMINISTIC",
)


@given(st.lists(st.sampled_from(WEIGHT), min_size=1, max_size=5))
def test_the_finding_that_weighs_most_speaks_for_all(verdicts: list[str]) -> None:
    assert report(*verdicts).verdict == max(verdicts, key=WEIGHT.index)


def test_the_worst_entry_is_of_the_verdict_and_relative() -> None:
    small = Entry("x", (0,), 1.1, 1.0, 0.1, 1e14, 0.0)
    large = Entry("y", (1,), 1000.5, 1000.0, 0.5, 1e13, 0.0)
    undefined = Entry("z", (2,), NAN, 1.0, NAN, NAN, 0.0)
    huge = Entry("u", (), 9.0, 1.0, 8.0, 1e16, 0.0)
    found = (
        finding("FAIL", worst=large), finding("FAIL", worst=small),
        finding("UNSTABLE", "GC203", worst=huge), finding("FAIL"),
    )  # fmt: skip
    assert Report("layer", found).worst == small
    assert Report("layer", (*found, finding("FAIL", worst=undefined))).worst == undefined
    assert Report("layer", (found[3], found[2])).worst == huge


# ---- text ----------------------------------------------------------------------------------------


def test_entries_as_text() -> None:
    far = Entry("W", (2, 1), 0.6118, 1.0, 0.3882, 1.75e15, 1e-16)
    assert str(far) == "dW[2, 1]: yours 0.6118, true 1, relative error 0.39"
    assert far.explain() == "dW[2, 1]: 1.75e+15 ulps off; the true value is known to ±1e-16"
    close = Entry("W", (0,), 1.0000000001, 1.0, 1e-10, 4.5e5, 0.0)
    assert str(close) == "dW[0]: yours 1.0000000001, true 1, relative error 1e-10"
    assert close.explain() == "dW[0]: 4.5e+05 ulps off"
    rough = Entry("W", (), 2.5, 2.0, 0.5, 1e15, 1e-6)
    assert str(rough) == "dW: yours 2.5, true 2 ±1e-06, relative error 0.25"
    zero = Entry("W", (), 3e-5, 0.0, 3e-5, NAN, 0.0)
    assert str(zero) == "dW: yours 3e-05, true 0, absolute error 3e-05"
    assert zero.explain() == "dW: known exactly"
    kink = Entry("x", (), 2.0, 0.0, 2.0, NAN, 0.0, (0.0, 1.0))
    assert str(kink) == "dx: yours 2, allowed [0, 1]"
    hole = Entry("x", (3,), NAN, 0.5, NAN, NAN, 0.0)
    assert str(hole) == "dx[3]: yours nan, true 0.5"


@pytest.mark.parametrize("entry", WRONG[::7], ids=lambda e: e.name)
def test_findings_take_ten_lines_at_most_and_ascii_control_free(entry: Any) -> None:
    r = checked(entry, entry.make_inputs(np.random.default_rng(0)))
    for f in r.findings:
        assert len(str(f).split("\n")) <= 10 and len(str(f)) <= 1200
        assert str(f).startswith(f"{f.code} {f.message[:20]}")
    text = str(r)
    assert text.split(":")[0] == f"{r.verdict} {r.name}" or text.startswith(f"{r.verdict} {r.name}")
    if not r.ok:
        assert text.split("\n")[-1].strip().startswith("again: check.")
        assert all(f.message in text for f in r.findings if f.verdict != "PASS")


def test_a_long_message_is_cut() -> None:
    f = Finding("GC001", "CONTRACT", "x" * 5000, hint="\n".join(["line"] * 3))
    assert len(str(f)) <= 1200


def test_text_of_a_wrong_layer() -> None:
    lines = str(wrong_report(probes=False, seed=3)).split("\n")
    assert lines[0] == (
        "FAIL forward: dx is wrong: 4 of 4 entries; yours is 2 × the true gradient everywhere"
    )
    assert re.fullmatch(
        r"  GC201 worst dx\[\d, \d\]: yours \S+, true \S+, relative error 1", lines[1]
    )
    assert lines[2] == "      at your point; true value: traced exactly"
    assert lines[3] == "  GC401 dx: it is 2 times the true gradient everywhere"
    assert lines[5].startswith("  GC501 the first wrong line is line ")
    assert re.fullmatch(
        r"  x \(2, 2\) at 1 point; \d+ checks, seed 3, \d\.\d\d s",
        lines[6],
    )
    assert lines[7:] == ["  again: check.layer(forward, backward, inputs, seed=3)"]


def test_levels_of_help() -> None:
    report = wrong_report(probes=False, seed=3)
    told = {level: [f.code for f in report.hinted(level).findings] for level in HINTS}
    assert told == {
        "none": ["GC201"],
        "class": ["GC201", "GC401"],
        "line": ["GC201", "GC401", "GC501"],
        "fix": ["GC201", "GC401", "GC501"],
    }
    assert str(report.hinted("none")).split("\n")[0] == "FAIL forward: dx is wrong: 4 of 4 entries"
    assert "to mend it" not in str(report.hinted("line"))
    assert "to mend it" in str(report.hinted("fix"))
    assert all(report.hinted(level).verdict == "FAIL" for level in HINTS)


def test_what_was_looked_at_is_counted_in_plain_words() -> None:
    shapes = ({name: (2, i) for i, name in enumerate("abcdefgh")},)
    one = Report("f", (), ("GC201",), ("your point",), shapes=shapes)
    assert str(one) == (
        "PASS f: a (2, 0), b (2, 1), c (2, 2), d (2, 3), e (2, 4), f (2, 5), and 2 more at 1 point; "
        "1 check, seed 0, 0.00 s"
    )
    several = Report("f", (), ("GC1", "GC2"), ("a", "b"))
    assert str(several) == "PASS f: 2 points; 2 checks, seed 0, 0.00 s"
    assert str(Report("f")) == "PASS f: no values compared; 0 checks, seed 0, 0.00 s"


def test_a_wrong_value_is_told_before_a_broken_law() -> None:
    law, value = finding("FAIL", "GC102"), finding("FAIL", "GC201")
    shape = Finding("GC041", "CONTRACT", "db has shape (3,), but b has shape (1, 3)")
    text = str(Report("f", (shape, law, value)))
    assert [line.split()[0] for line in text.split("\n")] == [
        "FAIL", "GC201", "GC102", "GC041", "no",
    ]  # fmt: skip


def test_remarks_are_in_the_explanation_only() -> None:
    r = checked(BY_NAME["add"], BY_NAME["add"].make_inputs(np.random.default_rng(0)))
    remark = finding("PASS", "GC031")
    r = replace(r, findings=(remark,), notes=("something was left out",))
    assert "as told" not in str(r) and r.verdict == "PASS"
    text = r.explain()
    assert "remark     GC031 as told: PASS" in text and "note       something was left out" in text


def test_the_explanation_says_what_was_looked_at_and_how() -> None:
    r = wrong_report(seed=5, select=["GC2"], probes=False)
    text = r.explain()
    assert text.startswith(str(r))
    assert "verdict    FAIL: a gradient is wrong by more than rounding" in text
    assert "points     your point\n" in text
    assert "oracle     dx: traced exactly; errors from" in text
    assert "traced exactly: your own forward ran on numbers" in text
    assert re.search(r"entry      dx\[\d, \d\]: \S+ ulps off", text)
    assert "4 of 4 entries were nonzero at some point" in text
    assert f"looked at  GC201 {CODES['GC201']}" in text and "GC010" not in text
    assert text.split("\n")[-1] == "again      check.layer(forward, backward, inputs, seed=5)"
    passed = right_report().explain()
    assert "verdict    PASS: every gradient is right at every point, within rounding" in passed
    assert "random numbers" in passed


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_is_explained(verdict: str) -> None:
    assert re.search(rf"verdict    {verdict}: \w+", report(verdict).explain())


# ---- JSON ----------------------------------------------------------------------------------------


def test_json_holds_everything() -> None:
    r = wrong_report(seed=7)
    data = json.loads(r.to_json())
    assert data == r.to_dict()
    assert {f.name for f in fields(Report)} | {"verdict", "ok", "worst"} == set(data)
    assert data["verdict"] == "FAIL" and data["ok"] is False and data["seed"] == 7
    assert data["findings"][0]["code"] == "GC201"
    assert data["findings"][0]["data"][
        "factor" if "factor" in data["findings"][0]["data"] else "entries"
    ]
    assert data["worst"]["argument"] == "x" and len(data["worst"]["index"]) == 2
    assert data["worst"]["yours"] == r.worst.yours
    assert data["coverage"] == {"x": [4, 4]} and data["points"] == list(r.points)
    assert np.shape(data["findings"][0]["data"]["yours"]) == X.shape
    assert json.loads(right_report().to_json(indent=None))["worst"] is None
    assert "\n" not in right_report().to_json(indent=None)


def strict(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@settings(max_examples=10)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_data_is_valid_json(data: Any) -> None:
    entry = Entry("x", (0,), NAN, INF, INF, -INF, NAN, (-INF, INF))
    found = Finding(
        "GC201", "FAIL", "m", worst=entry, data={"more": data, "array": np.array([1, NAN])}
    )
    out = strict(Report("layer", (found,), smallest={"x": INF}).to_json())
    (back,) = out["findings"]
    assert back["worst"]["yours"] == "nan" and back["worst"]["interval"] == ["-inf", "inf"]
    assert back["data"]["array"] == [1.0, "nan"] and out["smallest"] == {"x": "inf"}
    if isinstance(data, (bool, int, str)) or data is None:
        assert back["data"]["more"] == data
    elif isinstance(data, float):
        assert back["data"]["more"] == (data if math.isfinite(data) else str(data))


def test_arrays_numbers_and_objects_in_data() -> None:
    data = {
        "int": np.int64(3), "float": np.float32(0.5), "bool": np.bool_(True), "empty": np.zeros((0, 2)),
        "tuple": (1, (2,)), 5: {"deep": np.arange(3)}, "object": object, "complex": 1j,
        "zero": np.array(2.0),
    }  # fmt: skip
    out = strict(Report("layer", (finding("FAIL", data=data),)).to_json())["findings"][0]["data"]
    assert (out["int"], out["float"], out["bool"], out["empty"]) == (3, 0.5, True, [])
    assert out["tuple"] == [1, [2]] and out["5"] == {"deep": [0, 1, 2]} and out["zero"] == 2.0
    assert isinstance(out["object"], str) and out["complex"] == "1j"


# ---- JUnit ---------------------------------------------------------------------------------------


def test_junit_is_one_case_for_each_report() -> None:
    passed, failed = right_report(name="good"), wrong_report(name="bad")
    root = ElementTree.fromstring(junit([passed, failed]))
    assert (
        root.tag == "testsuite" and root.attrib["tests"] == "2" and root.attrib["failures"] == "1"
    )
    assert root.attrib["errors"] == "0" and float(root.attrib["time"]) >= 0
    good, bad = root.findall("testcase")
    assert good.find("failure") is None and good.attrib["name"] == passed.name
    failure = bad.find("failure")
    assert failure is not None and failure.attrib["type"] == "FAIL"
    assert failure.text == str(failed) and bad.findtext("system-out") == failed.explain()
    assert ElementTree.fromstring(failed.to_junit()).attrib["tests"] == "1"


# ---- any text ------------------------------------------------------------------------------------

# What terminals obey, what XML and JSON cannot hold, what no encoding knows, and a great deal of it.
STRANGE = st.one_of(
    st.text(),
    st.sampled_from(["\ud800", "\udc80x", "\ufffe", "\uffff", "\x1b[31m", "\x07", "\0", "\x85", "\r",
                     "\x7f", "]]>", "<a>&\"'", "\u202e", "\U0001f600", "x" * 5000, "\n" * 5000]),
    st.text(st.characters(categories=["Cc", "Cs", "Cn", "Co"])),
)  # fmt: skip


def printable(text: str) -> bool:
    """Whether a terminal shows it, and UTF-8 holds it."""
    text.encode("utf-8")
    return not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", text)


@given(STRANGE, STRANGE)
def test_every_form_of_a_report_can_hold_any_text(name: str, text: str) -> None:
    entry = Entry(text, (0,), 1.0, 2.0, 1.0, 1.0, 0.0)
    more = {"worst": entry, "hint": text, "point": text, "method": text, "argument": text}
    f = Finding("GC201", "FAIL", text, data={text: [text]}, **more)
    r = Report(
        name, (f, replace(f, verdict="PASS")), ("GC201",), (text,), {text: text}, {text: 1e-9},
        {text: (1, 2)}, reproduce=text, notes=(text,), shapes=({text: (1,)},),
    )  # fmt: skip
    result = Result(name, [r], error=text)
    listed = Result(name, found=[{"name": text, "line": 1, "what": "pair"}])
    for words in (str(r), r.explain(), r.to_json(), r.to_junit(), junit(result.cases())):
        assert printable(words)
    for said in (result.to_dict(), listed.to_dict()):
        assert printable(json.dumps(said, ensure_ascii=False, allow_nan=False).replace("\\n", ""))
    case = ElementTree.fromstring(r.to_junit().encode()).find("testcase")
    assert case is not None and case.find("failure") is not None
    assert report_from_dict(strict(r.to_json())).to_dict() == r.to_dict()


def test_control_characters_are_escapes() -> None:
    r = Report("a\x00b\x1b[31m<&>\"'", (Finding("GC001", "CONTRACT", "bell \x07 <tag> & ]]>"),))
    case = ElementTree.fromstring(r.to_junit()).find("testcase")
    assert case is not None and case.attrib["name"] == "a\\x00b\\x1b[31m<&>\"'"
    assert "bell \\x07 <tag> & ]]>" in (case.findtext("failure") or "")


# ---- select and ignore ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "ignore", "wanted"),
    [
        ((), (), {"GC001", "GC102", "GC201", "GC302"}),
        (("GC2",), (), {"GC201"}),
        (("GC1", "GC302"), (), {"GC102", "GC302"}),
        ((), ("GC0", "GC102"), {"GC201", "GC302"}),
        (("GC",), ("GC3",), {"GC001", "GC102", "GC201"}),
        (("GC2",), ("GC201",), set()),
    ],
)
def test_selected(select: Any, ignore: Any, wanted: set[str]) -> None:
    codes = ("GC001", "GC102", "GC201", "GC302")
    assert {c for c in codes if selected(c, select, ignore)} == wanted


def test_codes_as_text_or_list() -> None:
    assert check_codes("select", "GC1, GC201,") == ("GC1", "GC201")
    assert check_codes("select", ["GC1", " GC201 "]) == ("GC1", "GC201")
    assert check_codes("select", None) == check_codes("select", "") == ()


@pytest.mark.parametrize("option", ["select", "ignore"])
@pytest.mark.parametrize("code", ["GC9", "gc2", "E501", "GC2011"])
def test_unknown_codes_are_refused(option: str, code: str) -> None:
    with pytest.raises(ConfigError) as raised:
        right_report(**{option: ["GC1", code]})
    assert str(raised.value) == (
        f"{option}: no check has the code {code!r}; codes begin with GC0 (contract), GC1 (algebra), "
        "GC2 (value), GC3 (points), GC4 (mistakes), GC5 (lines)"
    )


def test_only_selected_codes_are_looked_at_and_reported() -> None:
    r = wrong_report(select=["GC0", "GC1"])
    assert r.ok
    assert {"GC001", "GC060", "GC101", "GC104"} <= set(r.checks)
    assert all(c[2] in "01" for c in r.checks) and list(r.checks) == sorted(r.checks)
    r = wrong_report(ignore=["GC201"])
    assert r.ok and "GC201" not in r.checks
    assert wrong_report(select="GC2").verdict == "FAIL"
    assert wrong_report(select="GC201,GC0", ignore="GC0").verdict == "FAIL"


@pytest.mark.parametrize("options", [{"select": "GC2"}, {"ignore": ["GC001"]}])
def test_what_could_not_be_checked_is_no_pass_whatever_is_selected(options: Any) -> None:
    def backward(dout, x):
        raise KeyError("W")

    assert not check.layer(lambda x: (x, x), backward, (X,), **options).ok


def test_a_backward_that_raises_elsewhere_is_no_pass_whatever_is_selected() -> None:
    def backward(dout, x):
        if np.any(x == 0):
            raise ZeroDivisionError("x")
        return dout * np.cos(x)

    report = check.layer(lambda x: (np.sin(x), x), backward, (X,), select="GC2")
    assert report.verdict == "CONTRACT" and report.findings[0].code == "GC001"
    assert report.findings[0].point != "your point"


def test_codes_are_of_six_families_and_all_have_a_meaning() -> None:
    assert {c[:3] for c in CODES} == {f"GC{i}" for i in range(6)}
    assert all(re.fullmatch(r"GC\d{3}", c) and len(text) > 10 for c, text in CODES.items())
    assert list(CODES) == sorted(CODES)


# ---- the same again ------------------------------------------------------------------------------


def test_the_seed_repeats_the_report() -> None:
    reports = [wrong_report(seed=s) for s in (4, 4, 5)]
    worst = [r.worst for r in reports]
    assert worst[0] == worst[1]
    assert reports[0].reproduce.endswith("seed=4)") and reports[2].reproduce.endswith("seed=5)")

    def plain(r: Report) -> Any:
        return {k: v for k, v in r.to_dict().items() if k != "seconds"}

    assert plain(reports[0]) == plain(reports[1]) != plain(reports[2])


def test_the_line_that_repeats_it_runs() -> None:
    def forward(x):
        return np.sin(x), x

    def backward(dout, x):
        return dout * np.cos(x) * 2

    r = check.layer(forward, backward, (X,), seed=9)
    line = r.reproduce
    assert line == "check.layer(forward, backward, inputs, seed=9)"
    again = eval(line, {"check": check, "forward": forward, "backward": backward, "inputs": (X,)})
    assert again.worst == r.worst and again.verdict == r.verdict
    f_vjp = lambda x: (np.sin(x), lambda d: 2 * d * np.cos(x))  # noqa: E731
    r = check.vjp(np.sin, f_vjp, (X,), seed=2)
    assert r.reproduce == "check.vjp(sin, <lambda>, args, seed=2)"


@pytest.mark.parametrize("name", ["max_pool_naive", "relu", "conv_im2col", "untraced"])
def test_a_busy_machine_sees_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "untraced":  # no trace: complex steps and differences

        def report() -> Report:
            return check.layer(strange_forward, lambda dout, x: 3 * x**2 * dout, np.ones((3, 4)))
    else:
        entry = BY_NAME[name]

        def report() -> Report:
            return checked(entry, entry.make_inputs(np.random.default_rng(0)))

    quiet = report()
    ticks = itertools.count()
    for clock in ("time", "process_time", "perf_counter", "monotonic"):
        monkeypatch.setattr(time, clock, lambda: 1e3 * next(ticks))
    busy = report()
    assert busy.seconds >= 1e3 and len(busy.points) == len(quiet.points) > 1
    same = [replace(r, seconds=0.0).to_dict() for r in (busy, quiet)]
    assert same[0] == same[1]


def strange_forward(x: Any) -> Any:
    """x³, in a way that cannot be traced."""
    return np.array(memoryview(np.ascontiguousarray(x, float))) ** 3, x
