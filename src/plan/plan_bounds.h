/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds of a search: "pp<=32", "power_w<=20MW", "goodput>=0.9". */
#ifndef MUIR_PLAN_PLAN_BOUNDS_H
#define MUIR_PLAN_PLAN_BOUNDS_H

#include "plan/plan.h"

typedef struct muir_plan_bound {
    int what; /* number of a searched key, or of a measure after them */
    bool is_most;
    double value;
} muir_plan_bound;

/* Whether a text is written as a bound: it has <= or >=. Local. */
bool muir_plan_is_bound(const char *text);

/* Reads a bound. Searched keys may be named by their last part (pp); measures are step_s, mfu, tokens_per_s,
 * goodput, usd_per_mtoken, power_w, memory_bytes. Values as people write them (20MW, 64GiB, 90%).
 * bound  out  untouched on error
 * Local. MUIR_ERR_ARG with what may be bounded. */
muir_status muir_plan_bound_read(muir_ctx *ctx, const char *text, muir_plan_bound *bound);

/* Whether a job keeps the bounds on searched keys, and an entry those on measures. Local. */
bool muir_plan_job_is_within(const muir_plan_request *request, const muir_job *job);
bool muir_plan_entry_is_within(const muir_plan_request *request, const muir_plan_entry *entry);

#endif
