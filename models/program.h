/* SPDX-License-Identifier: BSD-3-Clause */
/* The step program: what one chip of each pipeline stage computes and moves, for one microbatch and once per
 * step. Model families emit it; the fleet clock times it and the host clock executes it shrunk. */
#ifndef MUIR_MODELS_PROGRAM_H
#define MUIR_MODELS_PROGRAM_H

#include "models/kept.h"

typedef enum muir_op_kind {
    MUIR_OP_GEMM,
    MUIR_OP_FFT,
    MUIR_OP_MEM,
    MUIR_OP_COLL,
} muir_op_kind;

/* Products C[m,n] = A[m,k] B[k,n], with the sizes that one chip has. */
typedef struct muir_op_gemm {
    double m, n, k;
    double count;      /* products side by side */
    double share;      /* that is really computed: 0.5 for causal attention */
    double out_bytes;  /* moved per element of C [byte] */
    bool is_attention; /* inside a fused attention kernel; operands stay on the chip */
    bool is_backward;  /* attention of the backward pass */
    bool is_16bit;     /* whatever the job's precision */
    bool is_grouped;   /* of experts, each with its own number of rows */
} muir_op_gemm;

/* Complex fp32 Fourier transforms of n points. */
typedef struct muir_op_fft {
    double n;
    double count;  /* transforms */
    double stride; /* between points of a transform: 1, or a number that divides count */
} muir_op_fft;

/* Bytes through device memory, or to and from the host's. */
typedef struct muir_op_mem {
    double bytes;
    double launches; /* operations started on the chip for them */
    bool is_host;    /* over the link to the host's memory, while the chip works on */
} muir_op_mem;

/* A collective over an axis of the job, or part of it. */
typedef struct muir_op_coll {
    muir_coll_kind kind;
    muir_axis axis;
    int64_t members; /* that exchange */
    int64_t stride;  /* between them, in members of the axis */
    double bytes;    /* nccl-tests' size on one chip */
    double copies;   /* times that each token for experts is among `bytes`; 0: not tokens for experts */
} muir_op_coll;

typedef struct muir_op {
    muir_op_kind kind;    /* says which of the four below there is */
    const char *name;     /* static text, for people: nothing follows from it */
    muir_modules modules; /* that it makes the results of */
    double again;         /* share of it that a choice by operation computes again */
    double load;          /* of the busiest chip over the mean, 0: even; sizes and bytes below are means */
    union {
        muir_op_gemm gemm;
        muir_op_fft fft;
        muir_op_mem mem;
        muir_op_coll coll;
    };
} muir_op;

typedef struct muir_op_range {
    int first, n;
} muir_op_range;

/* Where a block stands in the model. */
typedef enum muir_block_role {
    MUIR_BLOCK_FIRST, /* before all layers, once: the embedding */
    MUIR_BLOCK_LAYER, /* a kind of layer */
    MUIR_BLOCK_LAST,  /* behind all layers, once: the head */
} muir_block_role;

/* Layers first, first + every, first + 2 every, ... below end; without first, first + except,
 * first + 2 except, ... if `except` is above 0. */
typedef struct muir_layers {
    int64_t first, end, every, except;
} muir_layers;

/* A part of the model that is made of ops. Every layer is of exactly one block. */
typedef struct muir_block {
    const char *name; /* static text */
    muir_block_role role;
    muir_layers layers; /* with role LAYER: which of the model's layers are of this kind */
    muir_op_range phase[MUIR_PHASE_COUNT];
    double dense_params;           /* per chip, replicated over dp */
    double expert_params;          /* per chip, replicated over dp / ep */
    bool is_plain;                 /* layers of which nothing is computed again, whatever the job says */
    muir_kept kept[MUIR_MAX_KEPT]; /* in the order in which it comes */
    int n_kept;
} muir_block;

enum { MUIR_MAX_OPS = 512, MUIR_MAX_BLOCKS = 8 };

/* What a chunk holds, in order: block `block`, `repeat` times. */
typedef struct muir_chunk {
    int64_t first_layer, n_layers; /* of the model */
    int n_parts;
    int block[MUIR_MAX_BLOCKS];
    int repeat[MUIR_MAX_BLOCKS];
} muir_chunk;

