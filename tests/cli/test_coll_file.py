#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Collectives as files, MSCCL's XML: right ones give right results on every number of ranks, wrong ones are refused.

Usage: test_coll_file.py MUIR MPIRUN"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

MUIR, MPIRUN = sys.argv[1:3]
FUZZ = 30


def algorithm(coll, ranks, gpus, in_place=0):
    """gpus: for each rank (i_chunks, o_chunks, s_chunks) and its thread blocks: (send, recv, steps);
    a step: (type, source, target[, depends on block, step]), places as ("i", 3)."""
    lines = [f'<algo name="try" nchannels="1" nchunksperloop="{gpus[0][0][0]}" ngpus="{ranks}" coll="{coll}" inplace="{in_place}">']
    for rank, (chunks, blocks) in enumerate(gpus):
        lines.append('<gpu id="{}" i_chunks="{}" o_chunks="{}" s_chunks="{}">'.format(rank, *chunks))
        for block, (send, recv, steps) in enumerate(blocks):
            lines.append(f'<tb id="{block}" send="{send}" recv="{recv}" chan="0">')
            for number, (kind, source, target, *waits) in enumerate(steps):
                depends = waits or (-1, -1)
                lines.append(f'<step s="{number}" type="{kind}" srcbuf="{source[0]}" srcoff="{source[1]}" dstbuf="{target[0]}" '
                             f'dstoff="{target[1]}" cnt="1" depid="{depends[0]}" deps="{depends[1]}" hasdep="0"/>')
            lines.append("</tb>")
        lines.append("</gpu>")
    return "\n".join([*lines, "</algo>"])


def ring_all_reduce(p, change=lambda rank, steps: steps):
    gpus = []
    for rank in range(p):
        steps = [("s", rank)] + [("rrs", (rank - k) % p) for k in range(1, p - 1)] + [("rrcs", (rank + 1) % p)]
        steps += [("rcs", (rank - k) % p) for k in range(p - 2)] + [("r", (rank + 2) % p)]
        steps = [(kind, ("i", chunk), ("i", chunk)) for kind, chunk in change(rank, steps)]
        gpus.append(((p, 0, 0), [((rank + 1) % p, (rank - 1) % p, steps)]))
    return algorithm("allreduce", p, gpus, 1)


def ring_all_gather(p):
    gpus = []
    for rank in range(p):
        steps = [("cpy", ("i", 0), ("o", rank)), ("s", ("i", 0), ("i", 0))]
        steps += [("rcs", ("o", 0), ("o", (rank - k) % p)) for k in range(1, p - 1)] + [("r", ("o", 0), ("o", (rank + 1) % p))]
        gpus.append(((1, p, 0), [((rank + 1) % p, (rank - 1) % p, steps)]))
    return algorithm("allgather", p, gpus)


def ring_reduce_scatter(p):
    gpus = []
    for rank in range(p):
        steps = [("s", ("i", (rank - 1) % p), ("i", 0))] + [("rrs", ("i", (rank - 1 - k) % p), ("i", 0)) for k in range(1, p - 1)]
        steps.append(("rrc", ("i", rank), ("o", 0)))
        gpus.append(((p, 1, 0), [((rank + 1) % p, (rank - 1) % p, steps)]))
    return algorithm("reducescatter", p, gpus)


def all_to_all(p):
    gpus = []
    for rank in range(p):
        blocks = [(-1, -1, [("cpy", ("i", rank), ("o", rank))])]
        blocks += [(peer, peer, [("s", ("i", peer), ("i", 0)), ("r", ("o", 0), ("o", peer))]) for peer in range(p) if peer != rank]
        gpus.append(((p, p, 0), blocks))
    return algorithm("alltoall", p, gpus)


def by_scratch(p=2):
    """Each of two ranks keeps what comes in scratch, and adds it there and then with `re`, in a block that waits."""
    gpus = [((2, 2, 2), [(1 - rank, 1 - rank, [("s", ("i", 0), ("i", 0)), ("s", ("i", 1), ("i", 0)),
                                               ("r", ("s", 0), ("s", 0)), ("r", ("s", 0), ("s", 1))]),
                         (-1, -1, [(kind, source, target, 0, 3) for chunk in range(2)
                                   for kind, source, target in [("cpy", ("i", chunk), ("o", chunk)), ("re", ("s", chunk), ("o", chunk))]])])
            for rank in range(2)]
    return algorithm("allreduce", p, gpus)


def lists(operation, ranks, chunks, scratch=0):
    """ranks: for each its steps as texts inside of braces."""
    lines = [f"name: try\noperation: {operation}\nchunks: {chunks}\nscratch: {scratch}\nranks:"]
    for steps in ranks:
        lines += ["  -"] + ["    - {" + step + "}" for step in steps]
    return "\n".join(lines) + "\n"


