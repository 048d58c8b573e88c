"""Tokens, TLS and Unix sockets against real servers."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import threading
from collections.abc import Callable

import pytest
import servers

import tweedie
from tweedie import errors

PATIENCE = tweedie.RetryPolicy(give_up_after=3)


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """Makes certificates while a test runs."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.pem = str(folder / f"{name}.pem")
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", self.pem),
        )

    def issue(self, name: str, names: str = "DNS:localhost,IP:127.0.0.1") -> dict[str, str]:
        """Returns the files of a certificate and its key."""
        stem = str(self._folder / name)
        openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", f"{stem}.key", "-out", f"{stem}.csr"),
        )
        pathlib.Path(f"{stem}.ext").write_text(f"subjectAltName={names}")
        openssl(
            *("x509", "-req", "-in", f"{stem}.csr", "-CA", self.pem, "-days", "2"),
            *("-CAkey", f"{self._folder}/{self._name}.key", "-CAcreateserial"),
            *("-extfile", f"{stem}.ext", "-out", f"{stem}.pem"),
        )
        return {"cert": f"{stem}.pem", "key": f"{stem}.key"}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="session")
def own(authority: Authority) -> dict[str, str]:
    return authority.issue("server")


def tls_options(own: dict[str, str]) -> tuple[str, ...]:
    return ("--tls-cert", own["cert"], "--tls-key", own["key"])


def new_token(file: pathlib.Path, name: str, role: str = "user") -> str:
    command = [servers.TWEEDIED, "token", "new", name, "--role", role, "--file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1].strip()


def test_a_token_says_who_one_is(
    start_server: Callable[..., servers.Server], tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "tokens.json"
    ada, bob = new_token(file, "ada"), new_token(file, "bob")
    server = start_server("--tokens-file", str(file))
    (tmp_path / "ada").write_text(ada)
    (tmp_path / "ada").chmod(0o600)
    with tweedie.connect(server.address, token_file=str(tmp_path / "ada")) as client:
        job = client.sample(steps=1)
        assert job.message.creator == "ada"
        assert job.result().images.shape == (1, 1, 32, 32)  # streams carry it too
    with tweedie.connect(server.address, token=bob) as client:
        with pytest.raises(errors.NotFoundError):
            client.job(job.name)
        with pytest.raises(errors.PermissionDeniedError):
            client.set_log_level("debug")
    for token in (None, "wrong"):
        with tweedie.connect(server.address, token=token) as client:
            with pytest.raises(errors.UnauthenticatedError) as caught:
                client.server_info()
            assert isinstance(caught.value, PermissionError)
            assert "wrong" not in str(caught.value)

    async def awaited() -> None:
        async with tweedie.aio.connect(server.address, token=ada) as client:
            assert (await (await client.job(job.name)).result()).name == job.name

    asyncio.run(awaited())


def test_a_creator_is_a_name_where_nobody_is_asked(server: servers.Server) -> None:
    with tweedie.connect(server.address, creator="ada") as client:
        assert client.sample(steps=1).message.creator == "ada"


def test_unix_sockets(start_server: Callable[..., servers.Server], tmp_path: pathlib.Path) -> None:
    path = f"unix:{tmp_path}/s"
    start_server("--listen", path)
    with tweedie.connect(path, creator="ada") as client:
        assert client.sample(steps=1).result().images.shape == (1, 1, 32, 32)


def test_tls_and_restarts(
    start_server: Callable[..., servers.Server], authority: Authority, own: dict[str, str]
) -> None:
    server = start_server(*tls_options(own))
    with tweedie.connect(f"https://{server.address}", ca=authority.pem) as client:
        job = client.sample(2, steps=400)
        kills = 0
        for progress in job.progress():
            if kills < 4 and progress.step > 20 * (kills + 1):
                server.kill()
                threading.Thread(target=server.start).start()
                kills += 1
        assert kills == 4
        assert job.result().images.shape == (2, 1, 32, 32)

    async def awaited() -> None:
        where = f"https://{server.address}"
        async with tweedie.aio.connect(where, ca=authority.pem) as client:
            assert (await (await client.sample(steps=1))).images.shape == (1, 1, 32, 32)

    asyncio.run(awaited())


def test_mutual_tls(
    start_server: Callable[..., servers.Server], authority: Authority, own: dict[str, str]
) -> None:
    server = start_server(*tls_options(own), "--tls-client-ca", authority.pem)
    where = f"https://{server.address}"
    with tweedie.connect(where, ca=authority.pem, **authority.issue("ada")) as client:
        assert client.server_info().version
    with tweedie.connect(where, ca=authority.pem, retry=PATIENCE) as client:
        with pytest.raises(tweedie.ServerError, match=r"want.* a certificate"):
            client.server_info()


@pytest.mark.parametrize("kind", ["authority", "name", "plain server", "plain client"])
def test_what_tls_fails_at_is_said(
    start_server: Callable[..., servers.Server],
    authority: Authority,
    own: dict[str, str],
    tmp_path: pathlib.Path,
    kind: str,
) -> None:
    ca = authority.pem
    files = own
    if kind == "authority":
        ca = Authority(tmp_path, "another").pem
    if kind == "name":
        files = authority.issue("elsewhere", "DNS:gpu-1.lab")
    server = start_server(*(() if kind == "plain server" else tls_options(files)))
    what = {
        "authority": r"the certificate of 127.*is not accepted: .*\(ca names the authorities",
        "name": "is not accepted: .*IP address mismatch",
        "plain server": "does not speak TLS: leave out tls, ca and https://",
        "plain client": "speaks TLS: give tls=True or https://",
    }[kind]
    options = {} if kind == "plain client" else {"ca": ca}
    with tweedie.connect(server.address, retry=PATIENCE, **options) as client:
        with pytest.raises(errors.UnauthenticatedError, match=what):
            client.server_info()

    async def awaited() -> None:
        async with tweedie.aio.connect(server.address, retry=PATIENCE, **options) as client:
            with pytest.raises(errors.UnauthenticatedError, match=what):
                await client.server_info()

    asyncio.run(awaited())


def test_a_key_of_another_certificate_is_noticed(authority: Authority, own: dict[str, str]) -> None:
    other = authority.issue("other")
    with pytest.raises(ValueError, match=r"(?i)key.values.mismatch"):
        tweedie.connect("https://127.0.0.1:1", ca=authority.pem, cert=own["cert"], key=other["key"])
