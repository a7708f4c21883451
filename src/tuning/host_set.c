/* SPDX-License-Identifier: BSD-3-Clause */
/* Describing the hosts of a launch. */
#include "tuning/host_set.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The value of the first line `key : value` of /proc/cpuinfo. */
static bool find_in_cpuinfo(const char *key, char *value, size_t size)
{
    char line[512];
    bool is_found = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && !is_found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon) continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(value, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        is_found = true;
    }
    if (file) fclose(file);
    return is_found;
}

/* aarch64 kernels name no model, but an implementer and a part. */
static void name_cpu(char cpu[MUIR_NAME_SIZE])
{
    char implementer[16] = "", part[16] = "";
    memset(cpu, 0, MUIR_NAME_SIZE);
    if (find_in_cpuinfo("model name", cpu, MUIR_NAME_SIZE)) return;
    find_in_cpuinfo("CPU implementer", implementer, sizeof implementer);
    find_in_cpuinfo("CPU part", part, sizeof part);
    if (part[0])
        snprintf(cpu, MUIR_NAME_SIZE, "implementer %s part %s", implementer, part);
    else
        snprintf(cpu, MUIR_NAME_SIZE, "unknown");
}

/* "Open MPI v4.1.4, package: ..." and "MPICH Version:\t4.0.2\n..." up to the version. */
static muir_status name_mpi(muir_ctx *ctx, char mpi[MUIR_NAME_SIZE])
{
    muir_status st = MUIR_OK;
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0, n = 0;
    MUIR_TRY_MPI(MPI_Get_library_version(text, &length));
    text[strcspn(text, ",\n")] = '\0';
    for (const char *c = text; *c && n < MUIR_NAME_SIZE - 1; c++)
        if (*c != ':') mpi[n++] = (char)(*c == '\t' ? ' ' : *c);
    mpi[n] = '\0';
done:
    return st;
}

static muir_status agree_on_cpu(muir_ctx *ctx, char cpu[MUIR_NAME_SIZE])
{
    muir_status st = MUIR_OK;
    char roots[MUIR_NAME_SIZE];
    memcpy(roots, cpu, sizeof roots);
    MUIR_TRY_MPI(MPI_Bcast(roots, sizeof roots, MPI_CHAR, 0, ctx->comm));
    int is_same = strcmp(roots, cpu) == 0;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &is_same, 1, MPI_INT, MPI_LAND, ctx->comm));
    if (!is_same) snprintf(cpu, MUIR_NAME_SIZE, "mixed");
done:
    return st;
}

muir_status muir_host_count(muir_ctx *ctx, MPI_Comm comm, int *hosts)
{
    muir_status st = MUIR_OK;
    MPI_Comm host = MPI_COMM_NULL;
    int rank = 0;
    MUIR_TRY_MPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
    MUIR_TRY_MPI(MPI_Comm_rank(host, &rank));
    int is_first = rank == 0;
    MUIR_TRY_MPI(MPI_Allreduce(&is_first, hosts, 1, MPI_INT, MPI_SUM, comm));
done:
    if (host != MPI_COMM_NULL) MPI_Comm_free(&host);
    return st;
}

/* Fewest and most ranks of a host, and the cores of the host with fewest. */
static muir_status count_ranks(muir_ctx *ctx, int *fewest, int *most, int64_t *cores)
{
    muir_status st = MUIR_OK;
    MPI_Comm host = MPI_COMM_NULL;
    cpu_set_t mine, all;
    int size = 0, n_cores = 0;
    CPU_ZERO(&mine);
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof mine, &mine); /* none where there are more than CPU_SETSIZE */
    MUIR_TRY_MPI(MPI_Comm_split_type(ctx->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
    MUIR_TRY_MPI(MPI_Comm_size(host, &size));
    MUIR_TRY_MPI(MPI_Allreduce(&mine, &all, sizeof mine, MPI_BYTE, MPI_BOR, host));
    MUIR_TRY_MPI(MPI_Allreduce(&size, fewest, 1, MPI_INT, MPI_MIN, ctx->comm));
    MUIR_TRY_MPI(MPI_Allreduce(&size, most, 1, MPI_INT, MPI_MAX, ctx->comm));
    n_cores = CPU_COUNT(&all) > 0 ? CPU_COUNT(&all) : CPU_SETSIZE;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &n_cores, 1, MPI_INT, MPI_MIN, ctx->comm));
    *cores = n_cores;
done:
    if (host != MPI_COMM_NULL) MPI_Comm_free(&host);
    return st;
}

muir_status muir_host_set_describe(muir_ctx *ctx, muir_host_set *set)
{
    muir_status st = MUIR_OK;
    int hosts = 0, fewest = 0, most = 0;
    memset(set, 0, sizeof *set);
    name_cpu(set->cpu);
    MUIR_TRY(agree_on_cpu(ctx, set->cpu));
    MUIR_TRY(name_mpi(ctx, set->mpi));
    MUIR_TRY(muir_host_count(ctx, ctx->comm, &hosts));
    MUIR_TRY(count_ranks(ctx, &fewest, &most, &set->cores));
    const int n = snprintf(set->launch, sizeof set->launch, "%dx%d", hosts, fewest);
    if (most > fewest) snprintf(set->launch + n, sizeof set->launch - (size_t)n, "..%d", most);
done:
    return st;
}
