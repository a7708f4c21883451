/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of the slots of a schedule on the scenario's fleet, for a chip of speed 1. */
#ifndef MUIR_STEP_TIME_SLOT_TIMES_H
#define MUIR_STEP_TIME_SLOT_TIMES_H

#include "step_time/op_times.h"
#include "step_time/overlap.h"

/* Parts of a slot. Communication is what is exposed: not hidden under compute. */
typedef enum muir_slot_part {
    MUIR_SLOT_COMPUTE, /* stretched by a slow chip */
    MUIR_SLOT_TP,
    MUIR_SLOT_CP,
    MUIR_SLOT_EP,
    MUIR_SLOT_DP, /* weights gathered and gradients synchronised with each microbatch */
    MUIR_SLOT_PARTS,
} muir_slot_part;

/* One slot on one chunk. [s] */
typedef struct muir_slot_time {
    double part_s[MUIR_SLOT_PARTS];
} muir_slot_time;

/* Kinds of slots: the phases alone (muir_phase), recompute with the backward one; then joined ones. */
enum {
    MUIR_SLOT_JOINED = MUIR_PHASE_COUNT, /* backward and weight gradient in one */
    MUIR_SLOT_KINDS,
};

/* The end of a step on one stage. [s] */
typedef struct muir_sync_time {
    double reduce_s;    /* exposed gradient sync */
    double norm_s;      /* gradient norm over the job */
    double optimizer_s; /* stretched by a slow chip in principle; too short to matter, so it is not */
    double gather_s;    /* exposed gather of new weights */
} muir_sync_time;

typedef struct muir_slot_times {
    int n_chunks, n_stages;
    muir_slot_time *slot[MUIR_SLOT_KINDS];  /* [n_chunks] each */
    muir_overlap *overlap[MUIR_SLOT_KINDS]; /* [n_chunks] each: what gathers of weights and syncs of gradients
                                               run along with; NULL but for FORWARD and JOINED */
    muir_sync_time *sync;                   /* [n_stages] */
    muir_port_times message;                /* a microbatch's, between neighbouring stages, by port */
    double p2p_s;                           /* a microbatch's message between neighbouring stages */
    double wrap_p2p_s;                      /* from the last stage back to the first (interleaving) */
    double executed_flop;                   /* of the job in a step, recompute included */
} muir_slot_times;

/* Times of a program's slots.
 * out  out  free it with muir_slot_times_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_slot_times_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                   muir_slot_times **out);
void muir_slot_times_destroy(muir_slot_times **times); /* accepts NULL, leaves NULL */

/* What is left to see of a collective of a block where the job hides it under products [s].
 * ops  in  [n] of the phase of the block
 * i    in  the collective among them
 * Local. */
double muir_op_exposed_s(const muir_scenario *scenario, const muir_op *ops, int i, int n, muir_phase phase);

/* Sum of a slot's parts [s]. Local. */
double muir_slot_total_s(const muir_slot_time *slot);

/* Adds another slot's parts, `times` over. Local. */
void muir_slot_add(muir_slot_time *sum, const muir_slot_time *slot, double times);

#endif
