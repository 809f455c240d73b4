"""python -m microgradnn: no file of the folder it is called in takes the place of a module.

Python looks there first, so a json.py or numpy.py of a user's would be imported by this package.
It is imported before anything else is. Only modules that Python has loaded by then (types, say) are
out of reach; python -P -m microgradnn helps there.
"""

import sys

# So it is while Python looks for the package that -m names.
if sys.argv[:1] == ["-m"] and "microgradnn" in sys.orig_argv and not sys.flags.safe_path:
    sys.path.append(sys.path.pop(0))
