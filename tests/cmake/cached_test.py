"""The compiler's launcher (cmake/cached), with a real ccache and compiler.

usage: cached_test.py LAUNCHER CCACHE COMPILER [unittest's arguments]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

LAUNCH = sys.argv[1:4]
IS_CLANG = "clang" in pathlib.Path(LAUNCH[-1]).name


class PrecompiledHeader(unittest.TestCase):
    """A header that is precompiled as CMake does it, and a program that uses it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {**os.environ, "CCACHE_DIR": f"{folder.name}/cache"}
        self.write("pch.hxx", '#include "value.h"\n')
        self.write("pch.cxx", "")
        self.write("use.cc", "int main() { return kValue; }\n")
        self.compiled = self.folder / ("pch.hxx.pch" if IS_CLANG else "pch.hxx.gch")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (10**9, 10**9))  # ccache does not trust files of the last second

    def run_in_folder(self, *command):
        return subprocess.run(command, cwd=self.folder, env=self.environment, check=False).returncode

    def value(self, value):
        """What a program returns whose header gives it that value."""
        self.write("value.h", f"enum {{ kValue = {value} }};\n")
        header = f"{self.folder}/pch.hxx"
        how = ["-Xclang", "-emit-pch", "-Xclang", "-include", "-Xclang", header] if IS_CLANG else ["-include", header]
        self.assertEqual(self.run_in_folder(*LAUNCH, "-x", "c++-header", *how, "-o", str(self.compiled), "-c",
                                            "pch.cxx"), 0)
        use = ["-include-pch", str(self.compiled)] if IS_CLANG else ["-include", header]
        self.assertEqual(self.run_in_folder(LAUNCH[-1], *use, "use.cc", "-o", "use"), 0)
        return self.run_in_folder("./use")

    def test_is_never_that_of_other_headers(self):
        self.assertEqual(self.value(0), 0)
        self.assertEqual(self.value(1), 1)
        self.compiled.unlink()
        self.assertEqual(self.value(0), 0)
        self.assertEqual(self.value(2), 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
