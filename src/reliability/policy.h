/* SPDX-License-Identifier: BSD-3-Clause */
/* Restarts that fail again: how long a chain of attempts takes until the job runs. */
#ifndef MUIR_RELIABILITY_POLICY_H
#define MUIR_RELIABILITY_POLICY_H

#include "reliability/draws.h"
#include "scenario/faults.h"

/* Time of a chain beyond its last, good attempt [s].
 *     q = (1 - restart_success) (1 - preflight_catch), the share of attempts that fail
 *     k attempts fail with the probability q^k (1 - q); after restart_tries of them a person helps, and the
 *     next one succeeds
 *     t = preflight_s + k (attempt_s + preflight_s) + the person's time
 * attempt_s  in   an attempt that fails takes as long as one that succeeds [s]
 * draw       in   of the failure
 * is_rescued out  a person was needed; NULL: not wanted
 * Local. */
double muir_policy_retry_s(const muir_policy *policy, double attempt_s, const muir_draw *draw,
                           bool *is_rescued);

/* Its expectation [s]. Local. */
double muir_policy_mean_retry_s(const muir_policy *policy, double attempt_s);

/* Share of chains that succeed without a person: 1 - q^restart_tries. Local. */
double muir_policy_chain_success(const muir_policy *policy);

#endif
