from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jobkit.process import process_number


def test_it_is_the_number_of_this_process() -> None:
    assert process_number() == os.getpid()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_a_number_of_its_own() -> None:
    code = """
import os
from jobkit.process import process_number
parent = process_number()
child = os.fork()
if child == 0:
    os._exit(int(process_number() == os.getpid() != parent))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), process_number() == parent)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["1", "True"]
