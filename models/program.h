/* SPDX-License-Identifier: BSD-3-Clause */
/* The step program: what one chip of each pipeline stage computes and moves, for one microbatch and once per
 * step. Model families emit it; the fleet clock prices it and the host clock executes it shrunk. */
#ifndef MUIR_MODELS_PROGRAM_H
#define MUIR_MODELS_PROGRAM_H

#include "models/job.h"

typedef enum muir_op_kind {
    MUIR_OP_GEMM, /* C[m,n] = A[m,k] B[k,n], count of them */
    MUIR_OP_FFT,  /* complex fp32 Fourier transforms of n points, count of them */
    MUIR_OP_MEM,  /* bytes through device memory */
    MUIR_OP_COLL, /* a collective over an axis */
} muir_op_kind;

typedef struct muir_op {
    muir_op_kind kind;
    const char *name;  /* static text */
    double m, n, k;    /* GEMM: sizes on one chip; FFT: n points */
    double count;      /* GEMM: products side by side; FFT: transforms */
    double stride;     /* FFT: points of a transform are so many apart: 1, or a number that divides count */
    double share;      /* GEMM: share that is really computed: 0.5 for causal attention */
    double load;       /* of the busiest chip over the mean, 0: even; sizes above and bytes are means */
    double out_bytes;  /* GEMM: moved per element of C [byte] */
    bool is_attention; /* GEMM: inside a fused attention kernel; operands stay on the chip */
    bool is_backward;  /* GEMM: attention of the backward pass */
    bool is_16bit;     /* GEMM: in 16 bits whatever the job's precision */
    bool is_grouped;   /* GEMM: of experts, each with its own number of rows */
    double launches;   /* GEMM, MEM: operations started on the chip, 1 unless said */
    int64_t members;   /* COLL: of the part of the axis that exchanges; 0: all */
    int64_t apart;     /* COLL: members of the axis between neighbours of that part; 0: 1 */
    muir_coll_kind coll;
    muir_axis axis;
    double bytes;  /* MEM: moved; COLL: nccl-tests' size on one chip */
    double copies; /* COLL: times that each token for experts is among `bytes`; 0: not tokens for experts */
} muir_op;

typedef struct muir_op_range {
    int first, n;
} muir_op_range;

/* A kind of layer: embedding, transformer layer, head. */
typedef struct muir_block {
    const char *name; /* static text */
    muir_op_range phase[MUIR_PHASE_COUNT];
    double dense_params;  /* per chip, replicated over dp */
    double expert_params; /* per chip, replicated over dp / ep */
} muir_block;

enum { MUIR_MAX_OPS = 512, MUIR_MAX_BLOCKS = 8, MUIR_MAX_PARTS = 4 };

/* What a chunk of layers holds, in order: block `block`, `repeat` times. */
typedef struct muir_chunk {
    int n_parts;
    int block[MUIR_MAX_PARTS];
    int repeat[MUIR_MAX_PARTS];
} muir_chunk;

typedef struct muir_program {
    muir_op ops[MUIR_MAX_OPS];
    int n_ops;
    muir_block blocks[MUIR_MAX_BLOCKS];
    int n_blocks;
    muir_chunk
        *chunks; /* [vpp pp], in the order in which data passes; muir_program_chunk says whose they are */
    /* Once per step, in this order; what is equal on all stages is one op, so that all ranks run the same. */
    muir_op_range *sync_ops;   /* [pp]: gradient sync */
    muir_op_range norm_ops;    /* gradient norm over the job */
    muir_op_range *update_ops; /* [pp]: optimizer, gather of new weights */
    int n_chunks, n_stages;
    int n_held; /* chunks on each stage: vpp, for each copy of the weights */
    muir_place place;
    double table_bytes;      /* on one chip: embedding tables whose rows are updated where they lie */
    double activation_bytes; /* of a microbatch on one chip and layer; 0: what a transformer's layer holds */
    double p2p_bytes;        /* a microbatch's message between neighbouring chunks, per chip */
    double model_flop;       /* of job and step: what the model needs, full attention square, no recompute */
    double params;           /* of the whole model */
    double active_params;    /* that one token visits */
} muir_program;

/* A model family: one file and one row of families.def. */
typedef struct muir_family {
    const char *name;
    bool is_headless; /* tp need not divide heads: it splits channels, or nothing */
    /* MUIR_ERR_ARG with one sentence if the family cannot be laid out so. Local. */
    muir_status (*check)(muir_ctx *ctx, const muir_job *job);
    /* Fills blocks and ops; muir_program_create does the rest. Local. */
    muir_status (*emit)(muir_ctx *ctx, const muir_job *job, muir_program *program);
    /* FLOP of what mixes the tokens of one sequence, all layers, forward and backward. NULL: attention.
     * Local. */
    double (*mixing_flop)(const muir_job *job);
    /* Tokens of a sample, which a sequence then is; NULL: the scenario says how long sequences are. Local. */
    int64_t (*seq_len)(const muir_model *model);
    /* Sets params, active_params and model_flop; NULL: those of a language model of the job's sizes. Local.
     * */
    void (*add_totals)(const muir_job *job, muir_program *program);
    const char *source;
} muir_family;

int muir_family_count(void);
const muir_family *muir_family_at(int i);
const muir_family *muir_family_find(const char *name); /* NULL if unknown */

/* Checks the job's layout against its family: heads by tp, layers by stages and chunks, experts by ep.
 * job  in   resolved: dp and batch no longer auto
 * Local. MUIR_ERR_ARG with one sentence. */
muir_status muir_job_check(muir_ctx *ctx, const muir_job *job);

/* The program of a job.
 * job  in   checked with muir_job_check; borrowed for the call
 * out  out  free it with muir_program_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_program_create(muir_ctx *ctx, const muir_job *job, muir_program **out);

/* Accepts NULL, leaves NULL. Local. */
void muir_program_destroy(muir_program **program);

/* FLOP of one op: 2 m n k for each product, 5 n log2 n for each Fourier transform, 0 for others. Local. */
double muir_op_flop(const muir_op *op);

/* Bytes of device memory that transforms read and write when they pass once: 16 for each point. Local. */
double muir_op_fft_bytes(const muir_op *op);

/* FLOP of one chip for a microbatch in a phase of a chunk, recompute included. Attention counts the full
 * square, as in model_flop, although causal kernels skip half of it, so that HFU can be compared with MFU.
 * Local. */
double muir_chunk_flop(const muir_program *program, int chunk, muir_phase phase);

/* Number of the chunk that a stage holds as its i-th, i < n_held. Local. */
int muir_program_chunk(const muir_program *program, int stage, int i);

/* Weights of a stage on one chip, all its copies.
 * experts  in   true: those of experts; false: all others
 * Local. */
double muir_stage_params(const muir_program *program, int stage, bool experts);

#endif
