"""Brings a record into the state that a command is for: a command on a record that cannot take it says little about the command.

What is sent on the way are the document's own examples, by the caller itself as far as it may, so that the record is its own.
"""

import datetime
import itertools
import uuid

import requests

# Which command comes before which; one that is not named here comes first after the record was made.
BEFORE = {
    "assessments": {"resubmissions": "returns", "corrections": "determinations"},
    "certifications": {
        "results": "assessment-schedules",
        "appeals": "results",
        "appeal-decisions": "appeals",
        "certificates": "results",
        "reinstatements": "suspensions",
        **dict.fromkeys(("duplicates", "surveillances", "suspensions", "revocations", "renewals"), "certificates"),
    },
    "cooperatives": {"reactivations": "deactivations"},
    "enterprises": {"restriction-liftings": "restrictions"},
    "financings": {
        "surveys": "verifications",
        "contracts": "approvals",
        "disbursements": "contracts",
        "claim-payments": "guarantee-claims",
        "subrogations": "claim-payments",
        "recoveries": "write-offs",
        "claim-waivers": "write-offs",
        **dict.fromkeys(
            ("instalments", "collectibility-reports", "restructurings", "top-ups", "settlements", "guarantee-claims", "write-offs", "reversals"),
            "disbursements",
        ),
    },
    "managers": {"departures": "appointments", "restriction-liftings": "restrictions"},
    "organisations": {"key-rotations": "keys", "key-revocations": "keys", "client-removals": "clients", "reactivations": "deactivations"},
    "programmes": {},
    "trainings": {},
}
# What must not be twice, by the name of its field: how another one is made.
ONCE = {
    "nik_koperasi": "6472{:09}",
    "nik_orang": "647201{:010}",
    "number": "{}/2014",
    "akad_number": "{}/PK/2014",
    "certificate_number": "64190 {} 2014",
    "registration_number": "KJK.{}.2014",
    "lender_reference": "A-{}",
    "code": "{}",
    "label": "Sistem {}",
    "client_id": "sistem-{}",
}
SECONDS = 30


def in_days(days):
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


class Stage:
    """Records of one caller, and what is known about them."""

    def __init__(self, service, caller, keys, known, chance):
        self.service, self.callers, self.keys = service, (caller, "province"), keys
        # Ids, by the name a field has that refers to them; and the region of a caller that has one.
        self.known, self.chance = known, chance
        self.count = itertools.count(1001)
        self.document = requests.get(f"{service}/openapi.json", timeout=SECONDS).json()

    def example(self, path, method="post"):
        """The documented body of a command, with what must not be twice made new, and who is named in it known."""
        body = self.document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = self.document["components"]["schemas"][body.rpartition("/")[2]]
        return self.fill(dict(schema.get("example") or schema["examples"][0]))

    def fill(self, body):
        """A body whose names and numbers are new, and whose references are to what there is."""
        filled = {}
        for name, value in body.items():
            if isinstance(value, dict):
                value = self.fill(value)
            elif name in ONCE and isinstance(value, str):
                value = self.another(name)
            elif name == "id" and body.get("kind") in self.known:
                value = self.one_of(body["kind"], value)
            elif isinstance(value, str):
                value = self.one_of(name, value)
            filled[name] = value
        return filled

    def another(self, name):
        return ONCE[name].format(next(self.count))

    def one_of(self, kind, otherwise):
        return self.chance.choice(self.known[kind]) if self.known.get(kind) else otherwise

    def send(self, path, body):
        """Sends a command as the caller, or as the province where the caller may not; its answer if it was taken."""
        for caller in self.callers:
            headers = {"Authorization": f"Bearer {self.keys[caller]}", "Idempotency-Key": str(uuid.UUID(int=self.chance.getrandbits(128)))}
            answer = requests.post(self.service + path, json=body, headers=headers, timeout=SECONDS)
            if answer.status_code not in (403, 404):
                break
        return answer.json() if answer.status_code in (200, 201) else None

    def prepared(self, collection, command):
        """A new record that can take the command, and what the command has to name; nothing when it cannot be made."""
        steps, before = [], BEFORE[collection].get(command)
        while before is not None:
            steps.insert(0, before)
            before = BEFORE[collection].get(before)
        record, named = self.made(collection), {}
        if record is None:
            return None
        for step in steps:
            body = self.step(collection, step, command)
            answer = self.send(f"/v1/{collection}/{record}/{step}", body)
            if answer is None:
                return None
            named |= self.named(step, body, answer)
        return record, named

    def creation(self, collection):
        body = self.example(f"/v1/{collection}")
        # Before the days that the examples speak of.
        body["occurred_at"] = "2014-02-20T00:00:00Z"
        if collection == "assessments":
            # One assessment of a cooperative and year is determined once.
            body["cooperative"] = self.made("cooperatives")
        elif collection == "certifications":
            # A manager has one candidacy of a scheme at a time.
            body["manager"] = self.made("managers")
        elif collection == "financings":
            # A bank is its own lender; for the province it must be said who that is.
            body["lender"] = self.one_of("lender", None)
        elif collection == "organisations":
            body = {"kind": "bank", "name": f"Bank Peraga {next(self.count)}", "code": self.another("code")}
        return body

    def made(self, collection):
        """The id of a new record."""
        answer = self.send(f"/v1/{collection}", self.creation(collection))
        return answer and answer["id"]

    def step(self, collection, step, command):
        body = self.example(f"/v1/{collection}/{{id}}/{step}")
        body.pop("reconciles", None)
        if step == "results" and command in ("appeals", "appeal-decisions"):
            body["result"] = "belum_kompeten"
        elif step == "certificates":
            body["valid_until"] = in_days(900).date().isoformat()
        elif step == "determinations":
            # The example's worksheet is too small for a category to follow from it.
            body |= {"category": "sehat", "reason": "Lembar kerja contoh"}
        elif step == "write-offs":
            body["written_off_on"] = "2014-05-15"
        elif step == "disbursements":
            # Whole, so that what is claimed, paid or written off in the examples stays below it.
            body["amount"]["value"] = "20000000.00"
        elif step == "keys":
            body["expires_at"] = in_days(90).isoformat()
            body.pop("scopes", None)
        return body

    def named(self, step, body, made):
        """What a later command has to name of this one."""
        if step == "disbursements":
            return {"event_id": made["first_disbursement"]["event_id"]}
        if step == "appointments":
            return {"cooperative": body["cooperative"], "role": body["role"]}
        if step == "keys":
            return {"key_id": made["key_id"]}
        if step == "clients":
            return {"client": made["clients"][-1]["client"]}
        return {}
