-- A module file for Lmod: install it as MODULEPATH/muir/0.1.0.lua and set `prefix` to where cmake --install put muir.
-- The MPI must be the one that muir was built with: name its module below.
help([[
muir rehearses a training run on a fleet you do not have.
  mpirun -n 4 muir run rainier        muir help        man muir
Batch scripts: $MUIR_ROOT/share/muir/scripts/slurm]])
whatis("Name: muir")
whatis("Version: 0.1.0")
whatis("Description: emulates distributed training of large models on fleets of accelerators")

local prefix = "/opt/muir/0.1.0"
-- depends_on("openmpi", "hdf5")

setenv("MUIR_ROOT", prefix)
prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
prepend_path("LD_LIBRARY_PATH", pathJoin(prefix, "lib"))
prepend_path("PKG_CONFIG_PATH", pathJoin(prefix, "lib/pkgconfig"))
prepend_path("CMAKE_PREFIX_PATH", prefix)
prepend_path("PYTHONPATH", pathJoin(prefix, "share/muir/python"))
