"""Runs the ready-made configurations of `ci/` as their systems do, in a repository made for it.

    pip install pre-commit check-jsonschema
    npm install gitlab-ci-local@4.56          # its node_modules/.bin on PATH; it needs rsync
    python tests/ci/check.py PROGRAM BELT TASK

BELT is a belt's folder whose task TASK judges functions, its base at hand. Each configuration is run
as it stands, which must pass, and once more with a threshold for TASK that every function is above,
and every finding a warning, which must fail by the changed function and by no other. pre-commit installs the hook of this
repository's last commit; GitLab's job runs in
gitlab-ci-local, without its image; of GitHub's workflow and of Jenkins'
pipeline the shell steps are run in their order (their actions and plugins exist only there), and the
workflow is checked by its schema. Needs no server; ends with 1 if anything is not as it should be.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
OLD = "def first(items):\n    result = []\n    for item in items:\n        result.append(item + 1)\n    return result\n"
NEW = "\n\ndef second(items):\n    total = 0\n    for item in items:\n        total -= item\n    return total\n"
LOUD = "--belt tools/belt --threshold {0}=0.0001 --level {0}=warning"


class Checkout:
    """A repository of two commits, the belt and one function in the first and another in the second."""

    def __init__(self, folder, program, belt):
        self.path = Path(tempfile.mkdtemp(dir=folder))
        tools = self.path.parent / "bin"
        tools.mkdir(exist_ok=True)
        if not (tools / "skillbelt").exists():
            (tools / "skillbelt").symlink_to(program)
        self.env = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", GIT_CONFIG_GLOBAL=os.devnull)
        who = ["-c", "user.name=ci", "-c", "user.email=ci@example.org"]
        self.git = lambda *words: self.run(["git", *who, *words])
        shutil.copytree(belt, self.path / "tools/belt")
        (self.path / "first.py").write_text(OLD)
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("commit", "-qm", "first")

    def run(self, command, **env):
        shell = isinstance(command, str)
        return subprocess.run(command, shell=shell, executable="/bin/bash" if shell else None, cwd=self.path,
                              env=self.env | env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def change(self):
        with open(self.path / "first.py", "a") as file:
            file.write(NEW)

    def commit(self):
        return self.git("commit", "-qam", "second")


def hook(checkout, text):
    """Plain git's hook."""
    path = checkout.path / ".git/hooks/pre-commit"
    path.write_text(text)
    path.chmod(0o755)
    checkout.change()
    return checkout.commit()


def pre_commit(checkout, text):
    """pre-commit installs the hook from this repository and git runs it."""
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], text=True, capture_output=True, check=True)
    asked = yaml.safe_load(text)
    asked["repos"][0].update(repo=str(ROOT), rev=head.stdout.strip())
    asked["repos"][0]["hooks"][0]["args"] = re.search(r"args: \[(.*)\]", text)[1].replace(",", " ").split()
    (checkout.path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(asked))
    checkout.git("add", ".")
    checkout.git("commit", "-qm", "configuration")
    installed = checkout.run(["pre-commit", "install"])
    if installed.returncode != 0:
        return installed
    checkout.change()
    return checkout.commit()


def steps(checkout, commands, **env):
    """Shell steps one after another, until one fails."""
    checkout.change()
    checkout.commit()
    for command in commands:
        done = checkout.run(f"set -eo pipefail\n{command}", **env)
        if done.returncode != 0:
            break
    return done


def github(checkout, text):
    jobs = yaml.safe_load(text)["jobs"]
    commands = [step["run"] for step in jobs["scan"]["steps"] if "run" in step]
    return steps(checkout, commands, BASE=checkout.git("rev-parse", "HEAD").stdout.strip())


def jenkins(checkout, text):
    before = checkout.git("rev-parse", "HEAD").stdout.strip()
    return steps(checkout, re.findall(r"^ *sh '(.*)'$", text, re.M), GIT_PREVIOUS_SUCCESSFUL_COMMIT=before)


def gitlab(checkout, text):
    # Without an image the job runs in a shell here.
    (checkout.path / ".gitlab-ci.yml").write_text(re.sub(r" *image: .*\n", "", text))
    checkout.git("add", ".")
    checkout.git("commit", "-qm", "configuration")
    checkout.change()
    checkout.commit()
    return checkout.run(["gitlab-ci-local", "skillbelt"])


def main():
    program, belt, task = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3]
    for tool in ["pre-commit", "check-jsonschema", "gitlab-ci-local"]:
        if shutil.which(tool) is None:
            sys.exit(f"there is no {tool}; see the first lines of {sys.argv[0]}")
    wrong = []

    def check(what, fine, said=""):
        print(f"{'as it should be' if fine else 'WRONG':16} {what}", flush=True)
        if not fine:
            wrong.append(what)
            print(said)

    for schema, name in [("github-workflows", "github-actions.yml"), ("gitlab-ci", "gitlab-ci.yml")]:
        done = subprocess.run(["check-jsonschema", "--builtin-schema", f"vendor.{schema}", ROOT / "ci" / name])
        check(f"{name}: the schema", done.returncode == 0)
    done = subprocess.run(["pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"])
    check(".pre-commit-hooks.yaml: pre-commit reads it", done.returncode == 0)

    kinds = {"pre-commit": hook, "pre-commit-config.yaml": pre_commit, "github-actions.yml": github,
             "Jenkinsfile": jenkins, "gitlab-ci.yml": gitlab}
    with tempfile.TemporaryDirectory() as folder:
        for name, run in kinds.items():
            text = (ROOT / "ci" / name).read_text()
            loud = re.sub(r"--belt,? tools/belt", LOUD.format(task), text)
            done = run(Checkout(folder, program, belt), text)
            check(f"{name}: passes as it stands", done.returncode == 0, done.stdout)
            checkout = Checkout(folder, program, belt)
            done = run(checkout, loud)
            lines = re.findall(r"(\d+) +warning +" + task, done.stdout)
            check(f"{name}: fails by what is new alone", done.returncode == 1 and lines == ["8"], done.stdout)
            if "--format sarif" in text:
                log = json.loads((checkout.path / "skillbelt.sarif").read_text())
                check(f"{name}: SARIF of everything", len(log["runs"][0]["results"]) >= 2)
            if run in (hook, pre_commit):
                last = checkout.git("log", "-1", "--format=%s").stdout.strip()
                check(f"{name}: the commit was stopped", last != "second", last)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
