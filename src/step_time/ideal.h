/* SPDX-License-Identifier: BSD-3-Clause */
/* The ideal step: the schedule on chips that all have speed 1, and where its time goes. */
#ifndef MUIR_STEP_TIME_IDEAL_H
#define MUIR_STEP_TIME_IDEAL_H

#include "step_time/slot_times.h"
#include "schedule/order.h"

/* Parts of a step, in the order in which they are stored and printed. They add up to the step. */
#define MUIR_PART_LIST(X)                                                                                    \
    X(compute, "products and memory operations of the busiest stage")                                        \
    X(tp, "exposed tensor-parallel collectives of the busiest stage")                                        \
    X(cp, "exposed context-parallel collectives of the busiest stage")                                       \
    X(ep, "exposed expert exchanges of the busiest stage")                                                   \
    X(pp, "what messages between stages add to the pipeline")                                                \
    X(bubble, "idle time of the busiest stage while the pipeline fills and drains")                          \
    X(dp, "exposed gradient sync, norm and weight gather")                                                   \
    X(optimizer, "optimizer update")                                                                         \
    X(variation, "the mean replica against nominal chips and lengths; below 0: faster")                      \
    X(straggler, "waiting for slower replicas")                                                              \
    X(checkpoint, "blocking checkpoints")                                                                    \
    X(recovery, "failures: detection, restart, lost work")                                                   \
    X(evaluation, "evaluations between training steps")

#define MUIR_PART_ENUM(name, help) MUIR_PART_##name,
typedef enum muir_part { MUIR_PART_LIST(MUIR_PART_ENUM) MUIR_PART_COUNT } muir_part;
#undef MUIR_PART_ENUM

const char *muir_part_name(muir_part part); /* "compute"; never NULL */
const char *muir_part_help(muir_part part);

/* Of one entry of the order, for the max-plus engine: how long before its start its inputs were there. */
typedef struct muir_slack {
    float self_s;    /* end of the stage's slot before, minus start: <= 0 */
    float input_s;   /* arrival of the input, minus start: <= 0; 0 where there is none */
    float compute_s; /* what a slow chip stretches */
} muir_slack;

typedef struct muir_ideal {
    double part_s[MUIR_PART_COUNT];
    double step_s;            /* their sum, to rounding */
    double pipeline_s;        /* until the last stage is done */
    double *stage_end_s;      /* [stages] */
    double *reduce_s;         /* [stages], from the times of slots */
    double tail_s;            /* norm, optimizer and gather after the last gradient sync */
    double compute_mean_s;    /* over stages: computing, for power */
    double comm_mean_s;       /* over stages: exposed communication */
    muir_slack *slack;        /* [n_steps of the order] */
    int busiest;              /* stage */
    double *result;           /* [n_registers of the order], room */
    muir_slot_time *busy;     /* [stages], room */
    struct muir_timed *table; /* room for times by kind of step and chunk */
} muir_ideal;

/* What a step of the order takes. Local. */
muir_slot_time muir_step_time(const muir_slot_times *times, const muir_step *step);

/* Runs the schedule once.
 * out  out  free it with muir_ideal_destroy; untouched on error
 * Local. MUIR_ERR_MEM; MUIR_ERR_ARG if it takes more than 1e7 s, beyond which nanoseconds of all replicas
 * overflow. */
muir_status muir_ideal_create(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                              muir_ideal **out);
/* The same for searches, in half the time: without slack, and messages between stages count as bubble. */
muir_status muir_ideal_screen(muir_ctx *ctx, const muir_order *order, const muir_slot_times *times,
                              muir_ideal **out);
/* Time of a scenario's ideal step, from nothing but the scenario.
 * step_s  out  [s]; untouched on error
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG as muir_ideal_create. */
muir_status muir_ideal_step_time(muir_ctx *ctx, const muir_scenario *scenario, double *step_s);

void muir_ideal_destroy(muir_ideal **ideal); /* accepts NULL, leaves NULL */

/* Runs the schedule again at other times of the same program; allocates nothing. Local. */
void muir_ideal_fill(muir_ideal *ideal, const muir_order *order, const muir_slot_times *times);

#endif
