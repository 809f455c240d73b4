"""Whole files from the command line: layers_to_check.py has five layers, and one is wrong.

The same in a shell:  python -m microgradnn check layers_to_check.py
With pytest:          pytest layers_to_check.py --gradcheck
"""

import json
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parent / "layers_to_check.py"


def check(*words):
    """What the command prints, and its exit status."""
    command = [sys.executable, "-m", "microgradnn", "check", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout, done.returncode


# What there is to check. No test was written; the arguments come from names, docstrings and code.
text, status = check(str(FILE), "--list")
print(text)
assert status == 0 and text.count("\n") == 5

# The exit status of the whole is that of the worst: 3, a gradient is wrong.
text, status = check(str(FILE))
print(text)
assert status == 3 and "FAIL embedding" in text and "4 PASS, 1 FAIL" in text

# The wrong one: dW[words] += dout keeps one of several equal words, np.add.at adds all of them.
text, status = check(f"{FILE}::embedding", "--json")
(report,) = json.loads(text)[0]["reports"]
worst = report["worst"]
print(f"d{worst['argument']}{worst['index']} is {worst['yours']}, and should be {worst['true']}")
assert status == 3 and report["findings"][0]["code"] == "GC201"

# For other programs: --json on stdout, --junit FILE, and nothing but what is wrong with --quiet.
assert check(f"{FILE}::relu", "--quiet") == ("", 0)
