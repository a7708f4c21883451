/* SPDX-License-Identifier: BSD-3-Clause */
/* What prepared ops hold, and what their source files do for each other. Private to host_clock/. */
#ifndef MUIR_HOST_CLOCK_OPS_STATE_H
#define MUIR_HOST_CLOCK_OPS_STATE_H

#include "host_clock/ops.h"
#include "kernels/fft.h"

typedef struct host_gemm {
    muir_gemm_size size;
    int count;
    const muir_gemm *gemm; /* the row chosen for the product's type */
    void *a, *b, *c;
    muir_gemm_check *check;
} host_gemm;

/* Where the collectives of one communicator take their data from, and put it. */
typedef struct payload {
    muir_coll_comm *comm; /* borrowed from the mesh, which outlives the ops */
    float *send, *recv;
} payload;

struct muir_host_ops {
    const muir_program *program;   /* borrowed; outlives the ops */
    const muir_kernels *kernels;   /* borrowed; outlives the ops */
    const muir_scenario *scenario; /* borrowed; outlives the ops */
    muir_shrink shrink;
    host_gemm *gemms;      /* [n_ops]; empty where the op is none */
    muir_fft **ffts;       /* [n_ops]; NULL where the op is none */
    muir_host_coll *colls; /* [n_colls] */
    int *coll_of;          /* [n_ops]: index into colls, -1: none */
    int n_colls;
    payload payloads[MUIR_MESH_AXES + 1]; /* one for each communicator that is used */
    int n_payloads;
    muir_mem *mem;
};

/* Makes op number `index` ready, a product. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_gemm_prepare(muir_ctx *ctx, muir_host_ops *ops, int index);

/* Runs it. Local. The kernel's error. */
muir_status muir_host_gemm_run(muir_ctx *ctx, muir_host_ops *ops, int index, muir_tally *tally);

/* The same for Fourier transforms of the job's length, fewer of them. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_fft_prepare(muir_ctx *ctx, muir_host_ops *ops, int index);

/* Runs them. Local. */
void muir_host_fft_run(muir_host_ops *ops, int index, muir_tally *tally);

/* Makes op number `index` ready, a collective over a communicator that outlives the ops; payloads follow when
 * all are known. Local, in the same order on all ranks. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_coll_prepare(muir_ctx *ctx, muir_host_ops *ops, int index, muir_coll_comm *comm);

/* Room for the data of all prepared collectives. Collective over their communicators. MUIR_ERR_MEM. */
muir_status muir_host_payloads_prepare(muir_ctx *ctx, muir_host_ops *ops);

/* Runs a collective. Collective over its communicator. MUIR_ERR_MPI. */
muir_status muir_host_coll_run(muir_ctx *ctx, muir_host_ops *ops, muir_host_coll *coll, uint32_t salt,
                               muir_tally *tally);

#endif
