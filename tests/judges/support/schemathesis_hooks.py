"""What Schemathesis cannot read out of the OpenAPI document.

Only requests that are meant to be valid are touched, and only where what makes them valid is known to the running service alone: which ids
exist, which region the caller has, what time it is, which cursors were given. Then checks of our own: pages follow each other, and of two
peers neither changes what the other recorded nor sees what is the other's alone.
"""

import datetime
import json
import os
import pathlib
import random
import sys
import threading
import uuid

import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from schemathesis_stage import BEFORE, ONCE, Stage  # noqa: E402

SERVICE = os.environ["JUDGE_SERVICE"]
CALLER = os.environ["JUDGE_CALLER"]
KEYS = json.loads(os.environ["JUDGE_KEYS"])
# The other one of two alike: the caller's peer, if it has one.
PEER = os.environ.get("JUDGE_PEER") or None
REGION = CALLER.partition(":")[2] if CALLER.startswith("regency:") else None
SECONDS = 30
TODAY = datetime.datetime.now(datetime.UTC).date().isoformat()

chance = random.Random(int(os.environ["JUDGE_SEED"]))
lock = threading.Lock()
keys_sent = set()
once_sent = set()


def headers_of(caller):
    return {"Authorization": f"Bearer {KEYS[caller]}"}


def first_page(caller, collection):
    answer = requests.get(f"{SERVICE}/v1/{collection}?limit=100", headers=headers_of(caller), timeout=SECONDS)
    return answer.json()["data"] if answer.status_code == 200 else []


def known_ids():
    """Ids of the demonstration, by the name a field has that refers to them."""
    of = {name: first_page(CALLER, name) for name in BEFORE if name != "organisations"}
    if REGION:
        of = {name: [one for one in rows if one.get("region") == REGION] or rows for name, rows in of.items()}
    organisations = first_page("province", "organisations")
    ids = {name: [one["id"] for one in rows] for name, rows in of.items()}
    me = requests.get(f"{SERVICE}/v1/me", headers=headers_of(CALLER), timeout=SECONDS).json()["organisation"]
    lenders = [one["id"] for one in organisations if one["kind"] == "bank"]
    events = requests.get(f"{SERVICE}/v1/events?limit=100", headers=headers_of(CALLER), timeout=SECONDS).json()["data"]
    return {name.removesuffix("s"): of_name for name, of_name in ids.items()} | {
        "organisation": [me],
        "lender": [me] if me in lenders else lenders,
        "certifier": [one["id"] for one in organisations if one["kind"] == "certifier"],
        "event": [one["id"] for one in events],
        "region": [REGION] if REGION else [],
    }


KNOWN = known_ids()
stage = Stage(SERVICE, CALLER, KEYS, KNOWN, chance)


def one_of(kind, otherwise):
    return chance.choice(KNOWN[kind]) if KNOWN.get(kind) else otherwise


# Bodies that are not JSON: no schema tells how a line or a table is made, so some of each are given, sound ones and broken ones.
LINES = [
    '{"key":"a","method":"POST","path":"cooperatives","body":{"name":"KSP Baris","kind":"ksp","region":"64.72","nik_koperasi":"6472010010999"}}',
    '{"method":"PATCH","path":"/v1/cooperatives/019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b","body":{"name":"KSP Baru"}}',
    '{"key":"b","method":"POST","path":"no-such-thing","body":{}}',
    '{"key":"c","method":"POST","path":"managers","body":{"region":"64.72"}}',
    "{",
    "[]",
]
HEADER = "financing;class;days_past_due;outstanding;position_date;scheme"
ROWS = [
    "001/PK/2014;1;0;19250000.00;2014-04-30;bank_umum",
    "019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b;5;400;1;2014-04-30;ksp",
    ";;;;;",
    "x",
]


def usable_file(case):
    """A file of some lines or rows, where the drawn text is neither the documented example nor anything like it."""
    if isinstance(case.body, str) and not case.body.startswith(("{", HEADER)):
        rows = [HEADER] if case.media_type == "text/csv" else []
        rows += chance.choices(ROWS if rows else LINES, k=chance.randint(1, 6))
        case.body = "\n".join(rows) + "\n"


