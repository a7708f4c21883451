/* SPDX-License-Identifier: BSD-3-Clause */
/* What the launcher's environment says about this process, next to what MPI says. */
#ifndef MUIR_BASE_LAUNCHER_H
#define MUIR_BASE_LAUNCHER_H

#include "base/ctx.h"

/* What a launcher told a process about its launch. */
typedef struct muir_launcher {
    const char *variable;     /* of the environment that says so; NULL: no launcher, or an unknown one */
    long long processes, own; /* how many it started; which of them this is, -1: unknown */
} muir_launcher;

/* Looks into the environment: Open MPI's mpirun, those with PMI (MPICH's, Intel's), Slurm's srun. Local. */
muir_launcher muir_launcher_look(void);

/* The number of this process in its launch, where any launcher says so; -1: there was none. Local. */
long long muir_launcher_rank(void);

/* Refuses a launch of several processes of which each is alone in its world: the launcher is that of another
 * MPI library than muir's, and all would do the same work and write to the same file.
 * Local; nothing to refuse in a context that has not started MPI. MUIR_ERR_ARG with the cause. */
muir_status muir_launcher_check(muir_ctx *ctx);

#endif
