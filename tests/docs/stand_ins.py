"""What stands in a page's folder for a reader's own: pictures, programs, and names of other machines."""
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "data" / "fashion-mnist-test"
LINKS = ("client", "data", "models", "proto", "tools")
# What the pages call the reader's own pictures.
PICTURES = ("photo.png", "sharp.png", "blurred.png", "sketch.png", "photos/0000.png", "photos/0001.png", "blurred/1.png",
            "with spaces/2.png")
# They would change the machine, or an environment that others use: a page that has them marks them.
REFUSED = ("apt-get", "docker", "kubectl", "pip", "sudo", "systemctl")
# Not everywhere: a command that needs one is skipped where it is not.
OPTIONAL = ("man", "sqlite3")
# The machine of the server, wherever it is called by its name.
HOSTS = {"gpu-1.lab": "localhost"}


def fill(folder):
    """Makes what a reader has in a clone's root, and a `home`."""
    for name in LINKS:
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    for name in PICTURES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(IMAGES / "0001.png", folder / name)
    for name in ("etc", "home"):
        (folder / name).mkdir()


def make_programs(folder):
    """Returns a folder of `python`, which is this one, of what knows the page's server, and of what refuses to run."""
    made = folder / "bin"
    made.mkdir()
    said = "echo \"$0: not run by the tests of the documentation: mark it\" >&2; exit 1"
    programs = {name: said for name in REFUSED} | {name: f'exec {sys.executable} "$@"' for name in ("python", "python3")}
    programs["pidof"] = f"exec cat {folder}/server.pid"
    programs["journalctl"] = f"exec cat {folder}/server.log"
    for name, text in programs.items():
        (made / name).write_text(f"#!/bin/sh\n{text}\n")
        (made / name).chmod(0o755)
    return made


def missing(command):
    """Returns the optional program that a command needs and that is not here, or nothing."""
    words = command.split()
    return next((name for name in OPTIONAL if name in words and not shutil.which(name)), "")
