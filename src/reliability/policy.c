/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains of restarts. */
#include "reliability/policy.h"

#include <math.h>

#include "base/real.h"

static double failing(const muir_policy *p)
{
    return (1.0 - p->restart_success) * (1.0 - p->preflight_catch);
}

double muir_policy_chain_success(const muir_policy *p)
{
    const double q = failing(p);
    return q > 0.0 ? 1.0 - muir_real_power(q, (double)p->restart_tries) : 1.0;
}

double muir_policy_retry_s(const muir_policy *p, double attempt_s, const muir_draw *d, bool *is_rescued)
{
    const double q = failing(p), most_s = 4.0e9;
    double failed = 0.0, rescue_s = 0.0;
    if (q > 0.0) failed = floor(muir_real_log(muir_draw_uniform(d, MUIR_PURPOSE_TRIES)) / muir_real_log(q));
    const bool is_hopeless = failed >= (double)p->restart_tries;
    if (is_hopeless) {
        failed = (double)p->restart_tries;
        rescue_s =
            fmin(most_s, muir_draw_lognormal(d, MUIR_PURPOSE_RESCUE, p->rescue_median_s, p->rescue_sigma));
    }
    if (is_rescued) *is_rescued = is_hopeless;
    return p->preflight_s + failed * (attempt_s + p->preflight_s) + rescue_s;
}

/* Sum of q^k over k = 1 .. tries is what is tried in vain. */
double muir_policy_mean_retry_s(const muir_policy *p, double attempt_s)
{
    const double q = failing(p);
    if (q <= 0.0) return p->preflight_s;
    const double hopeless = muir_real_power(q, (double)p->restart_tries);
    const double failed = q < 1.0 ? q * (1.0 - hopeless) / (1.0 - q) : (double)p->restart_tries;
    const double rescue_s = p->rescue_median_s * muir_real_exp(0.5 * p->rescue_sigma * p->rescue_sigma);
    return p->preflight_s + failed * (attempt_s + p->preflight_s) + hopeless * rescue_s;
}
