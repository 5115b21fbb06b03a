"""The cases in `plugin/` as tests of unittest, and one test of the component with a look at what it did.

`fetchlock test` runs them, in the sandbox of the host; its JSON output says what became of each. Left out where
`fetchlock` is not on the path and `FETCHLOCK` does not say where it is.
"""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

PROJECT = Path(__file__).parent
FETCHLOCK = os.environ.get("FETCHLOCK") or shutil.which("fetchlock")


@unittest.skipUnless(FETCHLOCK, "fetchlock is not on the path")
class ComponentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # It builds first, if something has changed.
        done = subprocess.run([FETCHLOCK, "test", "--json", PROJECT], stdout=subprocess.PIPE, text=True)
        cls.result = json.loads(done.stdout)

    def test_each_case_passes(self):
        self.assertEqual(self.result["problems"], [])
        for case in self.result["cases"]:
            with self.subTest(case["name"]):
                self.assertTrue(case["passed"], "\n".join([*case["problems"], case["diff"]]))

    def test_no_case_calls_another_system(self):
        self.assertGreater(len(self.result["cases"]), 0)
        for case in self.result["cases"]:
            self.assertEqual([call for call in case["calls"] if call["call"] != "load"], [], case["name"])


if __name__ == "__main__":
    unittest.main()
