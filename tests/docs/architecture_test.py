"""docs/architecture.md knows every thread by its name and every class that has a lock; docs/numerics.md every method's source."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = re.compile(r'(?:NameThisThread|PeriodicThread>?|\w*(?:thread|claimer|upkeep)_)\("([a-z ]+)"')
LOCK = re.compile(r"^( *)(?:mutable )?absl::Mutex \w+(?: ABSL_\w+\(\w+\))?;", re.MULTILINE)
CLASS = re.compile(r"^( *)(?:class|struct) (\w+)[^;{]*\{", re.MULTILINE)
# What the page calls otherwise.
OTHERWISE = {"CpuStepDevice": "StepDevice", "Shared": "StepDevice", "SharedBatchSizes": "BatchSizes", "State": "Background",
             "Registry": "Failpoints", "Database": "sqlite::Database", "ConnectionPool": "postgres::ConnectionPool"}


def sources():
    return [path for folder in ("core", "net", "server") for path in sorted((ROOT / folder).rglob("*"))
            if path.suffix in (".h", ".cc")]


def section(page, begin, end):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text[text.index(f"\n## {begin}\n"):text.index(f"\n## {end}\n")]


def classes_with_locks():
    """Returns {class: file}, the class being the last one before the lock that is indented less."""
    found = {}
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for lock in LOCK.finditer(text):
            around = [name for indent, name in CLASS.findall(text[:lock.start()]) if len(indent) < len(lock[1])]
            found[around[-1] if around else "none"] = str(path.relative_to(ROOT))
    return found


class ArchitectureTest(unittest.TestCase):
    maxDiff = None

    def test_every_named_thread_is_told(self):
        names = {name for path in sources() for name in NAMED.findall(path.read_text(encoding="utf-8"))}
        self.assertGreaterEqual(len(names), 16)
        told = section("architecture.md", "Threads", "Locks")
        self.assertEqual([name for name in sorted(names) if f"| `{name}` |" not in told], [])

    def test_every_class_with_a_lock_is_told(self):
        found = classes_with_locks()
        self.assertGreaterEqual(len(found), 30)
        told = section("architecture.md", "Locks", "Promises")
        missing = [f"{name} ({path})" for name, path in found.items() if f"`{OTHERWISE.get(name, name)}`" not in told
                   and f"`{OTHERWISE.get(name, name)}'" not in told]
        self.assertEqual(missing, [])


class NumericsTest(unittest.TestCase):
    def test_every_method_has_a_source_that_is_listed(self):
        text = (ROOT / "docs" / "numerics.md").read_text(encoding="utf-8")
        listed = set(re.findall(r"^\| (\[\w+\]) \|", text, re.MULTILINE))
        methods = section("numerics.md", "Methods", "What serves what").split("\n### ")[1:]
        self.assertGreaterEqual(len(methods), 14)
        for method in methods:
            source = re.search(r"\* \*\*Source\*\* (.*)", method)
            with self.subTest(method.splitlines()[0]):
                self.assertIsNotNone(source)
                self.assertTrue(set(re.findall(r"\[\w+\]", source[1])) & listed or "as the rule's" in source[1])
        self.assertLessEqual(set(re.findall(r"\[[A-Z]\w+\](?![\(\]])", text)), listed)


if __name__ == "__main__":
    unittest.main()
