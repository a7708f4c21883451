# Finds what muir needs and stops with a plain sentence where something is missing or does not fit together.
find_package(PkgConfig REQUIRED)

# MPI: the preset may name the compiler wrapper; Debian has one wrapper per MPI.
if(NOT MPI_C_COMPILER AND NOT DEFINED ENV{MPICC})
  find_program(MPI_C_COMPILER NAMES mpicc.openmpi mpicc)
endif()
find_package(MPI COMPONENTS C)
if(NOT MPI_C_FOUND)
  message(FATAL_ERROR "MPI is missing: install libopenmpi-dev and openmpi-bin (Debian), or load your site's MPI module.")
endif()
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_C)
check_c_source_compiles("#include <mpi.h>
#ifndef OPEN_MPI
#error other
#endif
int main(void){return 0;}" MUIR_MPI_IS_OPENMPI)
check_c_source_compiles("#include <mpi.h>
#ifndef MPICH_VERSION
#error other
#endif
int main(void){return 0;}" MUIR_MPI_IS_MPICH)
unset(CMAKE_REQUIRED_LIBRARIES)
if(MUIR_MPI_IS_OPENMPI)
  set(MUIR_MPI_FLAVOUR openmpi)
elseif(MUIR_MPI_IS_MPICH)
  set(MUIR_MPI_FLAVOUR mpich)
else()
  set(MUIR_MPI_FLAVOUR other)
endif()
add_library(muir::mpi INTERFACE IMPORTED GLOBAL)
target_link_libraries(muir::mpi INTERFACE MPI::MPI_C)

# HDF5: Debian's package for this MPI first, then whatever the site has.
add_library(muir::hdf5 INTERFACE IMPORTED GLOBAL)
pkg_check_modules(HDF5_FLAVOUR IMPORTED_TARGET hdf5-${MUIR_MPI_FLAVOUR})
if(HDF5_FLAVOUR_FOUND)
  find_library(MUIR_HDF5_HL hdf5_hl HINTS ${HDF5_FLAVOUR_LIBRARY_DIRS} NO_DEFAULT_PATH)
  if(NOT MUIR_HDF5_HL)
    message(FATAL_ERROR "HDF5's high-level library (hdf5_hl) is missing beside hdf5 in ${HDF5_FLAVOUR_LIBRARY_DIRS}.")
  endif()
  target_link_libraries(muir::hdf5 INTERFACE ${MUIR_HDF5_HL} PkgConfig::HDF5_FLAVOUR)
else()
  set(HDF5_PREFER_PARALLEL TRUE)
  find_package(HDF5 COMPONENTS C HL)
  if(NOT HDF5_FOUND)
    message(FATAL_ERROR "HDF5 is missing: install libhdf5-openmpi-dev (Debian), or load your site's HDF5 module.")
  endif()
  target_include_directories(muir::hdf5 INTERFACE ${HDF5_C_INCLUDE_DIRS})
  target_link_libraries(muir::hdf5 INTERFACE ${HDF5_HL_LIBRARIES} ${HDF5_C_LIBRARIES})
  target_compile_definitions(muir::hdf5 INTERFACE ${HDF5_C_DEFINITIONS})
endif()
set(CMAKE_REQUIRED_LIBRARIES muir::hdf5 muir::mpi)
check_c_source_compiles("#include <mpi.h>
#include <hdf5.h>
int main(void){return 0;}" MUIR_HDF5_COMPILES)
check_c_source_compiles("#include <mpi.h>
#include <hdf5.h>
#if defined(H5_HAVE_PARALLEL)
int main(void){MPI_Comm c = MPI_COMM_NULL; return (int)H5Pset_fapl_mpio(0, c, MPI_INFO_NULL);}
#else
int main(void){return 0;}
#endif" MUIR_HDF5_FITS_MPI)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT MUIR_HDF5_COMPILES OR NOT MUIR_HDF5_FITS_MPI)
  message(FATAL_ERROR "HDF5 was found but was built for another MPI than ${MUIR_MPI_FLAVOUR} (${MPI_C_COMPILER}): "
    "install libhdf5-${MUIR_MPI_FLAVOUR}-dev (Debian), load the module built with this MPI, or set HDF5_ROOT.")
endif()

# Small libraries that every build needs.
pkg_check_modules(yaml IMPORTED_TARGET GLOBAL yaml-0.1)
pkg_check_modules(jansson IMPORTED_TARGET GLOBAL jansson)
if(NOT yaml_FOUND)
  message(FATAL_ERROR "libyaml is missing: install libyaml-dev (Debian), or put yaml-0.1.pc on PKG_CONFIG_PATH.")
endif()
if(NOT jansson_FOUND)
  message(FATAL_ERROR "jansson is missing: install libjansson-dev (Debian), or put jansson.pc on PKG_CONFIG_PATH.")
endif()
add_library(muir::yaml ALIAS PkgConfig::yaml)
add_library(muir::jansson ALIAS PkgConfig::jansson)

# Optional: LIBXSMM's kernels are one more row of matrix products. It is a static library that wants BLAS symbols,
# which its own noblas library stands in for: muir calls none of them.
find_library(MUIR_LIBXSMM NAMES xsmm)
find_library(MUIR_LIBXSMM_NOBLAS NAMES xsmmnoblas)
find_path(MUIR_LIBXSMM_INCLUDE NAMES libxsmm.h)
if(MUIR_LIBXSMM AND MUIR_LIBXSMM_NOBLAS AND MUIR_LIBXSMM_INCLUDE)
  add_library(muir::libxsmm INTERFACE IMPORTED GLOBAL)
  target_link_libraries(muir::libxsmm INTERFACE ${MUIR_LIBXSMM} ${MUIR_LIBXSMM_NOBLAS} pthread rt dl m)
  target_include_directories(muir::libxsmm INTERFACE ${MUIR_LIBXSMM_INCLUDE})
  target_compile_definitions(muir::libxsmm INTERFACE MUIR_HAS_LIBXSMM)
endif()

# Optional: threads inside a rank.
find_package(OpenMP COMPONENTS C)

# Optional: without hwloc the line on where ranks run knows no cores and no NUMA nodes.
pkg_check_modules(hwloc IMPORTED_TARGET GLOBAL hwloc)
if(hwloc_FOUND)
  add_library(muir::hwloc ALIAS PkgConfig::hwloc)
endif()

# Optional: without CUnit there are no tests. OpenBLAS is looked for when muir runs (src/kernels/openblas.c).
pkg_check_modules(cunit IMPORTED_TARGET GLOBAL cunit)
if(cunit_FOUND)
  add_library(muir::cunit ALIAS PkgConfig::cunit)
endif()
