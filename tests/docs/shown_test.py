"""What a page shows is compared as shown.py says: neither more nor less is let through."""
import unittest

import shown

TABLE = """
jobs/f74hejnq24ce running: 2/50 steps, 4%, 0:35 left
jobs/f74hejnq24ce succeeded: 16 images in 58.0 s
NAME               STATE
jobs/f74hejnq24ce  succeeded
"""


class ShownTest(unittest.TestCase):
    def assert_shown(self, page, printed):
        self.assertEqual(shown.difference(page, printed), "")

    def assert_not_shown(self, page, printed):
        self.assertIn("but this was printed", shown.difference(page, printed))

    def test_ids_times_and_blanks_may_differ(self):
        self.assert_shown("jobs/aaaabbbbcccc succeeded: 16 images in 1.5 s\nNAME  STATE\njobs/aaaabbbbcccc  succeeded\n", TABLE)
        self.assert_shown("at 2026-01-31T12:00:00.123+00:00 9bcbffbf024a", "at 2027-02-01T13:01:02+01:00 0123456789")
        self.assert_shown("created 2026-01-31 12:00:00", "created   2026-12-01 16:10:04")
        self.assert_shown("tweedie_" + "a" * 43, "tweedie_" + "B-" * 21 + "_")

    def test_all_else_may_not(self):
        for page in ("jobs/aaaabbbbcccc succeeded: 15 images in 1.5 s\n...", "jobs/aaaabbbbcccc failed: ...\n...",
                     "...\nNAME STATES\n...", "jobs/later succeeded: 16 images in 1.5 s\n...", "...\nNAME STATE", ""):
            with self.subTest(page):
                self.assert_not_shown(page, TABLE)
        self.assert_not_shown("jobs/later succeeded", "jobs/other succeeded")
        self.assert_not_shown("one line", "")

    def test_numbers_with_a_point_may_be_near(self):
        self.assert_shown("0  15.77  0.6168", "0  15.70  0.6170")
        self.assert_not_shown("0  15.77  0.6168", "0  14.77  0.6168")
        self.assert_not_shown("tweedie 0.1.0", "tweedie 0.1.1")

    def test_dots_are_for_some_text_or_for_lines(self):
        self.assert_shown("...\nNAME ...\n...", TABLE)
        self.assert_shown("a ... c", "a b c")
        self.assert_not_shown("a ... c", "a b\nc")


if __name__ == "__main__":
    unittest.main()