typedef struct muir_program {
    muir_op ops[MUIR_MAX_OPS];
    int n_ops;
    muir_block blocks[MUIR_MAX_BLOCKS];
    int n_blocks;
    muir_chunk *chunks; /* [vpp pp], as data passes; muir_program_chunk says whose they are */
    /* Once per step, in this order; what is equal on all stages is one op, so that all ranks run the same. */
    muir_op_range *sync_ops;   /* [pp]: gradient sync */
    muir_op_range norm_ops;    /* gradient norm over the job */
    muir_op_range *update_ops; /* [pp]: optimizer, gather of new weights */
    int n_chunks, n_stages;
    int n_held; /* chunks on each stage: vpp, for each copy of the weights */
    muir_place place;
    double table_bytes;   /* on one chip: embedding tables whose rows are updated where they lie */
    double logits;        /* elements of a microbatch on one chip; 0: there are none to speak of */
    double head_bytes;    /* of a microbatch on one chip: what the last norm reads, and gives */
    double head_whole;    /* the same, and its gradient, while the head's products run */
    double p2p_bytes;     /* a microbatch's message between neighbouring chunks, per chip */
    double model_flop;    /* of job and step: what the model needs, full attention square, no recompute */
    double params;        /* of the whole model */
    double active_params; /* that one token visits */
} muir_program;

struct muir_emitter;

/* A model family: one file and one row of families.def. */
typedef struct muir_family {
    const char *name;
    /* Keys of model files with a default that it reads, those that all read aside; NULL ends them. */
    const char *const *keys;
    bool is_headless;       /* no attention: tp splits channels or nothing, and heads, kv_heads are 1 */
    bool has_one_recompute; /* all layers are computed again, or none */
    bool is_causal;   /* tokens see earlier ones alone: cp deals a sequence out in pairs of its 2 cp parts */
    bool has_experts; /* etp is read */
    /* MUIR_ERR_ARG with one sentence if the family cannot be laid out so. Local. */
    muir_status (*check)(muir_ctx *ctx, const muir_job *job);
    /* Adds blocks with their ops (emit.h): one FIRST, kinds of layers, one LAST, in the order in which data
     * passes; muir_program_create does the rest. Local. */
    void (*emit)(struct muir_emitter *emitter);
    /* FLOP of what mixes the tokens of one sequence, all layers, forward and backward. NULL: attention.
     * Local. */
    double (*mixing_flop)(const muir_job *job);
    /* Tokens of a sample, which a sequence then is; NULL: the scenario says how long sequences are. Local. */
    int64_t (*seq_len)(const muir_model *model);
    /* Sets params, active_params and model_flop; NULL: as for a language model of the job's sizes. Local. */
    void (*add_totals)(const muir_job *job, muir_program *program);
    const char *source;
} muir_family;

int muir_family_count(void);
const muir_family *muir_family_at(int i);
const muir_family *muir_family_find(const char *name); /* NULL if unknown */

/* Checks that a model sets no key that its family does not read.
 * model  in   resolved: kv_heads and head_dim no longer auto
 * Local. MUIR_ERR_ARG with one sentence. */
muir_status muir_model_check(muir_ctx *ctx, const muir_model *model);

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

/* "product", "transform", "memory", or the name of the collective. Local. */
const char *muir_op_kind_name(const muir_op *op);

/* FLOP of one op: 2 m n k for each product, 5 n log2 n for each Fourier transform, 0 for others. Local. */
double muir_op_flop(const muir_op *op);

/* Bytes of device memory that transforms read and write when they pass once: 16 for each point. Local. */
double muir_op_fft_bytes(const muir_op *op);

/* FLOP of one chip for a microbatch in a phase of a chunk, recompute included. Attention counts the full
 * square, as in model_flop, although causal kernels skip half of it, so that HFU can be compared with MFU.
 * Local. */
double muir_chunk_flop(const muir_program *program, int chunk, muir_phase phase);

/* Layers of a kind among n from `first` on. Local. */
int64_t muir_layers_count(muir_layers kind, int64_t first, int64_t n);

/* The first block of a role, which every program has. Local. */
const muir_block *muir_program_block(const muir_program *program, muir_block_role role);

/* Whether any of n chunks from `first` on has a block. Local. */
bool muir_program_has_block(const muir_program *program, int first, int n, int block);

/* Layers of the chunks that hold fewest and most: equal where chunks divide them. Local. */
void muir_program_layers(const muir_program *program, int64_t *least, int64_t *most);

/* Number of the chunk that a stage holds as its i-th, i < n_held. Local. */
int muir_program_chunk(const muir_program *program, int stage, int i);

/* Weights of a stage on one chip, all its copies.
 * experts  in   true: those of experts; false: all others
 * Local. */
double muir_stage_params(const muir_program *program, int stage, bool experts);

#endif
