"""The other process of a double run: ``python -m feitian_sim.experiments.double_run_probe``, told what to do on stdin.

It reads one JSON document (scenario, run, seed, data, prepare, folder, expected), runs, and prints one: both digests.
Its journal goes into the folder if it is not the expected one, so that equal runs cost no files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from feitian_sim.experiments.double_run import recorded
from feitian_sim.experiments.event_files import write_events
from feitian_sim.scenario import load

if __name__ == "__main__":
    _task = json.loads(sys.stdin.read())
    _loaded = load(_task["scenario"], seed=_task["seed"], data=_task["data"])
    _recorder, _digest = recorded(_loaded, _task["run"], _task["prepare"])
    if _recorder.digest != _task["expected"]:
        write_events(Path(_task["folder"]), _recorder)
    sys.stdout.write(json.dumps({"digest": _digest, "event_digest": _recorder.digest}) + "\n")
