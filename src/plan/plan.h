/* SPDX-License-Identifier: BSD-3-Clause */
/* The search for the layout whose step is shortest: every legal combination of parallel sizes, schedule,
 * micro batch, recompute and ZeRO stage, each timed as the fleet clock times a run, on chips of speed 1. */
#ifndef MUIR_PLAN_PLAN_H
#define MUIR_PLAN_PLAN_H

#include "memory/fit.h"
#include "step_time/ideal.h"

/* What layouts are ranked by. */
typedef enum muir_plan_by {
    MUIR_PLAN_BY_STEP,   /* time of a step without failures */
    MUIR_PLAN_BY_TOKENS, /* time per token, with the expected goodput */
    MUIR_PLAN_BY_COST,   /* cost per token, with the expected goodput */
} muir_plan_by;

/* A layout and what it comes to. All figures are modelled. Plain data: ranks send it as bytes. */
typedef struct muir_plan_entry {
    muir_parallel parallel;
    int64_t micro_batch_size, microbatches, chips;
    double step_s, part_s[MUIR_PART_COUNT];
    double low_s, high_s;     /* 80 % interval of the step */
    double mfu, tokens_per_s; /* without failures */
    double goodput;           /* expected productive share of the time; 1 where nothing fails */
    double usd_per_mtoken;    /* of tokens that are kept: with that goodput */
    double score;             /* what the request ranks by: smaller is better */
    double power_w;           /* mean, at the meter, of the servers that the job pays for */
    double memory_bytes;      /* of the fullest chip, with what allocator, libraries and driver take */
    double headroom_bytes;    /* that the chip has beyond it; below 0: it lacks */
    muir_fit_verdict verdict; /* on it */
    bool is_fitting;          /* into the chip's memory */
    int64_t number;           /* of the candidate, in the order of the search: orders equals */
} muir_plan_entry;

/* What to search.
 * base       a scenario that loads: model, fleet, batch, precision, and a layout to hold the others against
 * limits     the same, with the values of the keys that are fixed
 * fixed      [n_fixed] keys that keep the value that limits has: "parallel.tp", "micro_batch_size"
 * keep       how many of the best to keep, >= 1
 * by         what the ranking goes by
 * bounds     candidates outside of them are left out (plan/plan_bounds.h)
 * is_pareto  also search over fewer chips, and keep what no other layout beats in step time, chips and cost
 *            per token at once; a job on fewer chips then pays for as many servers as it uses */
typedef struct muir_plan_request {
    const muir_scenario *base, *limits; /* borrowed */
    const char *const *fixed;           /* borrowed */
    int n_fixed, keep;
    bool is_pareto;
    muir_plan_by by;
    const struct muir_plan_bound *bounds; /* [n_bounds], borrowed */
    int n_bounds;
    bool is_own_unplaced; /* nobody asks for better_than_own, which then counts some of them alone */
} muir_plan_request;

typedef struct muir_plan {
    muir_plan_entry *entries; /* [n], smallest score first; with is_pareto fewest chips last */
    int n;
    int64_t legal;           /* candidates whose sizes divide what they must divide */
    int64_t fitting;         /* of these, those that fit the chip's memory: all of them were timed */
    muir_plan_entry own;     /* the base's own layout, timed whether it fits or not */
    int64_t better_than_own; /* fitting candidates with a smaller score */
    double search_s;         /* executed: time of the slowest rank */
} muir_plan;

/* Searches; candidates are dealt over ranks, the result is the same on any number of them but for search_s.
 * out  out  free it with muir_plan_destroy; untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG (a fixed key that is not searched), MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_plan_create(muir_ctx *ctx, const muir_plan_request *request, muir_plan **out);
void muir_plan_destroy(muir_plan **plan); /* accepts NULL, leaves NULL */

/* Lays a job of the search's model and batch as the entry says. Local. */
void muir_plan_entry_apply(const muir_plan_entry *entry, muir_job *job);

/* Keys that are searched, in the order of plan.def. Local. */
int muir_plan_key_count(void);
const char *muir_plan_key(int i);
const char *muir_plan_key_help(int i);

#endif
