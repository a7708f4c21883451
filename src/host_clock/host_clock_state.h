/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host clock holds, and the step that its creation tries too. Private to host_clock/. */
#ifndef MUIR_HOST_CLOCK_HOST_CLOCK_STATE_H
#define MUIR_HOST_CLOCK_HOST_CLOCK_STATE_H

#include "collectives/p2p.h"
#include "host_clock/host_clock.h"

/* A message that this rank sends to the next stage in some slot; its data must live until it is through. */
typedef struct outgoing {
    muir_p2p *p2p;
    float *data;
} outgoing;

struct muir_host_clock {
    const muir_scenario *scenario; /* borrowed; outlives the clock */
    const muir_program *program;   /* borrowed; outlives the clock */
    muir_fold fold;
    muir_host_facts facts;
    muir_kernels *kernels;
    muir_mesh *mesh;
    muir_host_ops *ops; /* NULL without a part */
    muir_order *order;  /* of the shrunk schedule */
    outgoing *sent;     /* [n_sent], one for each slot of this rank's list */
    int n_sent;
    muir_p2p *receiving;
    float *received;
    size_t n_message; /* elements of a message between stages */
};

/* muir_host_clock_step, or the same without any op: what is left is the clock's own time. */
muir_status muir_host_step_run(muir_ctx *ctx, muir_host_clock *clock, int64_t step, bool is_empty,
                               muir_host_row *row);

#endif
