"""Every link within the repository leads to a file, and to a heading of it."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^()\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)
CODE = re.compile(r"^ *```.*?^ *```\s*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
FRAGMENTS = {ROOT / "bench" / "report_intro.md"}  # of docs/results.md, where its links are looked at
LEAST = 300  # links: fewer means that they are not found


def without_code(text):
    return CODE.sub("", text)


def anchors(text):
    """Returns those that a forge makes of the headings, and their numbered repetitions."""
    found = set()
    for heading in HEADING.findall(re.sub(r"^ *```.*?^ *```\s*$", "", text, flags=re.MULTILINE | re.DOTALL)):
        plain = re.sub(r"\]\([^)]*\)", "", heading).replace("[", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(name if name not in found else f"{name}-1")
    return found


def broken(page, target):
    """Returns whether a link of a page leads nowhere."""
    if re.match(r"[a-z]+:", target):
        return False
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return True
    return bool(anchor) and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8"))


def links(page):
    return [one or other for one, other in LINK.findall(without_code(page.read_text(encoding="utf-8")))]


class LinksTest(unittest.TestCase):
    def test_links_lead_somewhere(self):
        pages = [path for folder in ("", "docs", "client/python", "bench", "data", "models", "tests", "tools")
                 for path in (ROOT / folder).glob("**/*.md" if folder else "*.md")]
        found = [(page, target) for page in set(pages) - FRAGMENTS for target in links(page)]
        self.assertGreater(len(found), LEAST)
        wrong = [f"{page.relative_to(ROOT)}: {target}" for page, target in found if broken(page, target)]
        self.assertEqual(wrong, [])

    def test_what_leads_nowhere_is_seen(self):
        page = ROOT / "README.md"
        for target in ("docs/none.md", "docs/api.md#none", "#none"):
            self.assertTrue(broken(page, target), target)
        for target in ("docs/api.md#errors", "https://x.org/a", "docs/"):
            self.assertFalse(broken(page, target), target)


if __name__ == "__main__":
    unittest.main()
