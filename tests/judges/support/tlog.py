"""Lets two foreign verifiers judge a running service; see the script `tlog` beside this file.

The verifiers read the service through a proxy, which adds the auditor's key and, where it is told to, flips one bit of an answer.
"""

import base64
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from tlog_scales import signing, tiles, tlog
from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader

URL, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
VKEY = (WORK / "verifier-key").read_text().strip()
AUDITOR, PROVINCE = ((WORK / f"{name}-key").read_text().strip() for name in ("auditor", "province"))
ORIGIN = "example.test/log"
PROGRAMS = pathlib.Path(sys.executable).parent


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes on what the service answers; `flips` is a pattern of paths and which byte of the answer to harm."""

    flips = None
    flipped = 0
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        request = urllib.request.Request(URL + "/v1/log" + self.path, headers={"Authorization": f"Bearer {AUDITOR}"})
        try:
            with urllib.request.urlopen(request) as answer:
                status, body = answer.status, bytearray(answer.read())
        except urllib.error.HTTPError as error:
            status, body = error.code, bytearray(error.read())
        if status == 200 and Proxy.flips and re.search(Proxy.flips[0], self.path):
            body[Proxy.flips[1] % len(body)] ^= 1
            Proxy.flipped += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def say(text):
    print(f"judges: {text}", flush=True)


def wait_until_it_serves():
    for _ in range(600):
        try:
            return urllib.request.urlopen(URL + "/readyz").close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit("the service does not start")


def register(number):
    """Records a cooperative; its receipt, as it came with the answer."""
    body = {"name": f"Koperasi {number}", "kind": "ksp", "region": "64.72",
            "badan_hukum": {"number": f"J-{number}/BH", "date": "2008-08-14"}}
    headers = {"Authorization": f"Bearer {PROVINCE}", "Content-Type": "application/json", "Want-Proof": "?1"}
    request = urllib.request.Request(URL + "/v1/cooperatives", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return base64.b64decode(answer.headers["Log-Proof"].strip(":")).decode()


# --- tlog-scales, as a library and by its program


def scales(proxy):
    reader = TilesReader(HttpBackend(proxy))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(signing.Vkey.from_string(VKEY))
    assert checkpoint.origin == ORIGIN
    return reader, checkpoint


def scales_includes(proxy, index):
    reader, checkpoint = scales(proxy)
    proof = reader.get_inclusion_proof(index, checkpoint.size)
    entry = reader.get_entry(index)
    proof.check(tiles.leaf_hash(entry), checkpoint.root_hash)
    return entry


def scales_consistent(proxy, old):
    reader, checkpoint = scales(proxy)
    reader.get_consistency_proof(old.size, checkpoint.size).check(old.root_hash, checkpoint.root_hash)


def scales_receipt(receipt, entry):
    """Verifies a `.tlog-proof` offline."""
    proof, note = receipt.split("\n\n", 1)
    header, index, *hashes = proof.split("\n")
    assert header == "c2sp.org/tlog-proof@v1", header
    checkpoint = tlog.Checkpoint.from_text(note)
    checkpoint.verify(signing.Vkey.from_string(VKEY))
    path = [base64.b64decode(line) for line in hashes]
    index = int(index.removeprefix("index "))
    tlog.InclusionProof(index, checkpoint.size, path).check(tiles.leaf_hash(entry), checkpoint.root_hash)


def scales_program(*arguments):
    done = subprocess.run([PROGRAMS / "tlog-tiles", *arguments], capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


# --- aics-tlog, by its program


def aics(task, proxy, *arguments):
    command = [PROGRAMS / "aics-tlog", task, "--tiles", proxy, "--log-key", VKEY, "--origin", ORIGIN, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(json.loads(done.stdout).get("error", done.stdout) if done.stdout else done.stderr)
    return done.stdout


def refused(what, judge, *arguments):
    Proxy.flipped = 0
    try:
        judge(*arguments)
    except Exception as why:  # Each has its own; that nothing was flipped is told below.
        assert Proxy.flipped or Proxy.flips is None, f"{what}: nothing was flipped, and yet: {why}"
        return f"{type(why).__name__} {why}".strip().split("\n")[-1]
    raise SystemExit(f"judges: {what} was believed")


def main():
    wait_until_it_serves()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_port}"

    _, first = scales(proxy)
    assert first.size >= 70_000, first.size
    saved = WORK / "first-checkpoint"
    aics("verify-checkpoint", proxy, "--save-checkpoint", str(saved))
    say(f"the checkpoint of {first.size} events is signed by {ORIGIN}, say both")

    last = first.size - 1
    edges = [0, 1, 255, 256, 257, 65_535, 65_536, first.size // 2, last // 256 * 256, last - 1, last]
    for index in edges:
        entry = scales_includes(proxy, index)
        assert json.loads(entry)["position"] == index + 1
        assert scales_program("get-leaf", "--check", proxy, str(index)) == entry
        out = WORK / "entry"
        aics("verify-inclusion", proxy, "--index", str(index), "--entry-out", str(out))
        assert out.read_bytes() == entry
        ours = urllib.request.urlopen(f"{URL}/v1/log/proofs/{json.loads(entry)['event_id']}").read()
        scales_receipt(ours.decode(), entry)
        assert scales_program("gen-proof", proxy, str(index)) == ours, "another receipt than ours"
    say(f"events at {edges} are included, say both, and our receipts are to the byte those that tlog-scales makes")

    receipts = [register(number) for number in range(600)]
    time.sleep(1.1)
    _, second = scales(proxy)
    assert second.size == first.size + 600, second.size
    scales_consistent(proxy, first)
    aics("verify-consistency", proxy, "--old-checkpoint", str(saved))
    say(f"the log of {second.size} events goes on from that of {first.size}, say both")
    for index, receipt in list(enumerate(receipts, first.size))[::50]:
        entry = scales_includes(proxy, index)
        scales_receipt(receipt, entry)
        wrong = entry.replace(b"J-", b"K-")
        refused("a receipt of another entry", scales_receipt, receipt, wrong)
        hashes = receipt.split("\n")
        hashes[3] = hashes[4]
        refused("a receipt with another hash", scales_receipt, "\n".join(hashes), entry)
        refused("a receipt of another size", scales_receipt, receipt.replace(f"\n{index + 1}\n", f"\n{index + 2}\n"), entry)
    say("receipts that came with the writes hold, and changed ones do not")

    index = 12_345
    tile, at = index // 256, (index % 256) * 32
    harms = {
        "the checkpoint's root": ("^/checkpoint$", len(ORIGIN) + 12),
        "an entry": (f"^/tile/entries/{tile:03}", 40),
        "the hash of an entry": (f"^/tile/0/{tile:03}", at ^ 32),
        "a hash above": ("^/tile/1/000", 17),
    }
    for what, flips in harms.items():
        Proxy.flips = flips
        whose = index if what != "an entry" else tile * 256
        one = refused(f"{what} (tlog-scales)", scales_includes, proxy, whose)
        other = refused(f"{what} (aics-tlog)", aics, "verify-inclusion", proxy, "--index", str(whose))
        say(f"{what} with a flipped bit is refused: tlog-scales `{one[:90]}`, aics-tlog `{other[:90]}`")
    Proxy.flips = ("^/tile/", 17)
    refused("consistency (tlog-scales)", scales_consistent, proxy, first)
    refused("consistency (aics-tlog)", aics, "verify-consistency", proxy, "--old-checkpoint", str(saved))
    Proxy.flips = None
    scales_includes(proxy, index)
    aics("verify-inclusion", proxy, "--index", str(index))
    say("consistency over a flipped bit is refused by both; without it all is well again")


main()
