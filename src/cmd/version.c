/* SPDX-License-Identifier: BSD-3-Clause */
/* muir version: muir and every library it runs with. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "io/version.h"
#include "kernels/gemm.h"
#include "scenario/catalogue.h"
#include "scenario/version.h"

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING], hdf5[64], data[1024];
    int length = 0;
    muir_kernels *kernels = NULL;
    (void)argv;
    if (argc > 0) return muir_fail(ctx, MUIR_ERR_ARG, "muir version takes no arguments");
    if (!muir_is_root(ctx)) return MUIR_OK;
    muir_status st = muir_kernels_create(ctx, &kernels);
    if (st != MUIR_OK) return st;
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, "\n")] = '\0';
    muir_io_version(hdf5, sizeof hdf5);
    printf("muir      %s\n", MUIR_VERSION);
    printf("MPI       %s\n", mpi);
    printf("HDF5      %s\n", hdf5);
    printf("libyaml   %s\n", muir_yaml_version());
    printf("jansson   %s\n", jansson_version_str());
    printf("products  %s\n", kernels->chosen[MUIR_BF16].text);
    printf("compiler  %s\n", __VERSION__);
    st = muir_catalogue_root(ctx, data, sizeof data);
    if (st == MUIR_OK) printf("data      %s\n", data);
    muir_kernels_destroy(&kernels);
    return st;
}

const muir_command muir_command_version = {
    .name = "version",
    .usage = "",
    .summary = "versions of muir and of every library (also muir --version)",
    .help = "",
    .run = run,
};
