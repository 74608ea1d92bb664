"""received.py LOG [--require NAME...] [--follow SECONDS]: what an OTLP receiver printed, as a table of the newest value of each series.

LOG is the output of `rotel-agent start --debug-log metrics --debug-log-verbosity detailed`.
--require   exit status 1 unless every named metric arrived with something counted in it; prints nothing
--follow    prints the table every so many seconds until it is ended; a log above 64 MiB is cut off
"""
import argparse
import collections
import os
import re
import time

ATTRIBUTE = re.compile(r"^\s+-> ([^:]+): \w+\((.*)\)$")
FIELD = re.compile(r"^\s*(?:-> )?(Name|Unit|Count|Sum|Value): (.*)$")
LOG_SIZE_MAX = 64 << 20


class Series(collections.namedtuple("Series", "metric attributes resource")):
    def owner(self):
        resource = dict(self.resource)
        parts = [resource.get(key) for key in ("k8s.namespace.name", "k8s.pod.name", "k8s.container.name")]
        return "/".join(part for part in parts if part) or resource.get("service.name", "-")


class Receiver:
    """Reads what was appended to the log and keeps the newest fields of each series."""

    def __init__(self, path):
        self.path, self.offset, self.newest = path, 0, {}
        self.resource, self.attributes, self.metric, self.unit, self.target = {}, {}, None, "", None

    def read(self):
        with open(self.path, "rb") as log:
            log.seek(self.offset)
            text = log.read()
        complete = text.rfind(b"\n") + 1
        self.offset += complete
        for line in text[:complete].decode(errors="replace").splitlines():
            self.line(line)
        if self.offset > LOG_SIZE_MAX:
            os.truncate(self.path, 0)
            self.offset = 0

    def line(self, line):
        if line.startswith("ResourceMetrics #"):
            self.resource, self.target = {}, None
        elif line.startswith("Resource attributes:"):
            self.target = self.resource
        elif line.startswith("Metric #"):
            self.metric, self.target = None, None
        elif "DataPoints #" in line:
            self.attributes, self.target = {}, None
        elif line.startswith("Data point attributes:"):
            self.target = self.attributes
        elif (match := ATTRIBUTE.match(line)) and self.target is not None:
            self.target[match[1]] = match[2]
        elif match := FIELD.match(line):
            self.field(match[1], match[2])

    def field(self, name, value):
        if name == "Name":
            self.metric = value
        elif name == "Unit":
            self.unit = value
        elif self.metric:
            series = Series(self.metric, tuple(sorted(self.attributes.items())), tuple(sorted(self.resource.items())))
            self.newest.setdefault(series, {"unit": self.unit})[name] = float(value)

    def counted(self, metric):
        return any(s.metric == metric and (f.get("Count") or f.get("Value")) for s, f in self.newest.items())

    def table(self, rows_per_metric=6):
        by_metric = collections.defaultdict(list)
        for series, fields in self.newest.items():
            by_metric[series.metric].append((fields.get("Count", fields.get("Value", 0)), series, fields))
        print(f"{'metric':34} {'of':48} {'attributes':44} {'count':>10} {'mean':>12}")
        for metric in sorted(by_metric):
            rows = sorted(by_metric[metric], key=lambda row: -row[0])
            for amount, series, fields in rows[:rows_per_metric]:
                attributes = " ".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in series.attributes)
                mean = f"{fields['Sum'] / fields['Count'] * 1e6:.1f} us" if fields.get("Count") and fields["unit"] == "s" else ""
                print(f"{metric:34} {series.owner()[:48]:48} {attributes[:44]:44} {amount:10.6g} {mean:>12}")
            if len(rows) > rows_per_metric:
                print(f"{'':34} … and {len(rows) - rows_per_metric} more series")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--require", nargs="+")
    parser.add_argument("--follow", type=float)
    options = parser.parse_args()
    receiver = Receiver(options.log)
    receiver.read()
    if options.require:
        missing = [name for name in options.require if not receiver.counted(name)]
        raise SystemExit(f"not received: {', '.join(missing)}" if missing else 0)
    receiver.table()
    while options.follow:
        time.sleep(options.follow)
        receiver.read()
        print()
        receiver.table()


main()
