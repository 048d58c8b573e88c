"""What tweedied tells its supervisor, by the protocol of sd_notify(3)."""
import os
import pathlib
import socket
import tempfile
import unittest
from unittest import mock

import monitoring


class NotifyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tweedie-notify-")
        self.addCleanup(folder.cleanup)
        path = str(pathlib.Path(folder.name) / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(path)
        self.socket.settimeout(monitoring.PATIENCE)
        with mock.patch.dict(os.environ, {"NOTIFY_SOCKET": path}):
            self.server = monitoring.RunningServer()
        self.addCleanup(self.server.close)

    def next(self, but=()):
        while True:
            message = self.socket.recv(4096).decode()
            if message not in but:
                return message

    def test_ready_alive_stopping(self):
        self.assertRegex(self.next(but={"WATCHDOG=1"}), r"\AREADY=1\nSTATUS=listening on 127\.0\.0\.1:\d+\Z")
        for _ in range(3):
            self.assertEqual(self.next(), "WATCHDOG=1")
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.next(but={"WATCHDOG=1"}), "STOPPING=1\nSTATUS=draining")


if __name__ == "__main__":
    unittest.main()
