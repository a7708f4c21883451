/* SPDX-License-Identifier: BSD-3-Clause */
/* Cores of a rank, from its affinity mask and those of its neighbours. */
#include "kernels/cores.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_THREADS = 1024 };

#if defined(_OPENMP) && defined(__linux__)
/* Number of cores in this thread's mask, and a digest (FNV-1a) that tells masks apart. */
static int read_mask(uint64_t *digest)
{
    cpu_set_t set;
    unsigned char bytes[sizeof set];
    *digest = UINT64_C(0xcbf29ce484222325);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    memcpy(bytes, &set, sizeof set);
    for (size_t i = 0; i < sizeof set; i++) *digest = (*digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    return CPU_COUNT(&set);
}

static int named_threads(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    const long n = text ? strtol(text, NULL, 10) : 0;
    return n >= 1 && n <= MOST_THREADS ? (int)n : 0;
}
#else
static int read_mask(uint64_t *digest)
{
    *digest = 0;
    return 1;
}

static int named_threads(void)
{
    return 1;
}
#endif

muir_status muir_cores_share(muir_ctx *ctx, int *threads)
{
    muir_status st = MUIR_OK;
    MPI_Comm host = MPI_COMM_NULL;
    uint64_t mine = 0, *all = NULL;
    int size = 1, n_same = 0;
    const int cores = read_mask(&mine);
    MUIR_TRY_MPI(MPI_Comm_split_type(ctx->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
    MUIR_TRY_MPI(MPI_Comm_size(host, &size));
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, (size_t)size, sizeof *all, "masks of cores", &all)));
    MUIR_TRY_MPI(MPI_Allgather(&mine, 1, MPI_UINT64_T, all, 1, MPI_UINT64_T, host));
    for (int i = 0; i < size; i++) n_same += all[i] == mine;
    const int named = named_threads();
    *threads = named > 0 ? named : cores > n_same ? cores / n_same : 1;
    if (*threads > MOST_THREADS) *threads = MOST_THREADS;
done:
    if (host != MPI_COMM_NULL) MPI_Comm_free(&host);
    free(all);
    return st;
}
