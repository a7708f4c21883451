#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What people type: values, names, options; what muir explains, lists and shows; what a resumption may change.

Usage: test_inputs.py MUIR MPIRUN SOURCE_DIR"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

MUIR, MPIRUN, SOURCE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
COLUMNS = 110
RUN = ["run", "tiny", "host.every=0", "telemetry.level=fleet", "-q"]


class Case(unittest.TestCase):
    """A test with a folder of its own, in which muir runs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def process(self, *arguments, launcher=(), **options):
        return subprocess.run([*launcher, MUIR, *arguments], capture_output=True, text=True, timeout=100, cwd=self.folder, **options)

    def out(self, *arguments, **options):
        process = self.process(*arguments, **options)
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout

    def fails(self, expected, *arguments, code=2):
        process = self.process(*arguments)
        self.assertEqual((process.returncode, process.stdout), (code, ""), process.stderr)
        self.assertEqual(process.stderr.count("\n"), 1)
        self.assertIn(expected, process.stderr)


class Values(Case):
    def keys(self, *overrides):
        return json.loads(self.out("check", "tiny", *overrides, "--json", "-"))["keys"]

    def test_values_are_read_as_people_write_them(self):
        human = {"seq_len=8k": 8192, "seq_len=1,024": 1024, "fleet.fabric.efficiency=50%": 0.5, "evaluation.time_s=2h": 7200,
                 "power.window_s=2 min 5 s": 125, "fleet.fabric.port_byte_per_s=400Gb/s": 50e9, "chip.hbm_bytes=80GiB": 80 * 2**30,
                 "chip.bf16_flop_per_s=989T": 989e12, "parallel.sequence_parallel=True": True, "precision=BF16": "bf16",
                 "chip.hbm_byte_per_s=3.35TB/s": 3.35e12, "fleet.server.host_w=2kW": 2000}
        extra = {"evaluation.time_s=2h": ["evaluation.every=5"]}
        for text, expected in human.items():
            with self.subTest(text=text):
                self.assertEqual(self.keys(text, *extra.get(text, []))[text.partition("=")[0]], expected)

    def test_days_replace_the_steps_of_the_file(self):
        keys = json.loads(self.out("check", "rainier", "days=90d", "--json", "-"))["keys"]
        self.assertEqual((keys["steps"], keys["days"]), ("auto", 90))

    def test_wrong_values_say_what_is_allowed(self):
        self.fails("'400W', but must be a number: 1..1e15 byte/s; it may be written with B/s, or b/s for bits", "check", "tiny",
                   "fleet.fabric.port_byte_per_s=400W")
        self.fails("80GB, 80GiB", "check", "tiny", "chip.hbm_bytes=80G")
        self.fails("... (5,000 characters)', but must be a number", "check", "tiny", "chip.tdp_w=" + 5000 * "x")

    def test_wrong_words_lead_to_what_was_meant(self):
        for expected, arguments in (
                ("did you mean 'parallel.tp'?", ["check", "tiny", "tp=2"]),
                ("did you mean 'days'?", ["check", "tiny", "hours=2"]),
                ("did you mean 'fleet.chip' or 'faults.causes.chip'?", ["check", "tiny", "chip=x"]),
                ("scenario 'llama3-405b' is unknown; it is a model; try model=llama3-405b", ["run", "llama3-405b"]),
                ("it is a fleet; try fleet=dgx-h100", ["run", "dgx-h100"]),
                ("it is a chip; try fleet.chip=h100-sxm", ["check", "h100-sxm"]),
                ("it is a scenario", ["check", "tiny", "model=rainier"]),
                ("did you mean 'models'?", ["list", "modles"]),
                ("did you mean --output?", ["run", "tiny", "--outptu", "x"]),
                ("write the keys themselves instead of overrides=...", ["check", "tiny", "overrides=seed=2"]),
                ("'tiny' is a scenario and a fleet", ["show", "tiny"]),
                ("did you mean 'rainier-500k'?", ["show", "rainer-500k"]),
                ("did you mean 'parallel.tp'?", ["help", "parallel.tpp"])):
            with self.subTest(arguments=arguments):
                self.fails(expected, *arguments)

    def test_absurd_sizes_are_refused_at_once(self):
        for expected, arguments in (
                ("is too large: at most 32,767 chunks", ["model.layers=100000", "parallel.pp=100000", "parallel.dp=1", "fleet.servers=50000",
                                                         "global_batch_size=auto"]),
                ("events per day, more than", ["faults=llama3", "faults.planned=1e9"]),
                ("events per day, more than", ["faults=llama3", "faults.slow.flap=1e9"]),
                ("200,000,000 chips, more than", ["fleet.servers=100000000"])):
            with self.subTest(arguments=arguments):
                self.fails(expected, "run", "tiny", *arguments)


class Names(Case):
    def test_a_file_of_the_current_folder_is_found(self):
        text = self.out("check", "tiny", "seed=9", "--yaml")
        for name in ("mine.yaml", "mine.yml", "mine", "model.json"):
            (self.folder / name).write_text(text if name != "model.json" else '{"fleet": "tiny", "model": "tiny-30m", "seed": 9}')
            result = json.loads(self.out("check", name, "--json", "-"))
            self.assertEqual((result["scenario"], result["keys"]["seed"]), (name.split(".")[0], 9))
        self.fails("the file gone.yaml cannot be read: No such file", "check", "gone.yaml")

    def test_line_ends_in_the_names_of_files_are_no_crash(self):
        for kind, name in (("fleet", "fleets/tiny"), ("model", "models/tiny-30m"), ("faults", "faults/none"), ("stack", "stacks/standard")):
            shutil.copy(SOURCE / "data" / f"{name}.yaml", self.folder / "n\nl.yaml")
            self.out(*RUN, f"{kind}=./n\nl.yaml", "steps=2", "-o", f"{kind}.h5")
            self.out(*RUN, f"{kind}=./n\nl.yaml", "steps=3", "-o", f"{kind}.h5", "--resume")


class Options(Case):
    def test_options_are_written_as_everywhere(self):
        self.out(*RUN, "steps=2", "-ox.h5", "--json=x.json")
        self.out(*RUN, "steps=2", "--output=y.h5", "--js", "y.json")
        self.assertEqual(sorted(os.listdir(self.folder)), ["x.h5", "x.json", "y.h5", "y.json"])
        self.fails("-o -: telemetry is a file and cannot go to standard output", *RUN, "-o", "-")
        self.fails("'--yaml' after 'tiny'", "check", "tiny", "--", "--yaml")
        self.fails("option --resume=1 takes no value", *RUN, "--resume=1")
        self.fails("option --output needs a value", *RUN, "--output")

    def test_a_full_device_is_no_success(self):
        for arguments in (["list"], ["help", "scenario"], ["version", "--json", "-"], ["check", "tiny"]):
            with self.subTest(arguments=arguments), open("/dev/full", "w") as full:
                process = subprocess.run([MUIR, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
                self.assertEqual(process.returncode, 1)
                self.assertIn("cannot be written: No space left on device", process.stderr)


class Resuming(Case):
    def test_a_resumption_with_another_input_is_refused(self):
        shutil.copytree(SOURCE / "data", self.folder / "data")
        (self.folder / "mine.yaml").write_text("fleet: tiny\nmodel: tiny-30m\nparallel: {pp: 2}\nhost: {every: 0}\ntelemetry: {level: fleet}\n")
        environment = {**os.environ, "MUIR_DATA": str(self.folder / "data")}
        resumed = ["run", "mine.yaml", "steps=4", "-o", "x.h5", "-q", "--resume"]
        self.out("run", "mine.yaml", "steps=2", "-o", "x.h5", "-q", env=environment)
        for change in ("stack.gemm=0.5", "stack.step_s=1", "host.algorithms=dp.all_reduce=ring", "seed=2", "chip.tdp_w=600"):
            process = self.process(*resumed, change, env=environment)
            self.assertEqual(process.returncode, 2, change)
            self.assertIn(f"this one '{change}'", process.stderr)
        file = self.folder / "data" / "stacks" / "neuron-trainium2.yaml"
        before = file.read_text()
        edited = before + "interference: 0.25\n" if "interference" not in before else re.sub(r"(?m)^interference:.*$", "interference: 0.25", before)
        file.write_text(edited)
        self.assertIn("this one 'stack.interference=0.25'", self.process(*resumed, env=environment).stderr)
        file.write_text(before)
        self.out(*resumed, "description=x", "telemetry.flush=2", env=environment)


class Explaining(Case):
    def words(self):
        """Everything that muir help knows: commands, topics, keys, terms."""
        commands = [command["name"] for command in json.loads(self.out("help", "--json", "-"))["commands"]]
        kinds = ["scenario", "fleet", "chip", "model", "stack", "faults", "tuning"]
        self.keys = [key for kind in kinds for key in json.loads(self.out("help", kind, "--json", "-"))["keys"]]
        terms = [term["word"] for term in json.loads(self.out("help", "words", "--json", "-"))["words"]]
        self.assertGreater(len(terms), 40)
        return commands, kinds + ["telemetry", "events", "plan", "values", "words", "parallel", "fleet.fabric"], terms

    def test_every_word_is_explained_in_lines_that_fit(self):
        commands, topics, terms = self.words()
        for word in [*commands, *topics, *terms, "", "parallel.tp", "tp", "chip.tdp_w", "context parallel", "/fleet/mfu"]:
            with self.subTest(word=word):
                text = self.out("help", *([word] if word else []))
                self.assertGreater(len(text), 40)
                self.assertLessEqual(max(map(len, text.splitlines())), COLUMNS)
                json.loads(self.out("help", *([word] if word else []), "--json", "-"))
        for text in (self.out("list"), self.out("show", "rainier-500k"), self.out("run", "--help")):
            self.assertLessEqual(max(map(len, text.splitlines())), COLUMNS)

    def test_the_glossary_page_is_what_muir_says(self):
        page = (SOURCE / "docs" / "glossary.md").read_text()
        terms = json.loads(self.out("help", "words", "--json", "-"))["words"]
        self.assertEqual(page.count("\n| **"), len(terms))
        for term in terms:
            self.assertIn(f"\n| **{term['word']}** | {term['also'].replace('|', ', ')} | {term['meaning']} | ", page)

    def test_every_key_says_what_it_does(self):
        self.words()
        self.assertGreater(len(self.keys), 250)
        for key in self.keys:
            with self.subTest(key=key["key"]):
                self.assertGreater(len(key["help"]), 5)
                if "see" in key:
                    page = re.match(r"docs/\S+\.md", key["see"])
                    self.assertTrue(page is None or (SOURCE / page.group()).exists(), key["see"])

    def test_a_key_has_meaning_unit_default_range_and_page(self):
        text = self.out("help", "fleet.fabric.oversubscription")
        for part in ("fleet.fabric.oversubscription: ", "default   1", "allowed   1 to 1000", "resume    ", "units     "):
            self.assertIn(part, text)
        self.assertIn("docs/step-time.md", self.out("help", "parallel.tp"))
        self.assertIn("muir plan tries", self.out("help", "parallel.tp"))
        self.assertIn("Model FLOPs per step", self.out("help", "MFU"))
        self.assertIn("usage: muir run", self.out("help", "run"))
        self.fails("no help on 'what?'", "help", "what?")

    def test_data_files_are_shown_with_defaults_and_sources(self):
        for kind in ("scenario", "fleet", "chip", "stack", "model", "faults"):
            folder = kind if kind == "faults" else kind + "s"
            for file in sorted((SOURCE / "data" / folder).glob("*.yaml"))[:5]:
                shown = json.loads(self.out("show", kind, file.stem, "--json", "-"))
                self.assertEqual((shown["kind"], shown["name"]), (kind, file.stem))
                self.assertTrue(any(key["is_given"] for key in shown["keys"].values()))
        text = self.out("show", "rainier-500k")
        for part in ("7,813 servers", "128000000000 byte/s = 128 GB/s", "(default)", "fabric.source", "EFAv3"):
            self.assertIn(part, text)

    def test_lists_are_the_same_for_people_and_programs(self):
        lists = json.loads(self.out("list", "--json", "-"))
        text = self.out("list")
        for name, rows in lists.items():
            self.assertEqual(self.out("list", name), self.out("list", {"families": "family", "faults": "faults", "libraries": "library"}.get(name, name.rstrip("s"))))
            for row in rows:
                self.assertIn(row["name"], text)
        self.assertIn("rainier-1m", [row["name"] for row in lists["fleets"]])


class WithoutMpi(Case):
    COMMANDS = (["version"], ["list", "families"], ["help", "MFU"], ["show", "rainier-500k"], ["--help"])

    def test_commands_without_work_for_mpi_print_once_under_a_launcher(self):
        for arguments in self.COMMANDS:
            with self.subTest(arguments=arguments):
                alone = self.out(*arguments)
                self.assertEqual(self.out(*arguments, launcher=[MPIRUN, "-n", "3"]), alone)

    def test_they_do_not_start_mpi(self):
        # Open MPI refuses to start with a component that does not exist, and says so.
        environment = {**os.environ, "OMPI_MCA_btl": "no_such", "OMPI_MCA_pml": "no_such", "HYDRA_LAUNCHER": "no_such"}
        rows = (SOURCE / "data" / "published_runs.csv").read_text().splitlines(keepends=True)
        (self.folder / "rows.csv").write_text("".join(rows[:2]))
        for arguments in (*self.COMMANDS, ["check", "tiny"], ["run", "--help"], ["plan", "tiny-30m", "tiny"], ["validate", "rows.csv"],
                          ["power", "tiny"], ["jobs", str(SOURCE / "data" / "jobs" / "two-moe.csv"), "--steps", "2"]):
            with self.subTest(arguments=arguments):
                self.out(*arguments, env=environment)

    def test_the_exit_code_is_that_of_every_rank(self):
        process = self.process("show", "nothing", launcher=[MPIRUN, "-n", "2"])
        self.assertEqual(process.returncode, 2)
        self.assertEqual(process.stderr.count("muir: "), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