def ring_lists(p, change=lambda rank, steps: steps):
    ranks = []
    for rank in range(p):
        to, source = (rank + 1) % p, (rank - 1) % p
        steps = [f"send: {(rank - k) % p}, to: {to}, reduce: {(rank - k - 1) % p}, from: {source}" for k in range(p - 1)]
        steps += [f"send: {(rank + 1 - k) % p}, to: {to}, receive: {(rank - k) % p}, from: {source}" for k in range(p - 1)]
        ranks.append(change(rank, steps))
    return lists("all_reduce", ranks, p)


def scratch_lists():
    """Two ranks: each takes the other's vector into scratch and adds it there and then, in one step."""
    return lists("all_reduce", [[f"send: {c}, to: {1 - r}, receive: s{c}, from: {1 - r}" for c in range(2)] +
                                [f"sum: s{c}, into: {c}" for c in range(2)] for r in range(2)], 2, 2)


def exchange_lists(p):
    return lists("all_to_all", [[f"copy: {r}, into: {r}"] + [f"send: {(r + k) % p}, to: {(r + k) % p}, receive: {(r - k) % p}, from: {(r - k) % p}"
                                                             for k in range(1, p)] for r in range(p)], p)


class CollectiveFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bench(self, ranks, text, *more):
        name = "try.yaml" if text.startswith("name:") else "try.xml"
        (self.folder / name).write_text(text)
        return subprocess.run([*MPIRUN.split(), "-n", str(ranks), MUIR, "bench", "coll", "--file", name, "--algorithm", "mpi", "-n", "3",
                               "-w", "1", "--json", "rows.json", *more], capture_output=True, text=True, timeout=100, cwd=self.folder)

    def right(self, op, ranks, text, sizes=(1, 7, 4099)):
        """Sizes that are fewer than the ranks, uneven, and many."""
        for elements in sizes:
            with self.subTest(op=op, ranks=ranks, elements=elements):
                process = self.bench(ranks, text, "--op", op, "-b", str(4 * elements), "-e", str(4 * elements))
                self.assertEqual(process.returncode, 0, process.stderr)
                document = json.loads((self.folder / "rows.json").read_text())
                rows = [row for row in (document["rows"] if isinstance(document, dict) else document) if row["algorithm"] == "file:try"]
                self.assertEqual([row["wrong"] for row in rows], [0])

    def test_rings_and_exchanges_give_right_results(self):
        for ranks in (2, 3, 4, 5):
            self.right("all_reduce", ranks, ring_all_reduce(ranks))
        self.right("all_gather", 3, ring_all_gather(3))
        self.right("reduce_scatter", 3, ring_reduce_scatter(3))
        self.right("all_to_all", 3, all_to_all(3))
        self.right("all_reduce", 2, by_scratch())

    def refused(self, expected, text, ranks=1):
        process = self.bench(ranks, text, "--op", "all_reduce", "-b", "64", "-e", "64")
        self.assertEqual(process.returncode, 2, process.stderr)
        self.assertIn(expected, process.stderr)

    def test_wrong_ones_are_refused_with_rank_and_step(self):
        def drop(kind, which):
            return lambda rank, steps: [step for step in steps if not (step[0] == kind and rank == which)]

        self.refused("rank 0, thread block 0, step 0 (rrs): it waits for ever", ring_all_reduce(4, lambda rank, steps: steps[1:]))
        self.refused("rank 1, thread block 0: nobody receives the last 1 chunks", ring_all_reduce(4, drop("r", 2)))
        self.refused("rank 2, thread block 1, step 1 (rrc): it adds a rank's contribution twice", algorithm("allreduce", 3, [
            ((1, 1, 0), [(1, -1, [("s", ("i", 0), ("i", 0))]), (2, -1, [("s", ("i", 0), ("i", 0))])]),
            ((1, 1, 0), [(2, 0, [("rrcs", ("i", 0), ("o", 0))])]),
            ((1, 1, 0), [(-1, 0, [("rrc", ("i", 0), ("o", 0))]),
                         (-1, 1, [("nop", ("i", 0), ("i", 0), 0, 0), ("rrc", ("o", 0), ("o", 0))])])]))
        self.refused("holds nothing yet", algorithm("allreduce", 2, [((1, 1, 1), [(1 - r, 1 - r, [("s", ("s", 0), ("i", 0))])]) for r in range(2)]))
        self.refused("lacks the contribution of rank 1", algorithm("allreduce", 2, [
            ((1, 1, 0), [(-1, -1, [("cpy", ("i", 0), ("o", 0))])]) for _ in range(2)]))
        self.refused("written for 3 ranks, but there are 2", ring_all_reduce(3), ranks=2)

    def test_wrong_files_are_refused_with_their_line(self):
        good = ring_all_reduce(2)
        for change, expected in [(("allreduce", "allswap"), "try.xml:1: coll is none of"), (("</algo>", ""), "ends before"),
                                 (('type="s"', 'type="x"'), "unknown step"), (('srcoff="1"', 'srcoff="9"'), "outside of its buffer"),
                                 (('cnt="1"', 'cnt="0"'), "no chunks"), (('ngpus="2"', 'ngpus="99"'), "between 2 and 64"),
                                 (("<gpu", "<cpu"), "outside of a <gpu>"), ((good, "hello"), "ends before"),
                                 (('send="1"', 'send="7"'), "not another one")]:
            with self.subTest(expected=expected):
                self.refused(expected, good.replace(*change, 1))

    def test_lists_of_steps_give_right_results(self):
        self.right("all_reduce", 4, ring_lists(4), (1, 4099))
        self.right("all_reduce", 2, scratch_lists(), [7])
        self.right("all_to_all", 3, exchange_lists(3), [7])
        steps = [[f"send: {(r - k) % 3}, to: {(r + 1) % 3}, receive: {(r - k - 1) % 3}, from: {(r - 1) % 3}" for k in range(2)] for r in range(3)]
        self.right("all_gather", 3, lists("all_gather", steps, 3), [7])
        steps = [[f"send: {(r - k - 1) % 3}, to: {(r + 1) % 3}, reduce: {(r - k - 2) % 3}, from: {(r - 1) % 3}" for k in range(2)] for r in range(3)]
        self.right("reduce_scatter", 3, lists("reduce_scatter", steps, 3), [7])

    def test_wrong_lists_are_refused_with_rank_and_step(self):
        self.refused("try.yaml:7: rank 0, step 0: it waits for ever", ring_lists(4, lambda rank, steps: [
            f"reduce: 0, from: {(rank - 1) % 4}", *steps]))
        self.refused("lacks the contribution of rank", ring_lists(3, lambda rank, steps: [step.replace("reduce", "receive") for step in steps]))
        self.refused("rank 1: rank 0 never receives the last 1 chunks sent to it",
                     ring_lists(2, lambda rank, steps: steps + ["send: 0, to: 0"] * rank))
        self.refused("rank 1, step 1: it adds a rank's contribution twice", lists("all_reduce", [
            ["send: 0, to: 1", "send: 0, to: 1"], ["reduce: 0, from: 0", "reduce: 0, from: 0"]], 1))
        good = ring_lists(2)
        for change, expected in [(("operation: all_reduce", "operation: all_swap"), "try.yaml:2: operation: the operation must be"),
                                 (("chunks: 2", "chunks: none"), "try.yaml:3: chunks: chunks must be"), (("send: 0", "send: 9"), "must be a chunk, 0 to 1"),
                                 (("to: 1", "to: 0"), "to is '0', but must be another rank"), (("to: 1", "into: 1"), "send without `to`"),
                                 (("send:", "sent:"), "sent: unknown"), (("name: try", "nam: try"), "nam: unknown")]:
            with self.subTest(expected=expected):
                self.refused(expected, good.replace(*change, 1) if change[0] != "name: try" else "name: a\n" + good.replace(*change, 1))

    def test_files_are_priced_on_a_fleet_like_any_row(self):
        """A ring as a file costs what muir's own ring costs: the same rounds, bytes and times."""
        for name, text in (("try.yaml", ring_lists(4)), ("try.xml", ring_all_reduce(4))):
            (self.folder / name).write_text(text)
            process = subprocess.run([MUIR, "list", "collectives", "dgx-h100", "4", "--file", name], capture_output=True, text=True, cwd=self.folder)
            self.assertEqual(process.returncode, 0, process.stderr)
            own, file = ([line for line in process.stdout.splitlines() if line.split()[:2] == ["all_reduce", row]][-1]
                         for row in ("ring", "file:try"))
            self.assertEqual(own.split()[2:], file.split()[2:])
        process = subprocess.run([MUIR, "list", "collectives", "dgx-h100", "8", "--file", name], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(process.returncode, 2)
        self.assertIn("try.xml is for 4 ranks", process.stderr)

    def test_damaged_files(self):
        draw, good = random.Random(11), ring_all_reduce(2)
        for _ in range(FUZZ):
            damaged = bytearray(good.encode())
            for _ in range(draw.randint(1, 5)):
                at = draw.randrange(len(damaged))
                if draw.random() < 0.5:
                    damaged[at] = draw.choice(b"0123456789<>/\"srci- \x00")
                else:
                    del damaged[at:at + draw.randint(1, 30)]
            (self.folder / "try.xml").write_bytes(bytes(damaged))
            process = subprocess.run([MUIR, "bench", "coll", "--file", "try.xml", "--op", "all_reduce", "-b", "64", "-e", "64"],
                                     capture_output=True, timeout=60, cwd=self.folder)
            self.assertEqual(process.returncode, 2, (bytes(damaged), process.stderr))  # one rank cannot run it in any case


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
