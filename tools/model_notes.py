#!/usr/bin/python3
"""model_notes.py - writes notes into a model's file (safetensors), and leaves its weights as they are, byte for byte.

    tools/model_notes.py MODEL KEY=TEXT...      an empty TEXT takes the note away

For what is known of a model only after it was made: how it did, the revision, whose licences hold. Notes of Mewl's own ("mewl.*"
describe the network) are refused, except mewl.reason.embedder_id=ID, by which a reason model names the network it stands on. Prints
the sha256 of the weights, which is the same before and after."""
import hashlib
import json
import os
import struct
import sys


def parts(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        return header, file.read()


def main(path, *settings):
    header, weights = parts(path)
    notes = header["__metadata__"]
    for setting in settings:
        key, text = setting.split("=", 1)
        if key == "mewl.reason.embedder_id":
            reason = json.loads(notes["mewl.reason"])
            old, reason["embedder_id"] = reason["embedder_id"], text
            notes["mewl.reason"] = notes["mewl.reason"].replace('"%s"' % old, '"%s"' % text)
            assert json.loads(notes["mewl.reason"]) == reason
        elif key.startswith("mewl."):
            sys.exit("%s describes the network" % key)
        elif text:
            notes[key] = text
        else:
            notes.pop(key, None)
    body = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    body += b" " * (-len(body) % 8)  # the arrays stay aligned
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(body)) + body + weights)
    before, after = (hashlib.sha256(w).hexdigest() for w in (weights, parts(path + ".new")[1]))
    assert before == after and {k: v for k, v in parts(path + ".new")[0].items() if k != "__metadata__"} == {
        k: v for k, v in header.items() if k != "__metadata__"}
    os.replace(path + ".new", path)
    print("weights", before)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
