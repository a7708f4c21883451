# SPDX-License-Identifier: BSD-3-Clause
# A Spack recipe: copy this folder to packages/muir of a repository of yours (spack repo create), then
#   spack install muir            or: spack install muir ^mpich
# or, from a checkout: spack dev-build muir@main
from spack.package import *


class Muir(CMakePackage):
    """Rehearses a training run on a fleet you do not have: a model of every chip and link, real collectives and matrix
    products on MPI ranks, telemetry in one HDF5 file."""

    homepage = "https://example.org/muir"
    git = "https://example.org/muir.git"
    license("BSD-3-Clause")

    version("main", branch="main")
    version("0.1.0", tag="v0.1.0")

    variant("openblas", default=True, description="fast matrix products at run time")
    variant("fftw", default=True, description="fast Fourier transforms at run time")
    variant("hwloc", default=True, description="says which cores and NUMA nodes ranks run on")

    depends_on("c", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("python@3.8:", type="build")  # man pages and completions
    depends_on("mpi")
    depends_on("hdf5+mpi")
    depends_on("libyaml")
    depends_on("jansson")
    depends_on("openblas", when="+openblas", type=("link", "run"))
    depends_on("fftw precision=float,double", when="+fftw", type=("link", "run"))
    depends_on("hwloc", when="+hwloc")
    depends_on("py-numpy", type="run")
    depends_on("py-h5py", type="run")
    depends_on("py-matplotlib", type="run")

    generator("ninja")

    def cmake_args(self):
        return [self.define("MPI_C_COMPILER", self.spec["mpi"].mpicc), self.define("BUILD_TESTING", self.run_tests)]

    def setup_run_environment(self, env):
        env.prepend_path("PYTHONPATH", self.prefix.share.muir.python)
        # muir loads these by name when it starts
        for library in ("openblas", "fftw"):
            if f"+{library}" in self.spec:
                env.prepend_path("LD_LIBRARY_PATH", self.spec[library].prefix.lib)
