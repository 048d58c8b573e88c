"""The batch script for Slurm, run by bash: with `scontrol` played, and Slurm's signals sent by hand."""
import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import monitoring

SCRIPT = monitoring.ROOT / "deploy" / "slurm" / "tweedied.sbatch"


class SlurmTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tweedie-slurm-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.home / "tweedied.conf").write_text(
            f'data-dir = "{self.home}/data"\nmodels-dir = "{monitoring.ROOT}/models"\n', encoding="utf-8")
        scontrol = self.folder / "scontrol"
        scontrol.write_text(f'#!/bin/sh\necho "$@" >>"{self.folder}/asked"\n', encoding="utf-8")
        scontrol.chmod(0o755)
        self.start("7")

    def start(self, job):
        environment = {**os.environ, "SLURM_JOB_ID": job, "SLURMD_NODENAME": "localhost", "USER": "ada",
                       "TWEEDIE_HOME": str(self.home), "PATH": f"{self.folder}:{os.environ['PATH']}"}
        self.script = subprocess.Popen(["bash", SCRIPT, "--threads", "1", "--disk-reserve-mebibytes", "1"],
                                       env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       start_new_session=True)
        self.addCleanup(self.script.stdout.close)
        self.addCleanup(self.kill_all, self.script.pid)
        monitoring.await_value("the address is told", self.is_up)

    def kill_all(self, session):
        """The script, and the server that it has begun."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)

    def is_up(self):
        self.assertIsNone(self.script.poll(), "the script has ended")
        return (self.home / "server.env").exists()

    def client(self, *arguments):
        """Runs the client as a user would, with what the file says."""
        return subprocess.run(
            ["bash", "-c", '. "$0" && exec "$@"', self.home / "server.env", os.environ["TWEEDIE"], *arguments],
            capture_output=True, text=True, check=False, timeout=monitoring.PATIENCE)

    def end(self):
        """Returns the exit code of the script and what scontrol was asked for."""
        output = self.script.communicate(timeout=monitoring.PATIENCE)[0]
        asked = self.folder / "asked"
        return self.script.returncode, asked.read_text(encoding="utf-8") if asked.exists() else "", output

    def files(self):
        return {path.name for path in self.home.iterdir()} - {"data", "tweedied.conf", "authority.srl"}

    def test_before_its_time_is_over_it_drains_and_is_queued_again(self):
        listed = self.client("list", "--json")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        made = self.client("sample", "-n", "64", "--detach")
        self.assertEqual(made.returncode, 0, made.stderr)
        for name in ("token", "authority.key", "tls-7.key", "server.env"):
            self.assertEqual((self.home / name).stat().st_mode & 0o77, 0, name)
        token = (self.home / "token").read_text(encoding="utf-8")

        self.script.send_signal(signal.SIGUSR1)
        code, asked, output = self.end()
        self.assertEqual((code, asked), (0, "requeue 7\n"), output)
        self.assertIn("drained", output)
        self.assertEqual(self.files(), {"token", "tokens.json", "authority.key", "authority.pem"})

        self.start("8")  # as Slurm does, on any node
        self.assertEqual((self.home / "token").read_text(encoding="utf-8"), token)
        done = self.client("cancel", made.stdout.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.script.send_signal(signal.SIGTERM)
        self.end()

    def test_preempted_or_cancelled_it_drains_and_leaves_the_rest_to_slurm(self):
        self.script.send_signal(signal.SIGTERM)
        code, asked, output = self.end()
        self.assertEqual((code, asked), (0, ""), output)
        self.assertIn("drained", output)
        self.assertNotIn("server.env", self.files())

    def test_a_server_that_dies_is_queued_again(self):
        children = pathlib.Path(f"/proc/{self.script.pid}/task/{self.script.pid}/children")
        (server,) = children.read_text(encoding="utf-8").split()
        os.kill(int(server), signal.SIGKILL)
        code, asked, output = self.end()
        self.assertEqual((code, asked), (128 + signal.SIGKILL, "requeue 7\n"), output)


if __name__ == "__main__":
    unittest.main()
