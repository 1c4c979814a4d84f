"""`import cvmstats` is light: heavy packages load when a name that needs them is asked for."""

import subprocess
import sys

HEAVY = "{'pymc', 'pytensor', 'arviz', 'nutpie', 'sklearn', 'stepmix', 'matplotlib', 'numba'}"


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_import_loads_nothing_heavy():
    run(f"import sys, cvmstats; heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy")


def test_the_types_and_readers_load_nothing_heavy():
    run(f"import sys, cvmstats as cvm; cvm.Choices, cvm.Scorer, cvm.read_choices, cvm.read_accounts, cvm.score_counts\n"
        f"heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy")  # fmt: skip


def test_fits_load_numba_and_nothing_else():
    run(f"import sys, cvmstats as cvm; cvm.fit_hierarchical, cvm.fit_latent_class, cvm.plot_priorities, cvm.run_study\n"
        f"heavy = {HEAVY} & set(sys.modules) - {{'numba'}}; assert not heavy, heavy")  # fmt: skip
