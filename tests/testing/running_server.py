"""A real tweedied with its dashboard, for tests in a browser."""
import hashlib
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import urllib.request

from free_port import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "data" / "fashion-mnist-test"
MODEL = "models/fashion-mnist-32"


class Authority:
    """Certificates for 127.0.0.1, in a folder."""

    def __init__(self, folder):
        self.pem, self._key = folder / "ca.pem", folder / "ca.key"
        self._make(self.pem, self._key, "/CN=tweedie test authority", "-addext", "keyUsage=critical,keyCertSign")
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        self._make(self.certificate, self.key, "/CN=tweedied", "-CA", self.pem, "-CAkey", self._key,
                   "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                   "-addext", "extendedKeyUsage=serverAuth")

    @staticmethod
    def _make(certificate, key, subject, *more):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                        "-days", "2", "-subj", subject, "-keyout", key, "-out", certificate, *more],
                       check=True, capture_output=True)


class RunningServer:
    """On a data folder and a port of its own, which it keeps through restarts; by HTTPS
    with certificates of an `authority`."""

    def __init__(self, *options, tokens=None, authority=None):
        self._folder = tempfile.TemporaryDirectory(prefix="tweedie-browser-")
        self._options = list(options)
        if tokens:
            self._options += ["--tokens-file", self._write_tokens(tokens)]
        self._ssl = None
        if authority:
            self._options += ["--tls-cert", str(authority.certificate), "--tls-key", str(authority.key)]
            self._ssl = ssl.create_default_context(cafile=authority.pem)
        self._address = f"127.0.0.1:{free_port()}"
        self.url = f"{'https' if authority else 'http'}://{self._address}"
        self._process = None
        self.start()

    def _write_tokens(self, tokens):
        entries = [{"name": name, "role": role, "token_sha256": hashlib.sha256(f"{name}-token".encode()).hexdigest()}
                   for name, role in tokens.items()]
        path = pathlib.Path(self._folder.name) / "tokens.json"
        path.write_text(json.dumps({"entries": entries}), encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def start(self):
        command = [os.environ["TWEEDIED"], "--data-dir", f"{self._folder.name}/data", "--models-dir",
                   str(ROOT / "models"), "--listen", "127.0.0.1:0", "--http", self._address,
                   "--log-level", "warning", "--disk-reserve-mebibytes", "1", "--threads", "1", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if not self._process.stdout.readline().startswith("listening on "):
            raise AssertionError(f"tweedied did not start: {self._process.wait()}")

    def stop(self, how=signal.SIGTERM):
        """It must end well if it is asked to."""
        self._process.send_signal(how)
        code = self._process.wait(60)
        self._process.stdout.close()
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"tweedied ended with {code}")
        return code

    def close(self):
        if self._process.poll() is None:
            self.stop(signal.SIGKILL)
        self._folder.cleanup()

    def call(self, path, body=None, token=None):
        """Calls the API, and returns what it answers."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=60, context=self._ssl) as response:
            return json.load(response)

    def sample(self, steps, images=1, token=None, **job):
        """Creates a job, and returns its id."""
        task = {"num_images": images, "process": {"num_steps": steps}}
        made = self.call("jobs", {"job": {"model": MODEL, "sample": task, **job}}, token)
        return made["name"].removeprefix("jobs/")
