"""Modules that wait for their first use, in a process of its own: what is put off there stays put off."""

from __future__ import annotations

import subprocess
import sys

PUT_OFF = """
import sys
from quality.put_off import put_off

put_off("colorsys", "no_such_module_anywhere")
"""


def _say(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_a_module_is_loaded_when_it_is_first_used() -> None:
    used = "import colorsys; told = object.__getattribute__(colorsys, '__dict__')\nprint('rgb_to_hsv' in told)\n"
    assert _say(PUT_OFF + used + "colorsys.rgb_to_hsv(1, 1, 1)\nprint('rgb_to_hsv' in told)").split() == [
        "False",
        "True",
    ]


def test_one_that_is_not_installed_stays_missing() -> None:
    asked = "try:\n    import no_such_module_anywhere\nexcept ImportError:\n    print('missing')"
    assert _say(PUT_OFF + asked) == "missing"


def test_who_judges_loads_neither_plots_nor_statistics() -> None:
    loaded = "print([name for name in ('altair.vegalite', 'scipy.stats._stats_py') if name in sys.modules])"
    judges = "from quality.great import UNUSED\nput_off(*UNUSED)\nfrom quality import custom_expectations\n"
    assert _say(PUT_OFF + judges + loaded) == "[]"
    assert _say(PUT_OFF + judges + "from scipy import stats\nstats.norm\n" + loaded) == "['scipy.stats._stats_py']"
