"""A real tweedied, a real Prometheus, and what the files of deploy/ say of metrics."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "testing"))
from free_port import free_port
from running_server import RunningServer  # noqa: F401 (the server for the tests)

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
CONFIG = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
PROMETHEUS = pathlib.Path(os.environ["TWEEDIE_PROMETHEUS"])
PATIENCE = 120  # seconds for what takes one or two


def get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def await_value(what, ask):
    """Asks until the answer is true, and returns it; fails after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)  # between two polls
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def metrics_of(server):
    return get(f"{server.url}/metrics")


def alert_rules():
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries():
    """Returns (dashboard, panel, query) of each target of each panel."""
    found = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            found += [(path.name, panel["title"], target["expr"]) for target in panel.get("targets", [])]
    return found


def metric_names(query):
    """The names of our series that a PromQL query has: what precedes a selector or stands alone."""
    return set(re.findall(r"\btweedie_[a-z_]+\b", re.sub(r'"[^"]*"', "", query)))


class Prometheus:
    """Debian's, with our configuration and rules, quicker than in earnest."""

    def __init__(self, folder, target, rules):
        self.url = f"http://127.0.0.1:{free_port()}"
        folder = pathlib.Path(folder)
        config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "alerts.yml").write_text(yaml.safe_dump({"groups": [{"name": "tweedied", "rules": rules}]}),
                                           encoding="utf-8")
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PROMETHEUS / "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"],
                stdout=log, stderr=log)
        await_value("Prometheus is ready", self._is_ready)

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"Prometheus ended: {self._log.read_text(encoding='utf-8')}")
        try:
            return get(f"{self.url}/-/ready")
        except (urllib.error.URLError, OSError):
            return None

    def query(self, text):
        """Returns [(labels, value)] of the query now."""
        answer = json.loads(get(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': text})}"))
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def firing(self):
        """The names of the alerts that fire."""
        alerts = json.loads(get(f"{self.url}/api/v1/alerts"))["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def close(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
