"""kernels.py LOG...: what the machines of hack/kernels said, as a table; LOG is a log's path without `.log`.

Exit status 1 when a machine did not answer, or a hook failed that its least kernel promises.
"""
import json
import re
import sys

ANSWER = re.compile(r"=== begin (\S+)\n(.*?)=== end \1 (\d+)", re.DOTALL)


def answers(path):
    """Each answer's JSON document by name; what stands before it is what was said on standard error."""
    with open(path + ".log", errors="replace") as log:
        text = log.read().replace("\r", "")
    found = {}
    for name, body, _ in ANSWER.findall(text):
        start = body.find("{")
        try:
            found[name] = json.JSONDecoder().raw_decode(body[start:])[0] if start >= 0 else {}
        except ValueError:
            found[name] = {}
    return found


def version(text):
    numbers = re.match(r"(\d+)\.(\d+)", text)
    return tuple(map(int, numbers.groups())) if numbers else (0, 0)


def hooks(document, kernel, mode, faults):
    """Rows of hooks that do not work; a promise that does not hold is a fault."""
    release = document["kernel"]["release"]
    for hook in document["hooks"]:
        if hook["attached"]:
            continue
        is_promised = mode == "v2" and version(release) >= version(hook["leastKernel"])
        # The task walk and sockets' storage on version 1 have their own least kernels; the reason tells them.
        yield f"  {'FAULT' if is_promised else 'none '} {hook['program']:10} {hook['function']:22} {hook['reason']}"
        if is_promised:
            faults.append(f"{kernel}: {hook['function']} promises Linux {hook['leastKernel']}")


def counted(window):
    """Metrics of a window of load that are not zero, and those that are."""
    totals = {}
    for group in window.get("cgroups", []):
        for name, value in flatten(group):
            totals[name] = totals.get(name, 0) + value
    return " ".join(f"{name}={value:g}" for name, value in sorted(totals.items()) if value)


def flatten(value, prefix=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("id", "buckets", "name", "path"):
                yield from flatten(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        for inner in value:
            yield from flatten(inner, prefix)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield prefix, value


def status(document):
    for signal in document.get("signals", []):
        for metric in signal["metrics"]:
            yield f"  {metric['state']:11} {metric['name']:34} {metric.get('reason', '')}"


def main():
    faults = []
    for path in sys.argv[1:]:
        found = answers(path)
        kernel = path.rsplit("/", 1)[-1]
        for wanted in ("doctor-v2", "top-v2", "capabilities", "agent", "without-btf"):
            if not found.get(wanted):
                faults.append(f"{kernel}: no answer to {wanted}; see {path}.log")
        for name, document in found.items():
            release = document.get("kernel", {}).get("release") or document.get("kernelRelease", "")
            print(f"\n{kernel} {release} {name}")
            if "hooks" in document:
                attached = [hook for hook in document["hooks"] if hook["attached"]]
                print(f"  {len(attached)} of {len(document['hooks'])} hooks, network {document['network']}")
                mode = "v1" if document["cgroups"]["version"] == 1 or name == "capabilities" else "v2"
                for row in hooks(document, kernel, mode, faults):
                    print(row)
                for signal in document["signals"]:
                    if signal["state"] != "active" or signal["program"] in ("disk_issue", "sched_fast"):
                        print(f"  {signal['state']:11} {signal['name']:34} {signal['program']:10} {signal['reason']}")
            elif "cgroups" in document:
                print(f"  {counted(document)}")
            elif "kernelRelease" in document:
                for row in status(document):
                    print(row)
    print()
    for fault in faults:
        print(f"FAULT {fault}")
    raise SystemExit(1 if faults else 0)


main()