@schemathesis.serializer("application/x-ndjson", "text/csv")
def write_text(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    """Each line of an answer is JSON of its own; the schema describes the lines, the last of which sums up. The first is held against it.
    A dataset is described as the text it is."""
    lines = [json.loads(line) for line in response.content.decode().splitlines()]
    return response.content.decode() if "/datasets/" in context.operation.path else lines[0]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    with lock:
        usable_headers(case)
        usable_query(case)
        if case.path.startswith("/v1/batches"):
            usable_file(case)
        if isinstance(case.body, dict):
            usable_body(case.body)
            new_names(case.body)
        # The links of the stateful phase lead to records of their own, and what was drawn from an answer is there.
        if case.meta.phase.name != TestPhase.STATEFUL and not case.meta.pool_draws and "{id}" in case.path:
            usable_record(case)


def usable_record(case):
    """Mostly a record that is there, and for a command one that can take it."""
    _, _, collection, _, *command = case.path.split("/")
    if chance.random() < 0.3:
        return
    if case.method == "GET":
        kind = "event" if collection in ("events", "log") else collection.removesuffix("s")
        case.path_parameters["id"] = one_of(kind, case.path_parameters["id"])
    elif collection in BEFORE and (prepared := stage.prepared(collection, "/".join(command))):
        case.path_parameters["id"], named = prepared
        if isinstance(case.body, dict):
            case.body |= {name: value for name, value in named.items() if name in case.body}
            if case.body.get("reconciles"):
                case.body["reconciles"] = []


def new_names(body, depth=0):
    """What must not be twice is left as it was drawn the first time."""
    for name, value in body.items():
        if isinstance(value, dict):
            new_names(value, depth + 1)
        elif isinstance(value, str) and (name in ONCE or (name == "id" and not depth)):
            if (name, value) in once_sent:
                body[name] = str(uuid.UUID(int=chance.getrandbits(128))) if name == "id" else stage.another(name)
            once_sent.add((name, value))


def usable_headers(case):
    headers = case.headers or {}
    # The same key with other content is refused, as documented; a key is left as drawn the first time.
    key = headers.get("Idempotency-Key")
    if key is not None:
        if key in keys_sent:
            headers["Idempotency-Key"] = str(uuid.UUID(int=chance.getrandbits(128)))
        keys_sent.add(key)
    # A drawn version is hardly ever the current one, and nothing lies behind the 412; and a text that is stretched to the greatest length is
    # stretched without regard to its pattern.
    for name in ("If-Match", "If-None-Match"):
        if name in headers:
            del headers[name]
            if chance.random() < 0.1:
                headers[name] = '"1"'
    if "Last-Event-ID" in headers and not has_come(str(headers["Last-Event-ID"])):
        headers["Last-Event-ID"] = "42"


def usable_query(case):
    query = case.query or {}
    # A cursor is sealed with a keyed hash: only those that were given are any good, and `pages_follow` walks on those.
    query.pop("cursor", None)
    # A point that has not come yet is refused, and so are two names of one point at once.
    for name in ("as_of", "diketahui_pada"):
        if name in query and not has_come(str(query[name])):
            query[name] = "2014-03-31T00:00:00+08:00"
        # What a link leads to was made just now; before that it was not there.
        if name in query and case.meta.phase.name == TestPhase.STATEFUL:
            del query[name]
    for one, other in (("as_of", "diketahui_pada"), ("on", "per_tanggal")):
        if one in query and other in query:
            del query[chance.choice((one, other))]
    if str(query.get("per_tanggal", "")) > TODAY:
        query["per_tanggal"] = "2014-03-31"
    # Which positions there are, the running service knows; and at the end of the log a judge has no time to wait.
    if case.path.startswith(("/v1/events", "/v1/log/consistency")):
        for name in ("after", "from", "to"):
            if name in query and query[name] != "head" and not has_come(str(query[name])):
                query[name] = {"after": "0", "from": "1", "to": "90"}[name]
        if str(query.get("from", "")).isdigit() and str(query.get("to", "")).isdigit():
            query["from"], query["to"] = sorted((query["from"], query["to"]), key=int)
        if "wait" in query:
            query["wait"] = 0
        # More than a page is for lines only.
        if "limit" in query:
            query["limit"] = min(int(query["limit"]), 500)
    # A stream without events is read until its time is over: once in a while that is enough. `GET /v1/events` has the same filters.
    if case.path == "/v1/events/stream" and chance.random() < 0.95:
        query.clear()
        query["after"] = "0"
    # Which parts there are depends on the area, and the end may not lie before the beginning: neither can be said in a schema.
    if case.path.startswith("/v1/statistics/"):
        for name in [name for name in query if name not in ("from", "region", "organisation", "as_of", "diketahui_pada", "per_tanggal", "limit")]:
            del query[name]
        # Figures are of whole months, and none lies before the first that is asked for.
        if "per_tanggal" in query:
            query["per_tanggal"] = "2014-03-31"
            query.pop("from", None)


def has_come(point):
    """Whether a position is there, or an instant or a day is over. (The demonstration alone has some 600 positions.)"""
    if point.isdigit():
        return int(point) < 100
    try:
        instant = datetime.datetime.fromisoformat(point.upper().replace("Z", "+00:00"))
    except ValueError:
        return False
    return (instant if instant.tzinfo else instant.astimezone()) < datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


def usable_body(body, depth=0):
    for name, value in list(body.items()):
        if name in ("cooperative", "manager", "lender", "certifier") and isinstance(value, str):
            body[name] = one_of(name, value)
        elif name == "participant" and isinstance(value, str):
            body[name] = one_of(body.get("kind", "cooperative"), value)
        elif name == "id" and depth and body.get("kind") in KNOWN:
            body[name] = one_of(body["kind"], value)
        elif name == "region" and REGION:
            body[name] = REGION
        elif name == "occurred_at" and chance.random() < 0.8:
            del body[name]
        elif (name.endswith("_on") or name.endswith("date")) and isinstance(value, str) and name != "valid_until":
            # A day to come is refused; what happened, happened in the years of the programme.
            if value > "2014-12-31":
                body[name] = f"20{chance.randrange(0, 15):02}{value[4:8]}{chance.randrange(1, 29):02}"
        elif isinstance(value, dict):
            usable_body(value, depth + 1)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    usable_body(item, depth + 1)


def as_peer(request):
    """The same request, sent by the peer."""
    again = request.copy()
    again.headers.update(headers_of(PEER))
    with requests.Session() as session:
        return session.send(again, timeout=SECONDS)


def sent_by_caller(response):
    return response.request.headers.get("Authorization") == headers_of(CALLER)["Authorization"]


@schemathesis.check
def peers_change_nothing(context, response, case):
    """What one of two peers recorded, the other does not change: its command on the same document is 403 or 404."""
    if PEER is None or case.method == "GET" or "{id}" not in case.path or not 200 <= response.status_code < 300:
        return
    if sent_by_caller(response):
        answer = as_peer(response.request)
        assert answer.status_code in (403, 404), (
            f"{PEER} was answered {answer.status_code} to {case.method} {case.path} on what {CALLER} recorded: {answer.text[:400]}"
        )


@schemathesis.check
def peers_see_nothing_of_their_own(context, response, case):
    """What is one peer's alone, the other does not read: of banks their financings, of regencies the persons and the worksheets."""
    if PEER is None or case.method != "GET" or "{id}" not in case.path or response.status_code != 200 or not sent_by_caller(response):
        return
    answer = as_peer(response.request)
    if case.path.startswith("/v1/financings/"):
        assert answer.status_code in (403, 404), f"{PEER} was answered {answer.status_code} to GET {case.path} of {CALLER}"
    if not response.headers["content-type"][0].startswith("application/json"):
        return
    mine, theirs = response.json(), answer.json() if answer.status_code == 200 else {}
    for name in ("person", "owner", "worksheet"):
        if isinstance(mine, dict) and isinstance(mine.get(name), dict):
            assert theirs.get(name) != mine[name], f"{PEER} sees the {name} that {CALLER} recorded: {case.path}"


@schemathesis.check
def pages_follow(context, response, case):
    """The next page is there, and holds nothing of this one."""
    if case.method != "GET" or response.status_code != 200 or not response.headers.get("content-type", [""])[0].startswith("application/json"):
        return
    body = response.json()
    if not isinstance(body, dict) or not body.get("next_cursor"):
        return
    link = response.headers["link"][0].partition("<")[2].partition(">")[0]
    answer = requests.get(SERVICE + link, headers={"Authorization": response.request.headers.get("Authorization", "")}, timeout=SECONDS)
    assert answer.status_code == 200, f"the next page of {case.path} was answered {answer.status_code}: {answer.text[:400]}"
    here, there = ([json.dumps(row, sort_keys=True) for row in page["data"]] for page in (body, answer.json()))
    assert not set(here) & set(there), f"the next page of {case.path} repeats rows"
