"""relocations.py RELOCATE OBJECTS IMAGE...: whether the programs' accesses find their fields in the types of kernels that this machine cannot boot.

RELOCATE is hack/lib/relocate.c, compiled; OBJECTS a folder with the programs, compiled for the kernels' architecture; IMAGE an uncompressed kernel. hack/kernels --arch
runs it. Exit status 1 when a program that its least kernel promises misses a field or its tracepoint, or an object does not come through libbpf.
"""
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent.parent
# include/uapi/linux/btf.h: magic, version 1, no flags, 24 bytes of header.
HEADER = b"\x9f\xeb\x01\x00\x18\x00\x00\x00"
HOOK = re.compile(r'function: "(\w+)",\s*(tracepoint|running): "(\w+)",\s*leastKernel: "([\d.]+)"')


def btf_of(image):
    """The kernel's type information: the section .BTF, which lies in the image as it is."""
    found = []
    place = image.find(HEADER)
    while place >= 0:
        types, type_bytes, strings, string_bytes = struct.unpack_from("<4I", image, place + 8)
        end = place + 24 + strings + string_bytes
        # Types, then strings, which begin and end with a zero byte; and as many as a whole kernel has.
        if types == 0 and strings == type_bytes > 1 << 16 and end <= len(image) and image[end - string_bytes] == image[end - 1] == 0:
            found.append(image[place:end])
        place = image.find(HEADER, place + 1)
    return max(found, key=len, default=None)


def version_of(image):
    text = re.search(rb"Linux version (\S+)", image)
    return text[1].decode() if text else ""


def numbers(text):
    match = re.match(r"(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else (0, 0)


def hooks():
    """By function: what it stands on, and its least kernel."""
    found = {}
    for path in sorted((ROOT / "Sources/ProbePrograms/Programs").glob("*.swift")):
        for function, kind, place, least in HOOK.findall(path.read_text()):
            found[function] = (place if kind == "running" else "btf_trace_" + place, least)
    return found


def examine(relocate, objects, image, known, faults):
    kernel = version_of(image)
    types = btf_of(image)
    if not types or not kernel:
        return faults.append(f"{kernel or 'an image'}: no type information found")
    print(f"\n{kernel}, {len(types)} bytes of types")
    with tempfile.NamedTemporaryFile(suffix=".btf") as file:
        file.write(types)
        file.flush()
        output = subprocess.run([relocate, file.name, *objects], capture_output=True, text=True).stdout
    seen, promised, said = set(), False, set()
    for line in output.splitlines():
        word, rest = line.split(" ", 1)
        if word == "refused":
            faults.append(f"{kernel}: {rest}")
        elif word == "program":
            source, function, moved, missing, reached = rest.split()
            place, least = known.get(function, ("", "0.0"))
            promised = numbers(kernel) >= numbers(least)
            seen.add(function)
            said = set()
            is_there = not place or b"\0" + place.encode() + b"\0" in types
            print(f"  {function:24} {moved:>3} accesses, {missing} without a field, {reached} of them reached"
                  + ("" if is_there else f"; no {place}") + ("" if promised else f"; takes {least}"))
            if promised and not is_there:
                faults.append(f"{kernel}: {function} promises Linux {least}, but there is no {place}")
        elif line not in said:
            said.add(line)
            print(f"    {word:8} {rest}")
            if word == "reached" and promised:
                faults.append(f"{kernel}: {function} promises Linux {least}, but reads {rest}, which is not there")
    for function in sorted(known.keys() - seen):
        faults.append(f"{kernel}: nothing is known of {function}")


def main():
    relocate, folder, *images = sys.argv[1:]
    objects = sorted(map(str, pathlib.Path(folder).glob("*.o")))
    known, faults = hooks(), []
    for path in images:
        examine(relocate, objects, pathlib.Path(path).read_bytes(), known, faults)
    print()
    for fault in faults:
        print(f"FAULT {fault}")
    raise SystemExit(1 if faults else 0)


main()
