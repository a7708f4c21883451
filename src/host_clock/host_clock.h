/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock: the step program on this machine's cores and network, in the order of the schedule. */
#ifndef MUIR_HOST_CLOCK_HOST_CLOCK_H
#define MUIR_HOST_CLOCK_HOST_CLOCK_H

#include "host_clock/ops.h"

typedef struct muir_host_clock muir_host_clock;

/* One executed step of this rank. Timed on this machine. */
typedef struct muir_host_row {
    double step_s; /* first op to last, checks included */
    muir_tally tally;
} muir_host_row;

/* What the clock found out about this machine before the first step; of this rank. */
typedef struct muir_host_facts {
    muir_shrink shrink;
    char kernel[MUIR_GEMM_TEXT]; /* type and text of the matmul kernel */
    double peak_flop_per_s;      /* measured multiply-add peak of this rank's cores, of that type */
    double empty_step_s;         /* measured: the schedule without any op */
    double trial_step_s;         /* measured: the step that settled the shrink */
    muir_tuning_facts tuning;    /* what came of choosing algorithms */
} muir_host_facts;

/* Prepares the host clock: kernels, mesh, and the smallest shrink whose step fits host.budget on every rank,
 * found by trying.
 * scenario, program  in   borrowed; outlive the clock
 * fold               in   this rank's; borrowed for the call
 * out                out  free it with muir_host_clock_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_MEM, MUIR_ERR_MPI, MUIR_ERR_CHECK. */
muir_status muir_host_clock_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   const muir_fold *fold, muir_host_clock **out);
void muir_host_clock_destroy(muir_host_clock **clock); /* accepts NULL, leaves NULL; collective */

/* Executes one step; allocates nothing. A wrong result is no error here: it is counted in row->tally.wrong.
 * step  in   number of the step, equal on all ranks: it changes the payloads
 * row   out  of this rank; zeros on ranks without a part, which return at once
 * Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_host_clock_step(muir_ctx *ctx, muir_host_clock *clock, int64_t step, muir_host_row *row);

const muir_host_facts *muir_host_clock_facts(const muir_host_clock *clock);

/* The collectives that this rank executes; NULL without a part. Local. */
const muir_host_ops *muir_host_clock_ops(const muir_host_clock *clock);

#endif
