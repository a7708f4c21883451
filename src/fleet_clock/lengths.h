/* SPDX-License-Identifier: BSD-3-Clause */
/* How long the sequences of each microbatch are, where they vary: what a microbatch of a replica
 * computes, over the mean. One draw w of mean 0 and standard deviation 1 stretches its forward to 1 +
 * length_forward w and its backward to 1 + length_backward w, on all stages alike.
 *
 * Source: the public trace SE of ByteDance-Seed/StragglerAnalysis @8efcd7f (arXiv 2505.05713), 128 GPUs,
 * 45 steps, 32 replicas of 2 stages and 8 microbatches. There forward and backward of a microbatch
 * correlate by 0.99, its two stages by 0.996, two microbatches of a replica by 0.02; forwards scatter by
 * 0.21 of their mean, backwards by 0.37, and w is the same shape for both: many packed short, some
 * filled by one document. */
#ifndef MUIR_FLEET_CLOCK_LENGTHS_H
#define MUIR_FLEET_CLOCK_LENGTHS_H

#include "scenario/fold.h"

/* Blocks as in muir_slowdown. */
typedef struct muir_lengths {
    const muir_scenario *scenario; /* borrowed; outlives this */
    muir_slice replicas;           /* mine */
    int64_t first_block;
    size_t n_blocks;
    int microbatches;
    float *w; /* [n_blocks, microbatches, 64]; NULL: all microbatches are alike */
    size_t bytes;
} muir_lengths;

/* The draw at a uniform number in (0, 1): straight lines between quantiles of the trace. Local. */
float muir_length_at(float uniform);

/* out  out  free it with muir_lengths_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_lengths_create(muir_ctx *ctx, const muir_scenario *scenario, muir_slice replicas,
                                muir_lengths **out);
void muir_lengths_destroy(muir_lengths **lengths); /* accepts NULL, leaves NULL */

/* Draws a step; allocates nothing. Replicas that hold the experts together exchange tokens in every
 * layer, so each of their microbatches is as long as the longest of them. Returns what the replica with
 * most to compute computes over the mean, a backward counted as two forwards, before it waits for its
 * group; 0 without replicas. Local. */
double muir_lengths_step(muir_lengths *lengths, uint32_t step);

/* How far a slot's compute strays with w. A pair counts as one forward and one backward of the backward's
 * microbatch, though its forward belongs to another one. Local. */
float muir_length_spread(const muir_scenario *scenario, int phase, bool is_pair);

#endif
