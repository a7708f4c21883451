/* SPDX-License-Identifier: BSD-3-Clause */
/* Pace: when each op of the shrunk schedule starts and ends on this machine's clock.
 *
 * With `dilate:X` the timetable is the shrunk schedule, run once with X times the modelled time of each op
 * and message: t_end = max(t_own, t_input + X p2p) + X op. Bubbles are part of it. */
#ifndef MUIR_HOST_CLOCK_PACE_H
#define MUIR_HOST_CLOCK_PACE_H

#include "models/program.h"
#include "schedule/order.h"

/* What the fleet's chips and links take, given by whoever knows the fleet. All of it, or what is left to see
 * where a collective hides under products as the job says [s]. */
typedef struct muir_host_times {
    double op_s[MUIR_MAX_OPS];
    double exposed_s[MUIR_MAX_OPS]; /* of collectives; equal to op_s where nothing hides */
    double p2p_s, wrap_p2p_s;       /* to the next stage; from the last to the first */
} muir_host_times;

/* The timetable of one stage of the shrunk schedule, seconds after the start of the step. */
typedef struct muir_pace {
    double x;
    bool is_overlapped;        /* collectives that hide take what is exposed of them */
    double op_s[MUIR_MAX_OPS]; /* X times what an op takes on the stage's timeline */
    double first_s;            /* the first slot: after the weights that it needs are gathered */
    double *slot_s;            /* [n_slots] start of each slot */
    double sync_s;             /* gradient sync */
    double norm_s;             /* norm: when all stages are there */
    double update_s, step_s;   /* optimizer; end of the step on this stage */
} muir_pace;

/* X of `dilate:X`, 0 for `asap`. Local. MUIR_ERR_ARG with what is allowed; x untouched on error. */
muir_status muir_pace_parse(muir_ctx *ctx, const char *text, double *x);

/* Whether a chunk of the shrunk schedule has a block: once, whatever the job's chunks that it stands for
 * hold; so the embedding in the first, the head in the last, a layer of each kind in between.
 * chunk  in   of the whole pipeline
 * Local. */
bool muir_pace_has_block(const muir_program *program, muir_shape shape, int block, int chunk);

/* The job's stage that a stage of the shrunk schedule stands for at the end of a step. Local. */
int64_t muir_pace_job_stage(const muir_program *program, muir_shape shape, int stage);

/* Makes the timetable of a step.
 * order          in   of the shrunk schedule; borrowed for the call
 * stage          in   of the shrunk schedule
 * x              in   > 0
 * is_gathered    in   with is_overlapped: new weights are gathered at the start of the step, not at its end
 * out            out  free it with muir_pace_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_pace_create(muir_ctx *ctx, const muir_program *program, const muir_order *order, int stage,
                             double x, const muir_host_times *times, bool is_overlapped, bool is_gathered,
                             muir_pace **out);
void muir_pace_destroy(muir_pace **pace); /* accepts NULL, leaves NULL */

#endif
