/* SPDX-License-Identifier: BSD-3-Clause */
/* What a layer keeps of a microbatch between its forward and its backward pass, module by module. */
#ifndef MUIR_MODELS_KEPT_H
#define MUIR_MODELS_KEPT_H

#include "models/job.h"

typedef enum muir_module {
#define MODULE(id, help) MUIR_MODULE_##id,
#include "models/modules.def"
#undef MODULE
    MUIR_MODULE_COUNT
} muir_module;

/* A set of modules: 1 << module for each. */
typedef unsigned muir_modules;
#define MUIR_MODULE_BIT(id) (1u << MUIR_MODULE_##id)

/* One thing that is kept. Bytes are of a microbatch on one chip. */
typedef struct muir_kept {
    muir_modules modules; /* recompute of any of these leaves it out; 0: always kept */
    double bytes;
    double by_op;     /* of them, kept where recompute chooses operation by operation (PyTorch) */
    double transient; /* lives beside it while gradients pass through it, and no longer */
} muir_kept;

enum { MUIR_MAX_KEPT = 24 };

const char *muir_module_name(muir_module module);
const char *muir_module_help(muir_module module);

/* Modules that the job computes again: none, those of recompute_modules, or with full recompute all.
 * Local. */
muir_modules muir_job_recomputed(const muir_job *job);

/* What of a row is kept from forward to backward under the job's recompute [byte]; with full recompute only
 * the first row of a layer, its input.
 * is_plain  in  the layer computes nothing again
 * Local. */
double muir_kept_bytes(const muir_job *job, const muir_kept *kept, bool is_first, bool is_plain);

/* Whether recompute chooses operation by operation, as PyTorch's selective checkpoints do. Local. */
bool muir_job_is_by_op(const muir_job *job);

/* MUIR_ERR_ARG with the known names if recompute_modules has another. Local. */
muir_status muir_modules_check(muir_ctx *ctx, const muir_job *job);

#endif
