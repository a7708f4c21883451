/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the launcher's environment. */
#include "base/launcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The launcher that is nearest to the process first: mpirun in a job of Slurm inherits Slurm's variables.
 * Slurm's count is that of the step, which a batch script itself does not have. */
static const struct launcher_row {
    const char *processes, *own, *name;
} rows[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's mpirun"},
    {"PMI_SIZE", "PMI_RANK", "the mpiexec of MPICH or a relative of it"},
    {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MVAPICH's mpirun"},
    {"PALS_SIZE", "PALS_RANKID", "PALS's mpiexec"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"},
};

/* -1 where there is no whole number. */
static long long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    errno = 0;
    const long long value = text ? strtoll(text, &end, 10) : -1;
    return text && end != text && *end == '\0' && !errno && value >= 0 ? value : -1;
}

static const struct launcher_row *find_row(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (number_of(rows[i].processes) > 0) return &rows[i];
    return NULL;
}

/* PMIx tells no count. */
long long muir_launcher_rank(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (number_of(rows[i].own) >= 0) return number_of(rows[i].own);
    return number_of("PMIX_RANK");
}

muir_launcher muir_launcher_look(void)
{
    const struct launcher_row *row = find_row();
    if (!row) return (muir_launcher){NULL, 1, 0};
    return (muir_launcher){row->processes, number_of(row->processes), number_of(row->own)};
}

muir_status muir_launcher_check(muir_ctx *ctx)
{
    char library[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    const muir_launcher l = muir_launcher_look();
    if (ctx->comm == MPI_COMM_NULL || ctx->size > 1 || l.processes < 2) return MUIR_OK;
    MPI_Get_library_version(library, &length);
    library[strcspn(library, "\n,")] = '\0';
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "%s started %lld processes (%s), but to MPI each of them is alone: muir is built with %s, so start "
        "it with the mpirun of that, or with srun --mpi=pmix",
        find_row()->name, l.processes, l.variable, library);
}
