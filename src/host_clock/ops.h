/* SPDX-License-Identifier: BSD-3-Clause */
/* The step program's ops, shrunk and made ready to run on this rank: operands, check vectors, prepared
 * collectives. */
#ifndef MUIR_HOST_CLOCK_OPS_H
#define MUIR_HOST_CLOCK_OPS_H

#include "collectives/coll.h"
#include "host_clock/mesh.h"
#include "host_clock/shrink.h"
#include "host_clock/tuning.h"
#include "kernels/check.h"
#include "kernels/gemm.h"
#include "kernels/mem.h"

/* What was executed, counted and timed on this rank. */
typedef struct muir_tally {
    double gemm_s, gemm_flop;
    double mem_s, mem_bytes;
    double coll_s, coll_bytes; /* all collectives of all axes */
    double p2p_s, p2p_bytes;   /* waiting for messages between stages */
    double check_s;            /* filling and checking: not part of the job */
    int64_t checked, wrong;    /* results looked at; results that were wrong */
    double fft_s, fft_flop;    /* 5 n log2 n each */
} muir_tally;

/* One collective of the program, on this rank's communicator of its axis. */
typedef struct muir_host_coll {
    const muir_op *op;    /* borrowed from the program */
    muir_coll_comm *comm; /* borrowed from the mesh */
    const muir_coll *algorithm;
    muir_chosen chosen;      /* where the algorithm comes from */
    muir_coll_choice choice; /* what was measured for it; NAN times where nothing was */
    muir_coll_op *prepared;
    float *send, *recv;    /* payloads, shared by the collectives of one communicator */
    size_t count;          /* elements of 4 bytes, nccl-tests' size */
    double calls, seconds; /* so far; waiting for slower ranks included */
    double best_s;         /* the fastest call so far, which waited least */
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
 * salt   in      changes from call to call, equal on all ranks
 * tally  in/out  what was done is added
 * Collective over the op's group. MUIR_ERR_MPI, or the kernel's error. */
muir_status muir_host_ops_run(muir_ctx *ctx, muir_host_ops *ops, int index, uint32_t salt, muir_tally *tally);

/* The prepared collectives, those of axes that cross ranks. Local. */
int muir_host_ops_coll_count(const muir_host_ops *ops);
const muir_host_coll *muir_host_ops_coll_at(const muir_host_ops *ops, int i);

/* Type of a product of the program, or of most of them where op is NULL. Local. */
muir_dtype muir_host_dtype(const muir_scenario *scenario, const muir_op *op);

#endif
