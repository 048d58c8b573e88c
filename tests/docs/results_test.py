"""The figures of README.md are those of docs/results and docs/results.md."""
import csv
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# README's columns, and the operators of docs/results/summary.csv.
OPERATORS = {"box 16x16": "box", "half the pixels": "random", "Gaussian blur": "gaussian blur", "random 5x5 kernel": "random blur",
             "4x smaller": "sr x4", "CT, 30 angles": "ct 30", "MRI, 4x": "mri 4x"}
# What summary.csv calls a README's row.
OTHERWISE = {("ALD", "4x smaller"): "ALD, likelihood 16", ("SDEdit", "half the pixels"): "SDEdit, 32 images",
             ("SDEdit", "Gaussian blur"): "SDEdit, 32 images"}
LEAST = 40  # figures: fewer means that the table is not found


def table(text, corner):
    """Returns {(row, column): cell} of the Markdown table whose second column is `corner`."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    first = next(number for number, cells in enumerate(lines) if cells[1:2] == [corner])
    columns, found = lines[first], {}
    for cells in lines[first + 2:]:
        if len(cells) != len(columns):
            break
        found.update({(cells[0], column): cell for column, cell in zip(columns[1:], cells[1:]) if cell})
    return found


def figures():
    """Returns {(operator, method): PSNR as README has it}."""
    with (ROOT / "docs" / "results" / "summary.csv").open(encoding="utf-8") as file:
        return {(row["operator"], row["method"]): f"{float(row['psnr']):.2f} ± {float(row['psnr_error']):.2f}"
                for row in csv.DictReader(file) if row["psnr"]}


class ResultsTest(unittest.TestCase):
    def test_restorations_are_those_of_the_results(self):
        shown = {key: cell for key, cell in table((ROOT / "README.md").read_text(encoding="utf-8"), "box 16x16").items()
                 if key[0] != "measured"}
        self.assertGreater(len(shown), LEAST)
        measured = figures()
        for key, cell in shown.items():
            with self.subTest(key):
                self.assertEqual(cell.replace("\\*", ""), measured.get((OPERATORS[key[1]], OTHERWISE.get(key, key[0]))))

    def test_denoising_is_that_of_the_results(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) ± [\d.]+ \| ([-+][\d.]+) \|$", text, re.MULTILINE)
        self.assertEqual(len(rows), 4)
        results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
        for row in rows:
            self.assertRegex(results, r"\s+".join(re.escape(cell) for cell in row) + " dB")


if __name__ == "__main__":
    unittest.main()
