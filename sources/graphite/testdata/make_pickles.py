#!/usr/bin/env python3
"""Writes points.0.pickle to points.5.pickle: one list of points in each of
Python's pickle protocols. pickle_test.go knows what is in them."""
import pickle

points = [
    ("shop.app.app1.http", (1700000000, 1)),
    ("shop.app.app1.latency", (1700000000.25, 0.054)),
    ("shop.app.app2.http", (-1, -3)),
    ["shop.app.app3.http", [1700000000, 300]],
    ("größe.\u20ac.\U0001f514.back\\slash", (1700000000, 70000)),
    ("large", (1700000000, 2**70)),
    ("small", (1700000000, -(2**40))),
    ("text", ("1700000000", "12.5")),
    ("true", (1700000000, True)),
    ("none", (1700000000, None)),
    ("nan", (1700000000, float("nan"))),
    ("three", (1700000000, 1, 2)),
    ("last", (1700000000, 1e300)),
]
for protocol in range(6):
    with open(f"points.{protocol}.pickle", "wb") as f:
        f.write(pickle.dumps(points, protocol))
