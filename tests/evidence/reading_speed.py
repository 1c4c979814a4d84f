"""A million long rows: time and peak memory of reading answers beside pandas' own read of the file.

``uv run python tests/evidence/reading_speed.py`` writes docs/evidence/reading_speed.md. The two take turns in one process;
medians.
Memory is the resident set in a process of its own, sampled every 2 ms, less what it was after reading a small file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from cvmstats.survey import read_choices

_MEMORY = """
import sys, threading, time
import pandas as pd
from cvmstats.survey import read_choices
read = read_choices if sys.argv[1] == "cvmstats" else pd.read_csv
read(sys.argv[3])
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
before, peak, done = resident(), [0], False
def watch():
    while not done:
        peak[0] = max(peak[0], resident())
        time.sleep(0.002)
thread = threading.Thread(target=watch)
thread.start()
result = read(sys.argv[2])
done = True
thread.join()
print(peak[0] - before)
"""


def write_rows(path: Path, n: int, seed: int = 0) -> None:
    """``n`` long rows: people with 15 tasks of 5 of 20 items, in ten versions."""
    rng = np.random.default_rng(seed)
    people = -(-n // 75)
    shown = np.argsort(rng.random((150, 20)), axis=1)[:, :5].reshape(10, 15, 5)
    version = np.arange(people) % 10
    names = np.array([f"item {j:02d}" for j in range(20)])
    table = pd.DataFrame({
        "respondent": np.repeat(np.arange(1, people + 1), 75), "version": np.repeat(version + 1, 75),
        "task": np.tile(np.repeat(np.arange(1, 16), 5), people), "position": np.tile(np.arange(1, 6), people * 15),
        "item": names[shown[version].ravel()],
        "choice": np.argsort(rng.random((people * 15, 5)), axis=1).ravel(),
    })  # fmt: skip
    table["choice"] = table["choice"].map({0: 1, 1: -1}).fillna(0).astype(int)
    table.head(n).to_csv(path, index=False)


def compare(path: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each round: ours, pandas'; they take turns."""
    ours, theirs = [], []
    for _ in range(rounds):
        for read, times in ((pd.read_csv, theirs), (read_choices, ours)):
            start = time.perf_counter()
            read(path)
            times.append(time.perf_counter() - start)
    return ours, theirs


def peak(who: str, path: Path, small: Path) -> int:
    """Peak memory of one read above what the process held before, bytes."""
    command = [sys.executable, "-c", _MEMORY, who, str(path), str(small)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "rows.csv", Path(folder) / "small.csv"
        write_rows(path, 1_000_000)
        write_rows(small, 1_000)
        compare(small, 1)
        ours, theirs = compare(path, 7)
        ratio = [a / b for a, b in zip(ours, theirs, strict=True)]
        table = int(pd.read_csv(path).memory_usage(deep=True).sum())
        memory = {who: peak(who, path, small) for who in ("cvmstats", "pandas")}
    text = f"""# Reading a million rows

Command: `uv run python tests/evidence/reading_speed.py`; pandas {pd.__version__}, numpy {np.__version__}, Python
{sys.version.split()[0]}; seed 0.

1,000,000 long rows (respondent, version, task, position, item, choice), validation included; seven rounds in turns, medians.

| | seconds | peak memory, MB |
|---|---|---|
| `pandas.read_csv` | {median(theirs):.2f} | {memory["pandas"] / 1e6:.0f} |
| `read_choices` | {median(ours):.2f} | {memory["cvmstats"] / 1e6:.0f} |

Ratio of the medians {median(ours) / median(theirs):.2f} (allowed: 3), of the rounds {min(ratio):.2f} to {max(ratio):.2f}.
The table that pandas reads takes {table / 1e6:.0f} MB; peak memory is {memory["cvmstats"] / table:.2f} times that (allowed: 4).
"""
    (Path(__file__).resolve().parents[2] / "docs" / "evidence" / "reading_speed.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
