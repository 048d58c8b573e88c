"""What is found in Markdown, and that nothing is passed over in silence."""
import unittest

import fences

PAGE = '''
Text.

<!-- not run, "docker": no engine here -->
```
tweedie list    # all of them

tweedie evaluate photos/ --noise 0.05 \\
    --operators "sr 4"
docker run x
curl -d '{"a":
  1}' http://x
# only a comment
```

* in a list:

  ```sh
  anything at all
  ```

```
x = y / z
```
'''


def shell(page):
    return [command for fence in fences.fences(page) if fence.is_shell for command in fences.commands(fence)]


class FencesTest(unittest.TestCase):
    def test_commands_are_found_whole_with_their_lines(self):
        found = [(command.line, command.text.split()[0]) for command in shell(PAGE)]
        self.assertEqual(found, [(6, "tweedie"), (8, "tweedie"), (10, "docker"), (11, "curl"), (19, "anything")])
        self.assertTrue(shell(PAGE)[1].text.endswith('--operators "sr 4"'))
        self.assertIn("1}", shell(PAGE)[3].text)

    def test_marks_skip_what_they_say(self):
        self.assertEqual([command.skip for command in shell(PAGE)], ["", "", "no engine here", "", ""])
        whole = "<!-- not run: long -->\n```\ntweedie a\ntweedie b\n```\n"
        self.assertEqual([command.skip for command in shell(whole)], ["long", "long"])

    def test_a_mark_of_nothing_is_an_error(self):
        for page in ('<!-- not run, "curl": x -->\n```\ntweedie a\n```\n', "<!-- not run: x -->\ntext\n", "<!-- file: x -->\ntext\n",
                     "<!-- not run -->\n```\ntweedie a\n```\n", "```\ntweedie a\n", "```\ntweedie 'a\n```\n"):
            with self.subTest(page), self.assertRaises(ValueError):
                shell(page)

    def test_commands_that_would_be_passed_over_are_an_error(self):
        with self.assertRaisesRegex(ValueError, "line 1: has commands"):
            fences.fences("```\nname=$(date)\ntweedie list\n```\n")

    def test_files_and_exit_codes_are_told(self):
        page = "<!-- file: a/b.conf -->\n```\ntweedie x\n```\n```\ntweedie list   # exit code 9\ntweedie list --limit 9\n```\n"
        file, block = fences.fences(page)
        self.assertEqual((file.file, file.is_shell, block.is_shell), ("a/b.conf", False, True))
        self.assertEqual([command.exit_code for command in fences.commands(block)], [9, 0])

    def test_what_shows_nothing_is_an_error(self):
        fences.fences("```\ntweedie list\n```\n\n```text\nx\n```\n")
        for page in ("```text\nx\n```\n", "```json\n{}\n```\n```text\nx\n```\n"):
            with self.assertRaisesRegex(ValueError, "is below none"):
                fences.fences(page)

    def test_programs_are_known_behind_folders_and_variables(self):
        self.assertEqual(fences.program_of("A=1 B=2 build/release/client/tweedie list"), "tweedie")
        self.assertEqual(fences.program_of("scripts/test --quick"), "scripts")


if __name__ == "__main__":
    unittest.main()
