"""Reads the log with the package `cloudevents`: as lines, as batches, as pages, as Server-Sent Events."""

import json
import sys
import urllib.request

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

REQUIRED = ["sequence", "recordedtime", "correlationid", "organisation", "region", "streamversion", "leafhash"]


def get(guide, who, path, accept):
    headers = {"Authorization": f"Bearer {guide['keys'][who]}", "Accept": accept}
    return urllib.request.urlopen(urllib.request.Request(guide["url"] + path, headers=headers), timeout=60)


def read(text):
    """One event, read by the package and written by it again."""
    event = JSONFormat().read(CloudEvent, text)
    again = json.loads(JSONFormat().write(event))
    before = json.loads(text)
    for name in ("data", "type", "source", "id", "subject"):
        assert again.get(name) == before.get(name), (name, again, before)
    return event


def lines(guide, who):
    with get(guide, who, "/v1/events", "application/x-ndjson") as answer:
        events = [read(line) for line in answer]
    assert events.pop().get_type() == "log.read_through", "the answer is cut off"
    for event in events:
        for name in REQUIRED:
            assert event.get_extension(name) is not None, (name, event.get_id())
    return [event.get_id() for event in events]


def batches(guide, who):
    after, ids = 0, []
    while True:
        with get(guide, who, f"/v1/events?limit=97&after={after}", "application/cloudevents-batch+json") as answer:
            ids += [read(json.dumps(event)).get_id() for event in json.load(answer)]
            after = int(answer.headers["Log-Through"])
            if after == int(answer.headers["Log-Head"]):
                return ids


def pages(guide, who):
    after, ids = 0, []
    while after is not None:
        with get(guide, who, f"/v1/events?limit=500&after={after}", "application/json") as answer:
            page = json.load(answer)
        ids += [read(json.dumps(event)).get_id() for event in page["data"]]
        after = page["next_cursor"]
    return ids


def stream(guide, who, number):
    ids = []
    with get(guide, who, "/v1/events/stream", "text/event-stream") as answer:
        for line in answer:
            if line.startswith(b"data: "):
                ids.append(read(line[len(b"data: "):]).get_id())
                if len(ids) == number:
                    return ids
    raise AssertionError("the stream ended")


guide = json.loads(sys.argv[1])
told = []
for who in guide["keys"]:
    ids = lines(guide, who)
    assert ids and len(set(ids)) == len(ids)
    assert ids == batches(guide, who) == pages(guide, who) == stream(guide, who, len(ids)), who
    told.append(f"{who} {len(ids)}")
print("cloudevents reads every event:", ", ".join(told))
