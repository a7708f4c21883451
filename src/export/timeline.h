/* SPDX-License-Identifier: BSD-3-Clause */
/* The modelled timeline of one replica in an ideal step: when stages do their slots, when messages travel. */
#ifndef MUIR_EXPORT_TIMELINE_H
#define MUIR_EXPORT_TIMELINE_H

#include "step_time/ideal.h"

/* A slot of a stage. */
typedef struct muir_span {
    double start_s, end_s;          /* since the start of the step */
    double part_s[MUIR_SLOT_PARTS]; /* that it consists of; their order within the slot is not modelled */
    int stage, chunk, partner;      /* chunks of the whole pipeline; partner: of a pair's forward, else -1 */
    int microbatch, phase;          /* muir_phase */
    bool is_joined;                 /* a backward with its weight gradient */
} muir_span;

/* A message between stages. */
typedef struct muir_transfer {
    double start_s, end_s;
    int from, to; /* stages */
    int chunk;    /* that waits for it */
    int microbatch, phase;
} muir_transfer;

typedef struct muir_timeline {
    muir_span *spans; /* [n_spans], each stage's in the order of time */
    muir_transfer *transfers;
    int n_spans, n_transfers, n_stages;
    int chunks;                           /* of a stage, copies not counted */
    double *stage_end_s;                  /* [n_stages] end of the last slot */
    muir_sync_time *sync;                 /* [n_stages] */
    double pipeline_s, reduced_s, step_s; /* last slot, last gradient sync, everything */
} muir_timeline;

/* out  out  free it with muir_timeline_destroy; untouched on error
 * Local. MUIR_ERR_MEM, MUIR_ERR_ARG as muir_ideal_create. */
muir_status muir_timeline_create(muir_ctx *ctx, const muir_scenario *scenario, muir_timeline **out);
void muir_timeline_destroy(muir_timeline **timeline); /* accepts NULL, leaves NULL */

#endif
