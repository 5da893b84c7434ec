"""Runs Schemathesis as several callers, one after the other, and sums up: no failure, and cases enough."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).parent
SEED = "20140224"
CASES_MIN = 5_000
# Who calls, who its peer is, and what it is asked about: the province everything, the others what they record themselves.
CALLERS = [
    ("province", None, []),
    ("bank:991", "bank:992", ["financing"]),
    ("regency:64.72", "regency:64.71", ["cooperatives", "managers", "enterprises", "trainings", "assessments"]),
]


def write_settings(work, demo, caller, peer):
    """The settings and the file of identities of one run."""
    settings = (SUPPORT / "schemathesis.toml").read_text()
    names = [caller, peer] if peer else [caller]
    identities = {"auth": [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {demo['keys'][name]}"}]} for name in names]}
    (work / "identities.json").write_text(json.dumps(identities))
    settings += f'\n[auth.wfc]\npath = "{work / "identities.json"}"\nuser = "{caller}"\n'
    if peer:
        settings += f"peers = {json.dumps(names)}\n"
    (work / "schemathesis.toml").write_text(settings)


def judge(work, demo, caller, peer, tags, long):
    write_settings(work, demo, caller, peer)
    report = work / f"{caller.replace(':', '-')}.json"
    times = 10 if long else 1
    command = [
        str(pathlib.Path(sys.executable).parent / "st"), "--config-file", str(work / "schemathesis.toml"),
        "run", f"{demo['url']}/openapi.json", "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", str((8 if peer is None else 15) * times), "--seed", SEED,
        "--generation-database", "none", "--no-color", "--report-json-path", str(report),
    ]
    for tag in tags:
        command += ["--include-tag", tag]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": str(SUPPORT / "schemathesis_hooks.py"),
        "JUDGE_SERVICE": demo["url"], "JUDGE_CALLER": caller, "JUDGE_KEYS": json.dumps(demo["keys"]),
    }
    if peer:
        environment["JUDGE_PEER"] = peer
    done = subprocess.run(command, env=environment, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n")
    told = json.loads(report.read_text()) if report.exists() else {"test_cases": {"generated": 0}, "running_time": 0}
    generated = told["test_cases"]["generated"]
    print(f"schemathesis caller={caller} cases={generated} seconds={told['running_time']:.0f} status={done.returncode}", flush=True)
    return done.returncode == 0, generated


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("work", type=pathlib.Path)
    arguments.add_argument("--long", action="store_true")
    arguments.add_argument("--caller", help="this one alone")
    chosen = arguments.parse_args()
    demo = json.loads((chosen.work / "demo.json").read_text())
    callers = [one for one in CALLERS if chosen.caller in (None, one[0])]
    outcomes = [judge(chosen.work, demo, *one, chosen.long) for one in callers]
    cases = sum(generated for _, generated in outcomes)
    if not all(passed for passed, _ in outcomes):
        sys.exit(1)
    if cases < CASES_MIN and chosen.caller is None:
        sys.exit(f"only {cases} cases were drawn, {CASES_MIN} are wanted")
    print(f"schemathesis cases={cases} failures=0")


if __name__ == "__main__":
    main()
