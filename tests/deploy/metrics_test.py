"""What a real server exports, by promtool's rules, and what deploy/ asks of it."""
import re
import subprocess
import unittest

import monitoring


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = monitoring.RunningServer()
        cls.addClassCleanup(cls.server.close)
        cls.server.sample(steps=2, images=2)
        cls.text = monitoring.await_value("the job ends", lambda: cls._metrics_after_a_job())
        cls.series = set(re.findall(r"^(tweedie_\w+)", cls.text, re.MULTILINE))

    @classmethod
    def _metrics_after_a_job(cls):
        text = monitoring.metrics_of(cls.server)
        return text if 'tweedie_jobs_finished_total{outcome="SUCCEEDED"} 1\n' in text else None

    def test_promtool_finds_nothing(self):
        checked = subprocess.run([monitoring.PROMETHEUS / "promtool", "check", "metrics"], input=self.text, text=True,
                                 capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_each_series_has_its_help_and_kind(self):
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.text, re.MULTILINE))
        helped = set(re.findall(r"^# HELP (\S+) \S", self.text, re.MULTILINE))
        self.assertEqual(set(kinds), helped)
        for name in self.series:
            family = name if name in kinds else re.sub("_(bucket|sum|count)$", "", name)
            self.assertIn(family, kinds)

    def test_each_family_is_documented(self):
        manual = (monitoring.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        for family in re.findall(r"^# TYPE (\S+) ", self.text, re.MULTILINE):
            self.assertRegex(manual, rf"`{family}[`{{]")

    def test_a_job_is_counted(self):
        for line in ('tweedie_jobs{state="SUCCEEDED"} 1', "tweedie_jobs_submitted_total 1",
                     "tweedie_batch_padding_rows_total 0"):
            self.assertIn(f"\n{line}\n", self.text)
        commits = re.search(r"^tweedie_db_commit_seconds_count (\d+)$", self.text, re.MULTILINE)
        self.assertGreaterEqual(int(commits[1]), 3)  # created, claimed, ended
        rows = re.search(r"^tweedie_batch_rows_sum (\d+)$", self.text, re.MULTILINE)
        self.assertEqual(int(rows[1]), 4)  # 2 steps of 2 rows

    def test_the_alerts_name_what_is_there(self):
        for rule in monitoring.alert_rules():
            self.assertLessEqual(monitoring.metric_names(rule["expr"]), self.series, rule["alert"])

    def test_the_dashboards_name_what_is_there(self):
        queries = monitoring.dashboard_queries()
        self.assertGreater(len(queries), 20)
        elsewhere = {"tweedie_relays"}  # of servers that share a queue
        for dashboard, panel, query in queries:
            names = monitoring.metric_names(query) - elsewhere
            self.assertLessEqual(names, self.series, f"{dashboard}: {panel}")


if __name__ == "__main__":
    unittest.main()
