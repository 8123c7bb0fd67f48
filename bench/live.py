#!/usr/bin/env python3
"""`mewl listen` on a stream that goes on for simulated days, faster than real time, and breaks off now and then.

A server on this machine sends 16 kHz sound over HTTP as fast as it is taken: room noise, and a cry every few minutes at
known places. Every so often it drops the connection, sometimes in the middle of a sample, sometimes refusing the
next attempt. Told at the end: whether memory grew, whether every break was survived, and the latency in stream time from
a cry's true onset to its event. Bars: no growth, all reconnects survived, latency at most 2 s.

    bench/live.py [--mewl build/src/cli/mewl] [--hours 24] [--breaks 48] [--cry FILE] [-- OPTIONS OF LISTEN]
"""

import argparse
import array
import json
import math
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import threading
import time

import measure

RATE = 16000
BLOCK_S = 10
GRACE_S = 5.0


def noise_blocks(count, rng):
    """Ten-second blocks of quiet noise, RMS about -55 dBFS."""
    blocks = []
    for _ in range(count):
        samples = array.array("h", (rng.randrange(-100, 101) for _ in range(BLOCK_S * RATE)))
        blocks.append(samples)
    return blocks


def made_cry():
    """Three seconds of harmonic glides at 450 Hz: stands in for a cry where there are no recordings."""
    out = array.array("h")
    phase = 0.0
    for i in range(3 * RATE):
        t = i / RATE
        phase += 2 * math.pi * (450 + 60 * math.sin(2 * math.pi * 0.8 * t)) / RATE
        x = sum(math.sin(k * phase) / k for k in range(1, 8))
        out.append(int(6000 * x * (0.2 + 0.8 * math.sin(math.pi * ((t / 1.2) % 1.0)))))
    return out


def read_cry(path):
    if path is None:
        folder = os.path.join(measure.data_folder(), "esc10", "004 - Baby cry")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        if not names:
            return made_cry(), "made"
        path = os.path.join(folder, names[0])
    measure.need_ffmpeg()
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-"],
                         check=True, stdout=subprocess.PIPE).stdout
    samples = array.array("h", raw)
    # From where it is first within 20 dB of its peak: that is its onset.
    loud = max(abs(s) for s in samples) / 10
    first = next(i for i, s in enumerate(samples) if abs(s) >= loud)
    return samples[first:], path


def mixed(block, cry, at):
    """Bytes of `block` with `cry` added from sample `at`."""
    out = array.array("h", block)
    for i, s in enumerate(cry[:len(block) - at]):
        out[at + i] = max(-32768, min(32767, out[at + i] + s))
    return out.tobytes()


class Server(threading.Thread):
    """Sends the simulated room; knows where in which connection each cry began."""

    def __init__(self, seconds, breaks, every_s, cry, rng):
        super().__init__(daemon=True)
        self.seconds, self.every_s, self.rng = seconds, every_s, rng
        self.breaks = sorted(rng.uniform(60.0, seconds) for _ in range(breaks))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cries = []  # (connection, seconds into it)
        self.connections, self.sent_s, self.refused = 0, 0.0, 0
        blocks = noise_blocks(6, rng)
        self.plain = [b.tobytes() for b in blocks]
        self.with_cry = mixed(blocks[0], cry[:int(6 * RATE)], 2 * RATE)

    def serve_one(self, client):
        client.recv(65536)
        size = 0xFFFFFFFF
        header = b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\n" + header + b"data" + struct.pack("<I", size))
        connection = self.connections
        self.connections += 1
        into_s = 0.0
        next_break = self.breaks[0] if self.breaks else math.inf
        while self.sent_s < self.seconds:
            cries = self.sent_s // self.every_s != (self.sent_s + BLOCK_S) // self.every_s
            data = self.with_cry if cries else self.rng.choice(self.plain)
            if self.sent_s + BLOCK_S > next_break:
                self.breaks.pop(0)
                cut = int((next_break - self.sent_s) * 2 * RATE) | 1  # an odd byte: in the middle of a sample
                client.sendall(data[:max(cut, 1)])
                self.sent_s = next_break
                return
            if cries:
                self.cries.append((connection, into_s + 2.0))
            client.sendall(data)
            self.sent_s += BLOCK_S
            into_s += BLOCK_S

    def run(self):
        while self.sent_s < self.seconds:
            client, _ = self.listener.accept()
            with client:
                if self.connections > 0 and self.rng.random() < 0.2:
                    self.refused += 1  # closed without an answer: the next attempt comes after a back-off
                    continue
                try:
                    self.serve_one(client)
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.listener.close()


def latencies(server, events):
    """For each cry of the server: told_s of the first start whose cry began near it, minus its true place."""
    starts = [0.0] + [e["onset_s"] for e in events if e["event"] == "reconnected"]
    told = [(e["onset_s"], e["told_s"]) for e in events if e["event"] == "episode_start"]
    found, missed = [], 0
    for connection, into_s in server.cries:
        if connection >= len(starts):
            missed += 1
            continue
        true_s = starts[connection] + into_s
        near = [t for o, t in told if -0.5 <= o - true_s <= 5.0]
        if near:
            found.append(near[0] - true_s)
        else:
            missed += 1
    return found, missed, [t - o for o, t in told]


def end_listening(server, process):
    """Ctrl-C once everything was sent and what is still on its way has been heard."""
    server.join()
    time.sleep(GRACE_S)
    process.send_signal(signal.SIGINT)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mewl")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--breaks", type=int, default=48)
    parser.add_argument("--every", type=float, default=300.0, help="seconds from cry to cry")
    parser.add_argument("--cry")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    mewl = measure.find_mewl(args.mewl)
    rng = random.Random(args.seed)
    cry, cry_name = read_cry(args.cry)
    server = Server(args.hours * 3600.0, args.breaks, args.every, cry, rng)
    server.start()
    start = time.monotonic()
    command = measure.one_core([mewl, "listen", "--ndjson", "-q", *args.options,
                                f"http://127.0.0.1:{server.port}/room.wav"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watch = measure.MemoryWatch(process.pid, 0.5)
    watch.start()
    ender = threading.Thread(target=end_listening, args=(server, process), daemon=True)
    ender.start()
    events = [json.loads(line) for line in process.stdout]
    code = process.wait()
    wall = time.monotonic() - start - GRACE_S
    found, missed, internal = latencies(server, events)
    stopped = [e for e in events if e["event"] == "stopped"]
    result = {"bench": "live", "hours": args.hours, "seed": args.seed, "cry": os.path.basename(cry_name),
              "wall_s": round(wall, 1), "times_real_time": round(args.hours * 3600.0 / wall, 1),
              "breaks": args.breaks, "reconnected": sum(e["event"] == "reconnected" for e in events),
              "refused_attempts": server.refused, "heard_s": stopped[0]["seconds"] if stopped else None,
              "cries_sent": len(server.cries), "cries_told": len(found), "cries_missed": missed,
              "latency_s": {"median": round(statistics.median(found), 3), "max": round(max(found), 3)} if found else None,
              "event_minus_its_onset_s": round(max(internal), 3) if internal else None,
              "exit": code, **watch.figures()}
    measure.print_result(result)


if __name__ == "__main__":
    main()
