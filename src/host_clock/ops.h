/* SPDX-License-Identifier: BSD-3-Clause */
/* The step program's ops, shrunk and made ready to run on this rank: operands, check vectors, prepared
 * collectives. */
#ifndef MUIR_HOST_CLOCK_OPS_H
#define MUIR_HOST_CLOCK_OPS_H

#include "collectives/coll.h"
#include "host_clock/flips.h"
#include "host_clock/looks.h"
#include "host_clock/mesh.h"
#include "host_clock/flights.h"
#include "host_clock/shrink.h"
#include "host_clock/tally.h"
#include "tuning/tuning.h"
#include "kernels/check.h"
#include "kernels/gemm.h"
#include "kernels/mem.h"

/* When and how an op runs. */
typedef struct muir_host_moment {
    uint32_t salt;  /* of payloads; changes from call to call, equal on all ranks */
    double until_s; /* planned end on this machine's clock: work goes on until then; 0: no timetable */
    bool is_empty;  /* all but the work itself */
} muir_host_moment;

/* One collective of the program, on this rank's communicator of its axis. */
typedef struct muir_host_coll {
    const muir_op *op;    /* borrowed from the program */
    muir_coll_comm *comm; /* borrowed from the mesh */
    const muir_coll *algorithm;
    muir_chosen chosen;      /* where the algorithm comes from */
    muir_coll_choice choice; /* what was measured for it; NAN times where nothing was */
    muir_coll_op *prepared;
    float *send, *recv;               /* payloads, shared by the collectives of one communicator */
    size_t count;                     /* elements of 4 bytes, nccl-tests' size */
    double calls, seconds;            /* so far; waiting for slower ranks included */
    double best_s;                    /* the fastest call so far, which waited least */
    bool is_hidable;                  /* the job hides it under products */
    struct muir_host_bucket *buckets; /* pieces that run during products; NULL: it does not hide here */
    int n_buckets;
    double piece_s; /* time of the pieces of the call at hand */
} muir_host_coll;

typedef struct muir_host_ops muir_host_ops;

/* Prepares every op of the program for a shrink.
 * scenario, program, mesh, kernels  in   borrowed; outlive the ops
 * shrink                            in   borrowed for the call
 * out                               out  free it with muir_host_ops_destroy; untouched on error
 * Collective over the mesh's ranks; call only with a part. MUIR_ERR_ARG (unknown algorithm), MUIR_ERR_MEM. */
muir_status muir_host_ops_create(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                                 const muir_mesh *mesh, const muir_kernels *kernels,
                                 const muir_shrink *shrink, muir_host_ops **out);
void muir_host_ops_destroy(muir_host_ops **ops); /* accepts NULL, leaves NULL */

/* Settles, for every collective that the scenario leaves to `auto`, which algorithm it runs, and prepares it
 * anew. Until then such collectives run the first row of the table that fits.
 * Collective over the mesh's ranks; call only with a part. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_host_ops_tune(muir_ctx *ctx, muir_host_ops *ops, muir_tuning *tuning);

/* Runs op number `index` of the program; nothing where one rank holds the whole group. Allocates nothing.
 * With a planned end, products and memory streams are repeated until it is near, and every op ends with
 * waiting for it, which progresses MPI.
 * tally  in/out  what was done is added
 * Collective over the op's group. MUIR_ERR_MPI, or the kernel's error. */
muir_status muir_host_ops_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally);

/* Where flips are planted; NULL: nowhere. Borrowed until destroyed. Local. */
void muir_host_ops_set_flips(muir_host_ops *ops, muir_flips *flips);

/* Whether collectives that may hide do. Local; equal on all ranks. */
void muir_host_ops_set_overlap(muir_host_ops *ops, bool is_on);

/* Pieces in which op number `index` runs during products; 0: it does not. Local. */
int muir_host_ops_buckets(const muir_host_ops *ops, int index);

/* Starts a piece. Every product moves it on from then on. Other collectives run meanwhile only after all
 * pieces on their way, if their algorithm cannot be moved on in parts.
 * tally  in/out  what was done is added
 * Collective over the op's group. MUIR_ERR_MPI. */
muir_status muir_host_ops_start(muir_ctx *ctx, muir_host_ops *ops, int index, int bucket,
                                const muir_host_moment *moment, muir_tally *tally);

/* Waits for the end of a piece and looks at its result; nothing where it was never started.
 * begin_s, end_s  out  when it was on its way, on this machine's clock; untouched where it was not
 * Collective over the op's group. MUIR_ERR_MPI. */
muir_status muir_host_ops_finish(muir_ctx *ctx, muir_host_ops *ops, int index, int bucket, double *begin_s,
                                 double *end_s, muir_tally *tally);

/* What is on its way: to be moved on, or waited for. Local. */
muir_flights *muir_host_ops_flights(muir_host_ops *ops);

/* The prepared collectives, those of axes that cross ranks. Local. */
int muir_host_ops_coll_count(const muir_host_ops *ops);
const muir_host_coll *muir_host_ops_coll_at(const muir_host_ops *ops, int i);

/* Type of a product of the program, or of most of them where op is NULL. Local. */
muir_dtype muir_host_dtype(const muir_scenario *scenario, const muir_op *op);

#endif
