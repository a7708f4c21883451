/* SPDX-License-Identifier: BSD-3-Clause */
/* The host clock: the step program on this machine's cores and network, in the order of the schedule. */
#ifndef MUIR_HOST_CLOCK_HOST_CLOCK_H
#define MUIR_HOST_CLOCK_HOST_CLOCK_H

#include "host_clock/binding.h"
#include "host_clock/ops.h"
#include "host_clock/pace.h"
#include "host_clock/rhythm.h"
#include "host_clock/snapshot.h"
#include "host_clock/trace.h"

typedef struct muir_host_clock muir_host_clock;

/* One executed step of this rank. Timed on this machine. */
typedef struct muir_host_row {
    double step_s; /* first op to last, checks included */
    muir_tally tally;
    /* Dilated: |achieved end - planned end| of the step's ops, to 4.4 %; NaN without a timetable. */
    double rhythm_p50_s, rhythm_p99_s;
    double rhythm_p50, rhythm_p99; /* over the op's planned time */
    muir_host_saves saves;         /* beside the step; zeros until whoever saves fills it in */
} muir_host_row;

/* What the clock found out about this machine before the first step; of this rank. */
typedef struct muir_host_facts {
    muir_shrink shrink;
    char kernel[MUIR_GEMM_TEXT];     /* type and text of the matmul kernel */
    char binding[MUIR_BINDING_SIZE]; /* what this rank runs on, and who said so */
    double peak_flop_per_s;          /* measured multiply-add peak of this rank's cores, of that type */
    double empty_step_s;             /* measured: the step with everything but the work of its ops, p50 */
    double trial_step_s;             /* measured: a step as fast as possible, after the shrink was settled */
    double planned_step_s;           /* dilated: X times the shrunk schedule's modelled time; 0: asap */
    double exposed_off_s;            /* measured with overlap: what hidden collectives take when they block */
    double exposed_on_s;      /* measured with overlap: what is left of it; of the slowest rank, as above */
    muir_tuning_facts tuning; /* what came of choosing algorithms */
    muir_snapshot_facts snapshot; /* sizes of real checkpoints */
} muir_host_facts;

/* Prepares the host clock: kernels, mesh, and the smallest shrink whose step fits host.budget on every rank,
 * or half of a dilated step's timetable, found by trying.
 * scenario, program  in   borrowed; outlive the clock
 * fold               in   this rank's; borrowed for the call
 * times              in   of the fleet; borrowed for the call; NULL will do for asap
 * out                out  free it with muir_host_clock_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_MEM, MUIR_ERR_MPI, MUIR_ERR_CHECK. */
muir_status muir_host_clock_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   const muir_fold *fold, const muir_host_times *times,
                                   muir_host_clock **out);
void muir_host_clock_destroy(muir_host_clock **clock); /* accepts NULL, leaves NULL; collective */

/* Executes one step; allocates nothing. A wrong result is no error here: it is counted in row->tally.wrong.
 * step  in   number of the step, equal on all ranks: it changes the payloads
 * row   out  of this rank; zeros on ranks without a part, which return at once
 * Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_host_clock_step(muir_ctx *ctx, muir_host_clock *clock, int64_t step, muir_host_row *row);

const muir_host_facts *muir_host_clock_facts(const muir_host_clock *clock);

/* The step program, borrowed from whoever made the clock. Local. */
const muir_program *muir_host_clock_program(const muir_host_clock *clock);

/* Times of the fleet that the clock was made with, zeros without. Local. */
const muir_host_times *muir_host_clock_times(const muir_host_clock *clock);

/* Errors of all ops of this rank so far; zeros without a timetable. Local. */
const muir_rhythm *muir_host_clock_rhythm(const muir_host_clock *clock);

/* The ops of the step before, NULL where telemetry.trace_steps does not want them. Local. */
const muir_trace *muir_host_clock_trace(const muir_host_clock *clock, int64_t step);

/* The flips of the step before, of all ranks; NULL where host.flips is 0. The same on all ranks. Local. */
const muir_flips *muir_host_clock_flips(const muir_host_clock *clock);

/* The collectives that this rank executes; NULL without a part. Local. */
const muir_host_ops *muir_host_clock_ops(const muir_host_clock *clock);

#endif
