#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program is built with what compilers and linkers offer against memory errors.

Usage: test_hardening.py MUIR READELF       exit status 77: this is no ELF file, or a build that asked for none of it"""
import re
import subprocess
import sys
import unittest

MUIR, READELF = sys.argv[1:3]


def readelf(*options):
    return subprocess.run([READELF, *options, MUIR], check=True, capture_output=True, text=True).stdout


class Hardening(unittest.TestCase):
    def test_it_lies_anywhere(self):
        self.assertRegex(readelf("-h"), r"Type:\s+DYN")

    def test_symbols_are_bound_at_the_start_and_read_only_from_then_on(self):
        self.assertIn("GNU_RELRO", readelf("-lW"))
        self.assertRegex(readelf("-dW"), r"\bBIND_NOW\b|FLAGS_1.*\bNOW\b")

    def test_no_stack_is_executable_and_no_segment_both_written_and_executed(self):
        segments = [line.split() for line in readelf("-lW").splitlines() if "0x" in line]
        stack = next(segment for segment in segments if segment[0] == "GNU_STACK")
        self.assertNotIn("E", "".join(stack[6:-1]))
        for segment in segments:
            if segment[0] == "LOAD":
                self.assertNotIn("WE", "".join(segment[6:-1]))

    def test_stacks_are_guarded_and_copies_checked(self):
        symbols = readelf("-sW", "--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        for function in ("__snprintf_chk", "__memcpy_chk"):
            self.assertIn(function, symbols)

    def test_it_starts_no_shell_and_opens_no_sockets(self):
        """docs/security.md says so; MPI, in libraries of its own, does both. Which rooms may start Python is for
        tests/lint/arrows.py."""
        imported = set(re.findall(r"UND ([A-Za-z_]\w*)", readelf("-W", "--dyn-syms")))
        self.assertIn("snprintf", {name.replace("__", "").replace("_chk", "") for name in imported})
        banned = {"system", "popen", "posix_spawn", "posix_spawnp", "socket", "connect", "bind", "listen", "accept", "getaddrinfo", "gethostbyname"}
        self.assertEqual(imported & banned, set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
