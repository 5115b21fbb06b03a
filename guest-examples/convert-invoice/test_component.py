"""The cases in `plugin/` as tests of unittest, and one test of the component with a look at what it did.

`fetchlock test` runs them, in the sandbox of the host; its JSON output says what became of each. Where `fetchlock` is not
on the path and the variable FETCHLOCK does not name it, they are skipped, but fail in continuous integration (where CI is
set), where nobody would see that.
"""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

PROJECT = Path(__file__).parent
FETCHLOCK = os.environ.get("FETCHLOCK") or shutil.which("fetchlock")
MISSING = "the cases in plugin/ are not run: put fetchlock on the path, or its path into the variable FETCHLOCK"
IN_CI = os.environ.get("CI", "") not in ("", "0", "false")


@unittest.skipUnless(FETCHLOCK or IN_CI, MISSING)
class ComponentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not FETCHLOCK:
            raise AssertionError(MISSING)
        # It builds first, if something has changed; on standard error stands what the build says.
        done = subprocess.run([FETCHLOCK, "test", "--json", PROJECT], stdout=subprocess.PIPE, text=True)
        if not done.stdout:
            raise AssertionError(f"fetchlock test: exit code {done.returncode}")
        cls.result = json.loads(done.stdout)

    def test_each_case_passes(self):
        problems = self.result["problems"]
        self.assertFalse(problems, "\n".join(problems))
        for case in self.result["cases"]:
            with self.subTest(case["name"]):
                self.assertTrue(case["passed"], "\n".join([*case["problems"], case["diff"]]))

    def test_no_case_calls_another_system(self):
        self.assertGreater(len(self.result["cases"]), 0)
        for case in self.result["cases"]:
            self.assertEqual([call for call in case["calls"] if call["call"] != "load"], [], case["name"])


if __name__ == "__main__":
    unittest.main()
