"""A class graded by the workers of a Dask cluster, one of which is killed."""

import csv
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from microgradnn.__main__ import main
from microgradnn.check.grading.remote import contents
from microgradnn.errors import ConfigError
from tests.check.stub import STUB, pair, verdict

distributed = pytest.importorskip("distributed")

KEY = pair("relu") + "GRADCHECK = {'relu': {'points': 2}}\n"
SLOW = pair("relu", "import time; time.sleep(0.5)")
CLASS = {"ana.py": SLOW, "ben.py": verdict("relu", "FAIL"), "cem/a.py": KEY, "cem/helper.py": ""}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stub")
    (folder / "sitecustomize.py").write_text(STUB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(Path(__file__).parents[3])]))
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as running:
            yield running


@pytest.fixture
def room(tmp_path):
    (tmp_path / "key.py").write_text(KEY)
    for name, text in CLASS.items():
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def graded(room, out, *more):
    words = ["check", "--class", str(room / "class"), "--key", str(room / "key.py")]
    assert main([*words, "--out", str(room / out), *more]) == 0
    with (room / out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return [[row["submission"], row["score"]] for row in csv.DictReader(file)]


@pytest.mark.filterwarnings("ignore")  # of the cluster, about the worker that is gone
def test_grades_are_those_of_one_machine_though_a_worker_is_killed(cluster, room, capsys):
    here = graded(room, "here")
    assert [score for _, score in here] == ["2", "0", "2"]

    killed = []

    def kill():
        """The first worker that has something to do."""
        while not killed:
            time.sleep(0.2)
            for nanny in list(cluster.workers.values()):
                at_work = cluster.scheduler.workers.get(nanny.worker_address)
                if at_work is not None and at_work.processing and not killed:
                    os.kill(nanny.pid, signal.SIGKILL)
                    killed.append(nanny.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    assert graded(room, "there", "--scheduler", cluster.scheduler_address) == here
    killer.join()
    assert killed
    for place in ("feedback", "results"):
        assert len(list((room / "there" / place).iterdir())) == len(here) + (place == "results")
    capsys.readouterr()
    graded(room, "there", "--scheduler", "tcp://127.0.0.1:1")  # all is there: nobody is asked
    assert capsys.readouterr().out.count("(as before)") == len(here)


def test_nobody_answers(room, capsys, monkeypatch):
    monkeypatch.setattr("microgradnn.workers.PATIENCE", 1)
    words = ["check", "--class", str(room / "class"), "--key", str(room / "key.py")]
    assert main([*words, "--out", str(room / "o"), "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "no Dask scheduler answers there" in capsys.readouterr().err


def test_what_is_sent(tmp_path):
    (tmp_path / "ana" / ".git").mkdir(parents=True)
    (tmp_path / "ana" / "a.py").write_text("x = 1")
    (tmp_path / "ana" / "data.txt").write_text("1 2")
    (tmp_path / "ana" / ".git" / "config").write_text("")
    folder = tmp_path / "ana"
    assert contents(folder, [str(folder / "a.py")]) == {"a.py": b"x = 1", "data.txt": b"1 2"}
    (folder / "big").write_bytes(bytes(21 * 2**20))
    with pytest.raises(ConfigError, match="more than 20 MB, too much to send to a worker"):
        contents(folder, [str(folder / "a.py")])
