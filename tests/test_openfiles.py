"""A hub may have as many connections as it promises, where the system lets it."""

import subprocess
import sys

import pytest

SHOW = """
from desktop_logs.openfiles import allow_many
allow_many()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("before", "after"), [("256 8192", "4096 8192"), ("256 300", "300 300"), ("5000 8192", "5000 8192")]
)
def test_the_limit_is_raised_as_far_as_it_goes(before: str, after: str) -> None:
    soft, hard = before.split()
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n{SHOW}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == after
