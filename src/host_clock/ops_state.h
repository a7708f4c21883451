/* SPDX-License-Identifier: BSD-3-Clause */
/* What prepared ops hold, and what their source files do for each other. Private to host_clock/.
 * Each file calls those before it only: flights and looks; gemm, fft, mem and coll; hidden; tune; ops. */
#ifndef MUIR_HOST_CLOCK_OPS_STATE_H
#define MUIR_HOST_CLOCK_OPS_STATE_H

#include "host_clock/ops.h"
#include "kernels/fft.h"

/* Of the three vectors that memory streams run over: beyond any last-level cache share of a core. */
enum { MUIR_HOST_STREAM_BYTES = 96 << 20 };

typedef struct host_gemm {
    muir_gemm_size size;
    int count;
    size_t tile;           /* rows of a piece, between which MPI is progressed */
    const muir_gemm *gemm; /* the row chosen for the product's type */
    size_t element;        /* of a and b [byte] */
    void *a, *b, *c;
    muir_gemm_check *check;
} host_gemm;

/* Where the collectives of one communicator take their data from, and put it. */
typedef struct payload {
    muir_coll_comm *comm; /* borrowed from the mesh, which outlives the ops */
    float *send, *recv;
} payload;

/* A piece of a collective that runs during products, with data of its own. */
typedef struct muir_host_bucket {
    muir_flight flight;
    float *send, *recv;
    size_t count; /* [elements] */
    uint32_t salt;
    bool is_checked;
} muir_host_bucket;

enum { MUIR_MOST_BUCKETS = 32 };

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
    muir_flips *flips; /* borrowed; NULL: none are planted */
    bool is_overlapped;
    muir_flights flights;
    int64_t job_stage; /* the job's stage that this rank's stands for at the end of a step */
};

/* Makes op number `index` ready, a product. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_gemm_prepare(muir_ctx *ctx, muir_host_ops *ops, int index);

/* Runs it. Local. The kernel's error. */
muir_status muir_host_gemm_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                               muir_tally *tally);

/* The same for Fourier transforms of the job's length, fewer of them. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_fft_prepare(muir_ctx *ctx, muir_host_ops *ops, int index);

/* Runs them. Local. MUIR_ERR_MPI, while MPI is progressed. */
muir_status muir_host_fft_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally);

/* Streams the op's bytes, and more of them until a planned end. Local. MUIR_ERR_MPI, while MPI is
 * progressed. */
muir_status muir_host_mem_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                              muir_tally *tally);

/* Makes op number `index` ready, a collective over a communicator that outlives the ops; payloads follow when
 * all are known. Local, in the same order on all ranks. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_host_coll_prepare(muir_ctx *ctx, muir_host_ops *ops, int index, muir_coll_comm *comm);

/* Room for the data of all prepared collectives. Collective over their communicators. MUIR_ERR_MEM. */
muir_status muir_host_payloads_prepare(muir_ctx *ctx, muir_host_ops *ops);

/* Runs a collective. Collective over its communicator. MUIR_ERR_MPI. */
muir_status muir_host_coll_run(muir_ctx *ctx, muir_host_ops *ops, int index, const muir_host_moment *moment,
                               muir_tally *tally);

/* Payloads of a collective of `count` elements as its check wants them: send filled, recv spoilt. Local. */
void muir_host_coll_fill(const muir_host_coll *coll, size_t count, uint32_t salt, float *send, float *recv);

/* Plants flips into what was received, and looks at it. Local. */
void muir_host_coll_look(muir_host_ops *ops, int index, size_t count, uint32_t salt, bool is_checked,
                         float *recv, muir_tally *tally);

/* What the collective asks of an algorithm. Local. */
muir_coll_spec muir_host_coll_spec(const muir_host_coll *coll);

/* Makes the pieces of every collective that the job hides, where the scenario wants overlap. Collective over
 * the mesh's ranks. MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_host_hidden_prepare(muir_ctx *ctx, muir_host_ops *ops);
void muir_host_hidden_destroy(muir_host_ops *ops);

#endif
