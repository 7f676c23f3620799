#!/usr/bin/env python3
"""Writes bfcl_figures.csv.gz: the figures of the recorded runs that the demo shows, and nothing else of them.

usage: bfcl_figures.py RUNS.jsonl.gz OUT.csv.gz
Carries verdicts, numbers of calls, tokens and latencies; no prompt, no output. Source and licence: README.md beside this file.
"""
import collections, csv, gzip, io, json, sys

WANTED = [
    ("2024-07-25", "gpt-4-turbo-2024-04-09-FC"), ("2024-08-11", "gpt-4-turbo-2024-04-09-FC"),
    ("2024-07-25", "gpt-4o-2024-05-13-FC"), ("2024-08-11", "gpt-4o-2024-05-13-FC"),
    ("2024-08-11", "gpt-4o-mini-2024-07-18-FC"), ("2024-08-11", "gpt-4o-2024-08-06-FC"),
    ("2024-08-11", "claude-3-5-sonnet-20240620-FC"),
]
# Where no model of the whole set was ever right, the number of calls that the category asks for at least.
LEAST = {"simple": 1, "multiple_function": 1, "parallel_function": 2, "parallel_multiple_function": 2, "relevance": 0}


def flaw(row):
    """How a wrong answer was wrong, in one letter: j arguments are no JSON, t text where a call was due, v the calls differ."""
    if row["ok"]:
        return ""
    if not isinstance(row["out"], list):
        return "t"
    return "j" if "decoder_failed" in (row["err"] or "") else "v"


def main():
    with gzip.open(sys.argv[1], "rt") as f:
        rows = [json.loads(line) for line in f]
    gold = collections.defaultdict(collections.Counter)
    for r in rows:
        if r["ok"] and isinstance(r["out"], list) and r["cat"] != "relevance":
            gold[(r["cat"], r["i"])][len(r["out"])] += 1
    out = io.StringIO()
    w = csv.writer(out, lineterminator="\n")
    w.writerow(["run", "model", "category", "index", "expected_calls", "ok", "calls", "flaw", "input_tokens", "output_tokens", "latency_ms"])
    wanted = [r for r in rows if (r["run"], r["model"]) in WANTED]
    wanted.sort(key=lambda r: (WANTED.index((r["run"], r["model"])), r["cat"], r["i"]))
    for r in wanted:
        key = (r["cat"], r["i"])
        expected = gold[key].most_common(1)[0][0] if gold[key] else LEAST[r["cat"]]
        calls = len(r["out"]) if isinstance(r["out"], list) else 0
        w.writerow([r["run"], r["model"].removesuffix("-FC"), r["cat"], r["i"], expected, int(r["ok"]), calls, flaw(r), r["tin"], r["tout"], f"{r['lat'] * 1000:.1f}"])
    with open(sys.argv[2], "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=9) as z:
        z.write(out.getvalue().encode())
    print(f"{len(wanted)} rows")


main()
