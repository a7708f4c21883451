#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The installed tree: pages, completions, scripts; the library from C by pkg-config and from Python; a Debian package
in an empty root.

Usage: test_package.py BUILD_DIR MPIRUN     (installs into a folder of the build)"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import patience

BUILD, MPIRUN = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
ROOT = BUILD / "package-root"
HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    """The finished process, which must not fail."""
    done = patience.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(ROOT, ignore_errors=True)
        run("cmake", "--install", BUILD, "--prefix", ROOT)
        cls.lib = next(ROOT.glob("lib*/**/libmuir.so")).parent
        cls.env = {**os.environ, "LD_LIBRARY_PATH": str(cls.lib)}
        cls.env.pop("MUIR_DATA", None)

    def test_everything_is_there(self):
        for name in ("bin/muir", "share/muir/data/fleets/tiny.yaml", "share/muir/scripts/plot_run.py",
                     "share/muir/scripts/slurm/muir.sbatch", "share/muir/scripts/slurm/many.sbatch", "share/muir/python/muir.py",
                     "share/doc/muir/LICENSE", "share/doc/muir/CHANGELOG.md", "include/muir.h", "share/man/man1/muir.1",
                     "share/man/man1/muir-run.1", "share/bash-completion/completions/muir", "share/zsh/site-functions/_muir"):
            self.assertTrue((ROOT / name).exists(), name)
        self.assertEqual(list(ROOT.rglob("__pycache__")), [])

    def test_installed_scripts_run(self):
        done = patience.run([sys.executable, ROOT / "share/muir/scripts/plot_run.py", "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        batch = (ROOT / "share/muir/scripts/slurm/muir.sbatch").read_text()
        self.assertIn("command -v muir", batch)

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "there is no man")
    def test_man_pages_have_no_mistakes(self):
        for page in sorted((ROOT / "share/man/man1").iterdir()):
            done = run("man", "--warnings", "-l", page, env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "110", "LC_ALL": "C.UTF-8"})
            self.assertEqual(done.stderr, "", page)
            self.assertIn("SYNOPSIS", done.stdout)

    def test_completion_knows_commands_options_and_scenarios(self):
        script = ('source "$1"; COMP_WORDS=(muir ch); COMP_CWORD=1; _muir; echo "${COMPREPLY[@]}"; '
                  'COMP_WORDS=(muir run --re); COMP_CWORD=2; _muir; echo "${COMPREPLY[@]}"; '
                  'COMP_WORDS=(muir run rain); _muir; echo "${COMPREPLY[@]}"')
        done = run("bash", "-c", script, "bash", ROOT / "share/bash-completion/completions/muir", cwd=ROOT,
                   env={**os.environ, "PATH": f"{ROOT / 'bin'}:{os.environ['PATH']}"})
        self.assertEqual(done.stdout.splitlines(), ["check", "--resume", "rainier rainier-1f1b rainier-1m"])

    def test_a_few_lines_of_c_by_pkg_config(self):
        env = {**self.env, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", f"--define-variable=prefix={ROOT}", "muir", env=env).stdout.split()
        program = BUILD / "five_lines"
        run(os.environ.get("CC", "cc"), "-o", program, HERE.parent / "outside" / "five_lines.c", *flags)
        for ranks in (1, 2):
            done = run(MPIRUN, "-n", ranks, program, env=self.env)
            self.assertRegex(done.stdout, f"10 steps, the first of [0-9.]+ s; {ranks} ranks sum up to "
                                          f"{ranks} {2 * ranks} {3 * ranks}\n2: .*nowhere")
        data = ROOT / "share/muir/data"
        data.rename(ROOT / "share/muir/elsewhere")
        try:  # the library reads the data that it was installed with, if there is any
            shutil.copytree(ROOT / "share/muir/elsewhere", data)
            (data / "scenarios" / "tiny.yaml").write_text("nonsense: 1\n")
            done = patience.run([program], capture_output=True, text=True, env=self.env)
            self.assertNotIn("10 steps", done.stdout)
        finally:
            shutil.rmtree(data)
            (ROOT / "share/muir/elsewhere").rename(data)

    def test_python_gets_arrays(self):
        program = ("import numpy as np, muir\n"
                   "with muir.Session() as s:\n"
                   "    r = s.run('tiny', 'host.every=0', steps=7, parallel__pp=1)\n"
                   "    x = s.all_reduce(np.full(5, s.rank + 1, np.float32))\n"
                   "    try: s.run('tiny', 'parallel.tp=x')\n"
                   "    except muir.Error as e: code = e.code\n"
                   "    if s.rank == 0: print(len(r['step_time_s']), r['mfu'].dtype, r['mfu'].min() > 0, x, code, muir.__version__)\n")
        python = next((p for p in (sys.executable, "/usr/bin/python3") if not subprocess.run(
            [p, "-c", "import numpy"], capture_output=True, check=False).returncode), None)
        if not python:
            self.skipTest("there is no numpy")
        for ranks, total in ((1, 1), (2, 3)):
            done = run(MPIRUN, "-n", ranks, python, "-c", program, env={**self.env, "PYTHONPATH": str(ROOT / "share/muir/python")})
            self.assertEqual(done.stdout.split()[:3], ["7", "float64", "True"])
            self.assertIn(f"[{total}. {total}. {total}. {total}. {total}.] 2 ", done.stdout)


class Recipes(unittest.TestCase):
    """What is shipped for Spack, Lmod and Apptainer, as far as the tools are here to read it."""

    FOLDER = HERE.parents[1] / "scripts" / "packaging"

    def version(self):
        cmake = (HERE.parents[1] / "CMakeLists.txt").read_text()
        return re.search(r"project\(muir VERSION ([0-9.]+)", cmake).group(1)

    def test_they_are_of_this_version(self):
        for name in ("spack/package.py", "muir.lua", "muir.apptainer"):
            self.assertIn(self.version(), (self.FOLDER / name).read_text(), name)

    def test_spack_reads_the_recipe(self):
        """Without Spack: a stand-in for its words sees every directive."""
        seen = []

        class Package:
            spec = prefix = None

        words = {"CMakePackage": Package, "Package": Package}
        for word in ("version", "variant", "depends_on", "license", "generator"):
            words[word] = lambda *arguments, word=word, **more: seen.append((word, arguments))
        text = (self.FOLDER / "spack/package.py").read_text().replace("from spack.package import *", "")
        exec(compile(text, "package.py", "exec"), words)  # noqa: S102
        needs = {arguments[0].split("@")[0].split("+")[0].split(" ")[0] for word, arguments in seen if word == "depends_on"}
        self.assertLessEqual({"mpi", "hdf5", "libyaml", "jansson", "cmake"}, needs)

    @unittest.skipUnless(shutil.which("luac") or shutil.which("luac5.3"), "there is no luac")
    def test_lmod_reads_the_module_file(self):
        run(shutil.which("luac") or "luac5.3", "-p", self.FOLDER / "muir.lua")

    def test_the_container_recipe_is_shell_where_it_should_be(self):
        sections = re.split(r"^%(\w+).*$", (self.FOLDER / "muir.apptainer").read_text(), flags=re.MULTILINE)[1:]
        by_name = dict(zip(sections[::2], sections[1::2]))
        for name in ("post", "environment", "runscript", "test"):
            run("sh", "-n", "-c", by_name[name])
        for script in re.findall(r"scripts/\w+", by_name["post"]):
            self.assertTrue((HERE.parents[1] / script).exists(), script)


@unittest.skipUnless(shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"), "there is no dpkg-dev")
class Debian(unittest.TestCase):
    def test_the_package_runs_from_an_empty_root(self):
        folder, root = BUILD / "deb", BUILD / "deb-root"
        for old in (folder, root):
            shutil.rmtree(old, ignore_errors=True)
        run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
        package = next(folder.glob("muir_*.deb"))
        fields = run("dpkg-deb", "--field", package).stdout
        self.assertRegex(fields, r"Depends: .*libc6.*(openmpi-bin|mpich)?")
        self.assertIn("libjansson4", fields)
        run("dpkg-deb", "--extract", package, root)
        muir = root / "usr/bin/muir"
        done = run(MPIRUN, "-n", "2", muir, "run", "tiny", "steps=3", "host.every=0", "-o", folder / "x.h5")
        self.assertIn("fleet clock (modelled)", done.stdout)
        if os.getuid() != 0 or not shutil.which("chroot"):
            self.skipTest("chroot needs root")
        for line in run("ldd", muir).stdout.splitlines():  # what Depends stands for
            library = next((word for word in line.split() if word.startswith("/")), None)
            if library:
                target = root / library.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.path.realpath(library), target)
        done = run("chroot", root, "/usr/bin/muir", "check", "rainier")
        self.assertIn("scenario rainier is valid", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
