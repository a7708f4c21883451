/* SPDX-License-Identifier: BSD-3-Clause */
/* muir repair: the file of a killed run opens for every tool, and takes little room. */
#include "io/repair.h"

#include <stdio.h>

#include "base/units.h"
#include "cmd/args.h"
#include "cmd/cmd.h"

static void print(const char *path, const muir_repair *r)
{
    printf("%s: %s\n", path,
           r->was_open ? "its run was killed; now every tool can open it"
                       : "is complete; its run ended normally");
    for (int i = 0; i < r->n_tables; i++) {
        printf("  /%-14s %s %s%s", r->tables[i].group, muir_count_text(r->tables[i].rows).s, r->tables[i].row,
               r->tables[i].rows == 1 ? "" : "s");
        if (r->tables[i].cut > 0) printf("; %s half-written cut off", muir_count_text(r->tables[i].cut).s);
        printf("\n");
    }
    printf("  %s, was %s\n", muir_bytes_text((double)r->bytes).s, muir_bytes_text((double)r->bytes_before).s);
}

static muir_status run(muir_ctx *ctx, int argc, char **argv)
{
    muir_status st = MUIR_OK;
    muir_args args = {.positional = NULL};
    muir_repair repair;
    MUIR_TRY(muir_args_read(ctx, argc, argv, NULL, 0, &args));
    if (!args.positional || args.n_overrides > 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "muir repair needs a telemetry file: muir repair FILE.h5"));
    MUIR_TRY(muir_repair_file(ctx, args.positional, &repair));
    print(args.positional, &repair);
done:
    muir_args_free(&args);
    return st;
}

const muir_command muir_command_repair = {
    .name = "repair",
    .usage = "FILE.h5",
    .summary = "make the telemetry file of a killed run readable for every tool, and pack it",
    .help =
        "  FILE.h5       a telemetry file that no run is writing\n"
        "Complete rows are kept, half-written rows are removed. Columns are compressed where that "
        "halves\nthem. A complete file is only compressed. `muir run --resume` needs no repair before it.\n",
    .mpi = MUIR_MPI_NONE,
    .run = run,
};
