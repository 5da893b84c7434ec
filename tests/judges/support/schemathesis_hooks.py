"""What Schemathesis cannot read out of the OpenAPI document.

Only requests that are meant to be valid are touched, and only where what makes them valid is known to the running service alone: which ids
exist, which region the caller has, what time it is, which cursors were given. Then checks of our own: pages follow each other, and of two
peers neither changes what the other recorded nor sees its people.
"""

import datetime
import json
import os
import random
import threading
import uuid

import requests
import schemathesis
from schemathesis import GenerationMode

SERVICE = os.environ["JUDGE_SERVICE"]
CALLER = os.environ["JUDGE_CALLER"]
KEYS = json.loads(os.environ["JUDGE_KEYS"])
# The other one of two alike: the caller's peer, if it has one.
PEER = os.environ.get("JUDGE_PEER")
REGION = CALLER.partition(":")[2] if CALLER.startswith("regency:") else None
SECONDS = 30

chance = random.Random(20140224)
lock = threading.Lock()
keys_sent = set()


def headers_of(caller):
    return {"Authorization": f"Bearer {KEYS[caller]}"}


def first_page(caller, collection):
    answer = requests.get(f"{SERVICE}/v1/{collection}?limit=100", headers=headers_of(caller), timeout=SECONDS)
    return answer.json()["data"] if answer.status_code == 200 else []


def known_ids():
    """Ids of the demonstration, by the name a field has that refers to them."""
    of = {name: first_page(CALLER, name) for name in ("cooperatives", "managers", "enterprises", "assessments")}
    if REGION:
        of = {name: [one for one in rows if one.get("region") == REGION] or rows for name, rows in of.items()}
    organisations = first_page("province", "organisations")
    ids = {name: [one["id"] for one in rows] for name, rows in of.items()}
    me = requests.get(f"{SERVICE}/v1/me", headers=headers_of(CALLER), timeout=SECONDS).json()["organisation"]
    lenders = [one["id"] for one in organisations if one["kind"] == "bank"]
    return {
        "cooperative": ids["cooperatives"],
        "manager": ids["managers"],
        "enterprise": ids["enterprises"],
        "assessment": ids["assessments"],
        "lender": [me] if me in lenders else lenders,
        "certifier": [one["id"] for one in organisations if one["kind"] == "certifier"],
    }


KNOWN = known_ids()


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
def read_lines(_, response):
    """Each line of an answer is JSON of its own; the schema describes the lines, the last of which sums up. The first is held against it."""
    return [json.loads(line) for line in response.content.decode().splitlines()][0]


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


def usable_query(case):
    query = case.query or {}
    # A cursor is sealed with a keyed hash: only those that were given are any good, and `pages_follow` walks on those.
    query.pop("cursor", None)
    # A point that has not come yet is refused.
    if "as_of" in query and not has_come(str(query["as_of"])):
        query["as_of"] = "2014-03-31T00:00:00+08:00"
    # Which parts there are depends on the area, and the end may not lie before the beginning: neither can be said in a schema.
    if case.path.startswith("/v1/statistics/"):
        for name in [name for name in query if name not in ("from", "region", "organisation", "as_of", "limit")]:
            del query[name]


def has_come(point):
    if point.isdigit():
        return int(point) < 100
    try:
        return datetime.datetime.fromisoformat(point.replace("Z", "+00:00").replace("z", "+00:00")) < datetime.datetime.now(datetime.UTC)
    except ValueError:
        return False


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
def peers_see_no_people(context, response, case):
    """What one of two peers reads about a person, the other does not."""
    if PEER is None or case.method != "GET" or "{id}" not in case.path or response.status_code != 200 or not sent_by_caller(response):
        return
    person = response.json().get("person") or response.json().get("owner")
    if isinstance(person, dict):
        answer = as_peer(response.request)
        seen = answer.json().get("person") or answer.json().get("owner") if answer.status_code == 200 else None
        assert seen != person, f"{PEER} sees the person that {CALLER} recorded: {case.path}"


@schemathesis.check
def pages_follow(context, response, case):
    """The next page is there, and holds nothing of this one."""
    if case.method != "GET" or response.status_code != 200 or "json" not in response.headers.get("content-type", [""])[0]:
        return
    body = response.json()
    if not isinstance(body, dict) or not body.get("next_cursor"):
        return
    link = response.headers["link"][0].partition("<")[2].partition(">")[0]
    answer = requests.get(SERVICE + link, headers={"Authorization": response.request.headers.get("Authorization", "")}, timeout=SECONDS)
    assert answer.status_code == 200, f"the next page of {case.path} was answered {answer.status_code}: {answer.text[:400]}"
    here, there = ([json.dumps(row, sort_keys=True) for row in page["data"]] for page in (body, answer.json()))
    assert not set(here) & set(there), f"the next page of {case.path} repeats rows"
