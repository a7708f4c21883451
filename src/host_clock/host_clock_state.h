/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host clock holds, and the step that its creation tries too. Private to host_clock/. */
#ifndef MUIR_HOST_CLOCK_HOST_CLOCK_STATE_H
#define MUIR_HOST_CLOCK_HOST_CLOCK_STATE_H

#include "collectives/p2p.h"
#include "host_clock/host_clock.h"
#include "host_clock/pace.h"

/* A message that this rank sends to the next stage in some slot; its data must live until it is through. */
typedef struct outgoing {
    muir_p2p *p2p;
    float *data;
} outgoing;

/* A piece of a hidden collective. */
typedef struct piece {
    int op, bucket;
} piece;

enum { MUIR_MOST_PIECES = 128 };

/* Products beside which pieces of collectives run, in order: after (sync) or before (gather) product k of
 * `products`, k n / products pieces have been started or are through. */
typedef struct muir_window {
    piece pieces[MUIR_MOST_PIECES];
    int n, n_started, n_finished;
    int products, product; /* in a step; so far */
} muir_window;

struct muir_host_clock {
    const muir_scenario *scenario; /* borrowed; outlives the clock */
    const muir_program *program;   /* borrowed; outlives the clock */
    muir_fold fold;
    muir_binding *binding;
    muir_host_facts facts;
    muir_host_times times; /* zeros where they were not given */
    muir_kernels *kernels;
    muir_mesh *mesh;
    muir_host_ops *ops; /* NULL without a part */
    muir_order *order;  /* of the shrunk schedule */
    outgoing *sent;     /* [n_sent], one for each slot of this rank's list */
    int n_sent;
    muir_p2p *receiving;
    float *received;
    size_t n_message; /* elements of a message between stages */
    muir_pace *pace;  /* NULL: as soon as possible, or no part */
    muir_rhythm rhythm, step_rhythm;
    muir_trace *trace; /* NULL: not wanted */
    muir_flips *flips; /* NULL: none wanted */
    muir_window gather, sync;
    /* Of the step at hand. */
    double start_s;   /* on this machine's clock */
    double planned_s; /* end of the op before, after start_s */
    bool is_empty;
    int64_t step;
};

/* muir_host_clock_step, or the same without the work of any op: what is left is the clock's own time. */
muir_status muir_host_step_run(muir_ctx *ctx, muir_host_clock *clock, int64_t step, bool is_empty,
                               muir_host_row *row);

/* Messages between stages: waits for a slot's input and checks it; starts sending its result; waits until all
 * that was sent is through.
 * index   in   of the slot in this rank's list
 * chunk   in   of the whole pipeline
 * MUIR_ERR_MPI. */
muir_status muir_host_receive(muir_ctx *ctx, muir_host_clock *clock, const muir_slot *slot, int chunk,
                              muir_tally *tally);
muir_status muir_host_send(muir_ctx *ctx, muir_host_clock *clock, int index, const muir_slot *slot, int chunk,
                           muir_tally *tally);
muir_status muir_host_await_sent(muir_ctx *ctx, muir_host_clock *clock, muir_tally *tally);

/* Room for messages, and its end. Local. MUIR_ERR_MEM. */
muir_status muir_host_messages_prepare(muir_ctx *ctx, muir_host_clock *clock);
void muir_host_messages_destroy(muir_host_clock *clock);

/* Lists the pieces of hidden collectives and counts the products beside them. Local. */
void muir_host_windows_make(muir_host_clock *clock);

/* A number that tells payloads apart: of step, slot and op, the same on all ranks of a group. Local. */
uint32_t muir_host_salt(int64_t step, int slot, int index);

#endif
