"""Three faults, of which the tests nearest to them find two and a comment none."""

from pathlib import Path

import pytest

from tests.faults import mutations, running
from tests.faults.__main__ import drawn

ROOT = running.ROOT
CLIP = ROOT / "microgradnn" / "optim" / "clip.py"


def test_the_faults_of_a_file_are_small_changes_that_still_parse() -> None:
    text = CLIP.read_text(encoding="utf-8")
    found = mutations.faults(ROOT, CLIP)
    assert {"operator", "left out", "comparison"} <= {fault.kind for fault in found}
    sources = {fault.source(text) for fault in found}
    assert len(sources) == len(found)
    for source in sources:
        compile(source, "clip.py", "exec")


def test_what_is_drawn_depends_on_the_seed_alone_and_comes_from_every_place() -> None:
    one, again, other = (drawn(12, seed, ("optim", "transforms")) for seed in (0, 0, 1))
    assert one == again != other
    assert {fault.path.split("/")[1] for fault in one} == {"optim", "transforms"}
    assert len({(fault.path, fault.line) for fault in one}) == 12


def test_faults_are_found_and_what_is_none_is_not(tmp_path: Path) -> None:
    text = CLIP.read_text(encoding="utf-8")
    every = mutations.faults(ROOT, CLIP)
    *_, turned = [f for f in every if (f.before, f.after) == ("limit / size", "limit * size")]
    none = mutations.Fault(turned.path, 1, "none", "", "", turned.place)
    object.__setattr__(none, "source", lambda text: text + "\n# no fault\n")
    with pytest.MonkeyPatch.context() as patch, running.copy(tmp_path) as folder:
        patch.setattr(running, "sound", lambda *_: True)
        found = running.tried(turned, folder, ["tests/optim/test_clip.py"], 120)
        missed = running.tried(none, folder, ["tests/optim/test_clip.py"], 120)
    assert (found.by, missed.by) == ("tests/optim/test_clip.py", "")
    assert CLIP.read_text(encoding="utf-8") == text
