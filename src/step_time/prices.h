/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of the step program's parts on the scenario's fleet, for a chip of speed 1. */
#ifndef MUIR_STEP_TIME_PRICES_H
#define MUIR_STEP_TIME_PRICES_H

#include "step_time/contention.h"
#include "step_time/op_times.h"

/* One slot of the schedule on one chunk. Communication is what is exposed: not hidden under compute. [s] */
typedef struct muir_slot_price {
    double compute_s; /* stretched by a slow chip */
    double tp_s, cp_s, ep_s;
    double dp_s; /* weights gathered and gradients synchronised with each microbatch */
} muir_slot_price;

/* The end of a step on one stage. [s] */
typedef struct muir_sync_price {
    double reduce_s;    /* exposed gradient sync */
    double norm_s;      /* gradient norm over the job */
    double optimizer_s; /* stretched by a slow chip in principle; too short to matter, so it is not */
    double gather_s;    /* exposed gather of new weights */
} muir_sync_price;

typedef struct muir_prices {
    int n_chunks, n_stages;
    muir_slot_price *forward;  /* [n_chunks] */
    muir_slot_price *backward; /* [n_chunks], weight gradient and recompute included */
    muir_slot_price *input;    /* [n_chunks], the same without the weight gradient */
    muir_slot_price *weight;   /* [n_chunks], the weight gradient alone */
    /* [n_chunks]: what shares time and ports with the gather of weights and the sync of gradients */
    muir_beside *beside_forward, *beside_backward;
    muir_sync_price *sync;   /* [n_stages] */
    muir_port_times message; /* a microbatch's, between neighbouring stages, by port */
    double p2p_s;            /* a microbatch's message between neighbouring stages */
    double wrap_p2p_s;       /* from the last stage back to the first (interleaving) */
    double executed_flop;    /* of the job in a step, recompute included */
} muir_prices;

/* Prices of a program.
 * out  out  free it with muir_prices_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_prices_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                               muir_prices **out);
void muir_prices_destroy(muir_prices **prices); /* accepts NULL, leaves NULL */

/* What is left to see of a collective of a block where the job hides it under products [s].
 * ops  in  [n] of the phase of the block
 * i    in  the collective among them
 * Local. */
double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase);

/* Sum of a slot's parts [s]. Local. */
double muir_slot_time_s(const muir_slot_price *price);

#endif
