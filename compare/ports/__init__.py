"""python -m compare ports A B: where two ports of one model differ, and why, found by experiment.

Each port runs in a process of its own (port_process.py). What it calls is seen (*_port.py), read
(*_reading.py) and noted (recorder.py, seen_calls.py) in formulas of this library
(port_formulas.py). Parameters are matched (partners.py) and copied, nodes of equal numbers found
(aligned.py), every stretch judged from the same numbers within its rounding (stretches.py,
bounds.py), and where ports part, repairs are tried (repairs.py, experiments.py).
"""
