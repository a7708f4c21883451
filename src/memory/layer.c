/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of a layer under a choice of recompute. */
#include "memory/layer.h"

#include <math.h>

/* How recompute treats the rows of a layer. */
typedef struct choice {
    muir_modules recomputed;
    bool is_full, is_by_op;
} choice;

static choice choice_of(const muir_job *job, const muir_block *block)
{
    if (block->is_plain) return (choice){.recomputed = 0};
    return (choice){.recomputed = muir_job_recomputed(job),
                    .is_full = job->parallel.recompute == MUIR_RECOMPUTE_FULL,
                    .is_by_op = muir_job_is_by_op(job)};
}

/* Whether a row that is computed again is there while gradients pass through row `at`. */
static bool is_there(const choice *c, const muir_block *block, int row, int at)
{
    if (c->is_full || c->is_by_op) return true;
    return row == at || (block->kept[row].modules & block->kept[at].modules & c->recomputed);
}

muir_layer_memory muir_layer_memory_of(const muir_job *job, const muir_block *block)
{
    const choice c = choice_of(job, block);
    muir_layer_memory m = {0.0, 0.0};
    double peak = 0.0, kept[MUIR_MAX_KEPT];
    for (int row = 0; row < block->n_kept; row++)
        kept[row] = muir_kept_bytes(job, &block->kept[row], row == 0, block->is_plain);
    for (int at = 0; at < block->n_kept; at++) {
        double again = 0.0;
        m.kept += kept[at];
        for (int row = 0; row <= at; row++)
            if (is_there(&c, block, row, at))
                again += fmax(0.0, block->kept[row].bytes - kept[row]);
        peak = fmax(peak, m.kept + again + block->kept[at].transient);
    }
    const double held = 1.0 - job->parallel.offload_activations;
    m.working = fmax(0.0, peak - m.kept) + job->parallel.offload_activations * m.kept; /* it comes back */
    m.kept *= held;
    return m;
}
