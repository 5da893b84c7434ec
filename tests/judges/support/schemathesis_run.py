"""Runs Schemathesis as several callers at once, each against a demonstration of its own, and sums up: no failure, and cases enough."""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

SUPPORT = pathlib.Path(__file__).parent
# Whoever sends ten thousand requests a minute is limited; the judge is not what the limits are for.
UNLIMITED = ("--organisation-requests-per-second=0", "--address-requests-per-second=0", "--key-lookups-per-second=0")
START_SECONDS = 60


@dataclasses.dataclass
class Caller:
    """Who calls, who its peer is, what it is asked about (nothing named is everything), and how few cases would be no judgement."""

    name: str
    peer: str | None
    tags: tuple[str, ...]
    cases_min: int


CALLERS = [
    Caller("province", None, (), 3_000),
    Caller("bank:991", "bank:992", ("financing", "batches", "events", "datasets"), 1_000),
    Caller("regency:64.72", "regency:64.71", ("cooperatives", "managers", "enterprises", "trainings", "assessments", "events"), 1_000),
]


@contextlib.contextmanager
def demonstration(program, work):
    """The service with the demonstration on a free port; what it says of itself."""
    told = work / "demo.json"
    with told.open("wb") as out, (work / "demo.log").open("wb") as log:
        service = subprocess.Popen([program, "demo", "--json", "--bind", "127.0.0.1:0", *UNLIMITED], stdout=out, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _ in range(START_SECONDS * 10):
            if told.stat().st_size and told.read_bytes().endswith(b"\n"):
                break
            if service.poll() is not None:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"the service did not start: {(work / 'demo.log').read_text()[-2000:]}")
        yield json.loads(told.read_text())
    finally:
        service.terminate()
        service.wait()


def write_settings(work, keys, caller):
    """The settings and the file of identities of one run."""
    settings = (SUPPORT / "schemathesis.toml").read_text()
    names = [caller.name, caller.peer] if caller.peer else [caller.name]
    identities = {"auth": [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {keys[name]}"}]} for name in names]}
    (work / "identities.json").write_text(json.dumps(identities))
    settings += f'\n[auth.wfc]\npath = "{work / "identities.json"}"\nuser = "{caller.name}"\n'
    if caller.peer:
        settings += f"peers = {json.dumps(names)}\n"
    (work / "schemathesis.toml").write_text(settings)


def judge(caller, work, chosen):
    """One caller's run: whether nothing was found, and how many cases there were."""
    work = work / caller.name.replace(":", "-")
    work.mkdir()
    report = work / "report.json"
    with demonstration(chosen.program, work) as demo:
        write_settings(work, demo["keys"], caller)
        command = [
            str(pathlib.Path(sys.executable).parent / "st"), "--config-file", str(work / "schemathesis.toml"),
            "run", chosen.document or f"{demo['url']}/openapi.json", "--url", demo["url"],
            "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(60 if chosen.long else 6), "--seed", str(chosen.seed),
            "--generation-database", "none", "--suppress-health-check", "all", "--no-color", "--report-json-path", str(report),
        ]
        if chosen.paths:
            command += ["--include-path-regex", chosen.paths]
        for tag in () if chosen.paths else caller.tags:
            command += ["--include-tag", tag]
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": str(SUPPORT / "schemathesis_hooks.py"), "PYTHONHASHSEED": "0", "JUDGE_SEED": str(chosen.seed),
            "JUDGE_SERVICE": demo["url"], "JUDGE_CALLER": caller.name, "JUDGE_KEYS": json.dumps(demo["keys"]), "JUDGE_PEER": caller.peer or "",
        }
        done = subprocess.run(command, env=environment, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    (work / "report.txt").write_text(done.stdout)
    return sum_up(caller, done, report, 0 if chosen.paths else caller.cases_min)


def sum_up(caller, done, report, cases_min):
    told = json.loads(report.read_text()) if report.exists() and report.stat().st_size else None
    if told is None:
        print(done.stdout, f"schemathesis caller={caller.name}: no report, status={done.returncode}", sep="\n", flush=True)
        return False, 0
    cases, failures = told["test_cases"]["generated"], told["test_cases"]["unique_failures"] + told["test_cases"]["errored"]
    reached = sum(any(phase["accepted"] for phase in phases.values()) for phases in told["valid_rates"].values())
    passed = done.returncode == 0 and failures == 0 and told["complete"]
    if not passed:
        print(done.stdout)
    line = f"schemathesis caller={caller.name} cases={cases} operations={told['operations']['tested']} succeeded_in={reached} failures={failures}"
    print(f"{line} seconds={told['running_time']:.0f} status={done.returncode}", flush=True)
    if passed and cases < cases_min:
        print(f"only {cases} cases were drawn, {cases_min} are wanted")
        passed = False
    return passed, cases


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("work", type=pathlib.Path, help="folder for what is written")
    arguments.add_argument("program", help="the service's program")
    arguments.add_argument("--long", action="store_true", help="ten times as many cases where they are drawn")
    arguments.add_argument("--seed", type=int, default=20140224)
    arguments.add_argument("--caller", help="this one alone")
    arguments.add_argument("--paths", help="the operations whose path matches this expression alone")
    arguments.add_argument("--peer", help="with --caller, another peer: one that may do the same must be found out")
    arguments.add_argument("--document", help="another OpenAPI document than the service's own: one that says something else must be found out")
    chosen = arguments.parse_args()
    callers = [one for one in CALLERS if chosen.caller in (None, one.name)]
    if chosen.peer:
        callers = [dataclasses.replace(one, peer=chosen.peer) for one in callers]
    print(f"schemathesis seed={chosen.seed}", flush=True)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        runs = [threads.submit(judge, one, chosen.work, chosen) for one in callers]
        outcomes = [run.result() for run in runs]
    passed = bool(outcomes) and all(passed for passed, _ in outcomes)
    print(f"schemathesis cases={sum(cases for _, cases in outcomes)} seed={chosen.seed}: {'no failures' if passed else 'FAILED'}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
