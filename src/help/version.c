/* SPDX-License-Identifier: BSD-3-Clause */
/* muir version: muir and every library it runs with. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml_tree.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "text/print.h"
#include "io/version.h"
#include "kernels/gemm.h"
#include "scenario/catalogue.h"

/* Name of a part and its version. */
typedef struct part {
    const char *name, *text;
} part;

static muir_status show(muir_ctx *ctx, const part *parts, int n, const char *json_path)
{
    json_t *json = json_path ? json_object() : NULL;
    for (int i = 0; i < n; i++)
        if (json)
            json_object_set_new(json, parts[i].name, json_string(parts[i].text));
        else
            printf("%-9s %s\n", parts[i].name, parts[i].text);
    return json_path ? muir_print_json(ctx, json, json_path) : MUIR_OK;
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING], hdf5[64], data[1024];
    int length = 0;
    const char *json_path = NULL;
    muir_kernels *kernels = NULL;
    muir_args args = {.positional = NULL};
    const muir_arg known[] = {{"--json", NULL, &json_path, NULL}};
    MUIR_TRY(muir_args_read(ctx, argc, argv, known, 1, &args));
    if (args.positional || args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir version takes no arguments but --json FILE"));
    MUIR_TRY(muir_kernels_create(ctx, &kernels));
    MUIR_TRY(muir_catalogue_root(ctx, data, sizeof data));
    MPI_Get_library_version(mpi, &length); /* allowed before MPI has started */
    mpi[strcspn(mpi, "\n")] = '\0';
    muir_io_version(hdf5, sizeof hdf5);
    const part parts[] = {{"muir", MUIR_VERSION},
                          {"MPI", mpi},
                          {"HDF5", hdf5},
                          {"libyaml", muir_yaml_version()},
                          {"jansson", jansson_version_str()},
                          {"products", kernels->chosen[MUIR_BF16].text},
                          {"compiler", __VERSION__},
                          {"data", data}};
    st = show(ctx, parts, (int)(sizeof parts / sizeof parts[0]), json_path);
done:
    muir_kernels_destroy(&kernels);
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_version = {
    .name = "version",
    .usage = "[--json FILE]",
    .summary = "print the versions of muir and of every library (also muir --version)",
    .help = "  --json FILE   the same for programs; `-` writes it to standard output\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
