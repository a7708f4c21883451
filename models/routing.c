/* SPDX-License-Identifier: BSD-3-Clause */
/* Expected number of places that a token visits. */
#include "models/routing.h"

#include <math.h>

/* n over k for small whole numbers. */
static double choose(double n, double k)
{
    double ways = 1.0;
    if (k < 0.0 || k > n) return 0.0;
    for (double i = 1.0; i <= k; i++) ways *= (n - k + i) / i;
    return ways;
}

/* None of k experts drawn out of `all` is among `held` of them. */
static double miss(double all, double held, double k)
{
    double share = 1.0;
    for (double i = 0.0; i < k; i++) share *= fmax(0.0, all - held - i) / (all - i);
    return share;
}

double muir_model_visit(const muir_model *model, double held)
{
    const double experts = (double)model->experts, k = (double)model->topk;
    const double groups = (double)model->expert_groups, drawn = (double)model->topk_groups;
    if (drawn <= 0.0 || drawn >= groups) return 1.0 - miss(experts, held, k);
    const double size = experts / groups, whole = floor(held / size), rest = held - whole * size;
    const double parts = rest > 0.0 ? 1.0 : 0.0; /* a group of which only `rest` experts are held */
    double missed = 0.0;
    for (double part = 0.0; part <= parts; part++)
        for (double j = 0.0; j <= whole && j + part <= drawn; j++)
            missed += choose(whole, j) * choose(groups - whole - parts, drawn - j - part) *
                      miss(drawn * size, j * size + part * rest, k);
    return 1.0 - missed / choose(groups, drawn);
}

double muir_job_copies(const muir_job *job)
{
    const double ep = (double)job->parallel.ep;
    if (job->stack.dispatch == MUIR_DISPATCH_COPIES) return (double)job->model.topk;
    return ep * muir_model_visit(&job->model, (double)job->model.experts / ep);
}
