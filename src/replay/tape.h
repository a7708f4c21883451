/* SPDX-License-Identifier: BSD-3-Clause */
/* A step program on tape: the operations of one rank in a step, with durations, what they wait for,
 * collectives and messages. muir import makes one of a trace; here it is read, put on a fleet's clock, and
 * its collectives are executed.
 *
 * An operation begins when all that it waits for is over and its `idle` time has passed, and when the one
 * before it on its stream is over; a stream takes operations as they become ready. */
#ifndef MUIR_TAPE_REPLAY_H
#define MUIR_TAPE_REPLAY_H

#include "base/words.h"
#include "fleet/fleet.h"

enum { MUIR_TAPE_NAME = 64, MUIR_TAPE_GROUPS = 64, MUIR_TAPE_STREAMS = 256 };

typedef enum muir_tape_kind { MUIR_TAPE_COMPUTE, MUIR_TAPE_COLL, MUIR_TAPE_MESSAGE } muir_tape_kind;

typedef struct muir_tape_node {
    muir_tape_kind kind;
    muir_coll_kind coll;
    int group, stream;
    double bytes;          /* of a collective as nccl-tests counts them, of a message */
    double time_s, idle_s; /* in the trace */
    int first_wait, n_waits;
} muir_tape_node;

typedef struct muir_tape_group {
    char name[MUIR_TAPE_NAME];
    int64_t members, stride; /* ranks, and their distance in rank numbers */
    bool does_scale;         /* one of replicas: it grows with the job */
} muir_tape_group;

typedef struct muir_tape {
    muir_tape_node *nodes; /* [n], each after all that it waits for */
    int *waits;            /* numbers of nodes */
    int n, n_waits, n_groups;
    muir_tape_group groups[MUIR_TAPE_GROUPS];
    int64_t ranks; /* of the job that was traced */
    double step_s; /* in the trace; 0: it does not say */
} muir_tape;

/* Reads a step program.
 * out  out  free it with muir_tape_destroy; untouched on error
 * Local. MUIR_ERR_ARG with file, line and what is wrong; MUIR_ERR_MEM. */
muir_status muir_tape_create(muir_ctx *ctx, const char *path, muir_tape **out);
void muir_tape_destroy(muir_tape **replay); /* accepts NULL, leaves NULL */

/* Makes it one of a job with another number of ranks, dp times as many or as few: groups of replicas grow in
 * proportion. Bytes stay: an all_reduce of gradients and gathers of weights do not depend on dp. Local.
 * MUIR_ERR_ARG where groups do not come out whole, or a group that grows exchanges by all_to_all. */
muir_status muir_tape_stretch(muir_ctx *ctx, muir_tape *replay, int64_t ranks);

/* What the operations take on a fleet: collectives by the network's model, chips being ranks in their order;
 * messages that the trace gives no time by the link to the next server; everything else as traced.
 * time_s  out  [n]
 * Local. MUIR_ERR_ARG (more ranks than chips). */
muir_status muir_tape_price(muir_ctx *ctx, const muir_tape *replay, const muir_fleet *fleet, double *time_s);

/* Puts the operations on a clock.
 * time_s   in   [n] how long each takes
 * start_s  out  [n]; NULL: not wanted
 * step_s   out  end of the last
 * Local. MUIR_ERR_MEM. */
muir_status muir_tape_run(muir_ctx *ctx, const muir_tape *replay, const double *time_s, double *start_s,
                          double *step_s);

/* What was executed of one operation and size. */
typedef struct muir_tape_done {
    muir_coll_kind kind;
    double bytes;           /* of a call, as executed */
    long long calls, wrong; /* wrong elements, over all ranks */
    double time_s;          /* of all calls, of the slowest rank */
    const char *algorithm;
} muir_tape_done;

/* Executes the collectives over all ranks of the launch, in the order in which they start, every result
 * checked. A group of any size is executed by all ranks.
 * start_s  in   [n] from muir_tape_run
 * shrink   in   bytes are divided by it
 * done     out  [*n_done], freed with free(); untouched on error
 * Collective over ctx->comm. MUIR_ERR_MEM, MUIR_ERR_MPI, MUIR_ERR_ARG. */
muir_status muir_tape_execute(muir_ctx *ctx, const muir_tape *replay, const double *start_s, double shrink,
                              int steps, muir_tape_done **done, int *n_done);

#endif
