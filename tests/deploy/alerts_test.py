"""A real Prometheus scrapes a real server, whose engine gets stuck: the alert fires, and no other."""
import os
import re
import tempfile
import unittest
from unittest import mock

import monitoring

# Seconds of a stall, in place of the 120 of the rules.
STUCK_AFTER = 2
# These fire after 3 s, longer than a scrape may fail for on a busy machine. Others wait as long as they do in earnest: a trend of the disk over seconds tells nothing.
SOON = {"TweedieDown", "TweedieEngineStuck"}


def quick_rules():
    rules = monitoring.alert_rules()
    for rule in rules:
        if rule["alert"] == "TweedieEngineStuck":
            rule["expr"], changed = re.subn("> 120$", f"> {STUCK_AFTER}", rule["expr"])
            assert changed == 1, "the rule has another threshold"
        if rule["alert"] in SOON:
            rule["for"] = "3s"
    return rules


class AlertsTest(unittest.TestCase):
    def test_a_stuck_engine_is_told(self):
        with tempfile.TemporaryDirectory(prefix="tweedie-alerts-") as folder:
            failpoint = {"TWEEDIE_FAILPOINTS": "engine.step(stuck)=delay:1h"}
            with mock.patch.dict(os.environ, failpoint):
                server = monitoring.RunningServer()
            self.addCleanup(server.close)
            prometheus = monitoring.Prometheus(folder, server.url.removeprefix("http://"), quick_rules())
            self.addCleanup(prometheus.close)
            self.run_story(server, prometheus)

    def run_story(self, server, prometheus):
        scraped = 'tweedie_jobs{job="tweedied",state="SUCCEEDED"} == 1'
        server.sample(steps=2)
        monitoring.await_value("a job that was done is scraped", lambda: prometheus.query(scraped))
        self.assertEqual(prometheus.firing(), set(), "all is well")

        task = {"num_images": 1, "process": {"num_steps": 2}}
        server.call("jobs", {"job_id": "stuck", "job": {"model": "models/fashion-mnist-32", "sample": task}})
        monitoring.await_value("the alert fires", lambda: "TweedieEngineStuck" in prometheus.firing())
        self.assertEqual(prometheus.firing(), {"TweedieEngineStuck"})
        ((labels, stalled),) = prometheus.query("tweedie_engine_stalled_seconds")
        self.assertGreater(stalled, STUCK_AFTER)
        self.assertEqual(labels["job"], "tweedied")

        server.stop(monitoring.signal.SIGKILL)
        monitoring.await_value("that it is down is told", lambda: "TweedieDown" in prometheus.firing())


if __name__ == "__main__":
    unittest.main()
