/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of causes, and what is summed over it. */
#include "reliability/causes.h"

static const muir_cause causes[MUIR_CAUSE_COUNT] = {
#define CAUSE(name, reach, noticed, help) {MUIR_REACH_##reach, MUIR_NOTICED_##noticed},
#define OTHER(name, help)
#define JOB(name, noticed, help)
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
};

const char *muir_noticed_name(int noticed)
{
    static const char *const names[MUIR_NOTICED_COUNT] = {"never", "explicit", "timeout", "check", "alert"};
    return names[noticed];
}

muir_noticed muir_kind_noticed(int kind)
{
    static const muir_noticed noticed[MUIR_KIND_COUNT] = {
#define CAUSE(name, reach, noticed, help) MUIR_NOTICED_##noticed,
#define OTHER(name, help) MUIR_NOTICED_NEVER,
#define JOB(name, noticed, help) MUIR_NOTICED_##noticed,
#include "scenario/kinds.def"
#undef CAUSE
#undef OTHER
#undef JOB
    };
    return noticed[kind];
}

const muir_cause *muir_cause_at(int cause)
{
    return &causes[cause];
}

double muir_causes_wide_share(const muir_causes *c)
{
    const double sum = muir_causes_sum(c);
    double wide = 0.0;
    for (int i = 0; i < MUIR_CAUSE_COUNT; i++)
        if (causes[i].reach != MUIR_REACH_SERVER) wide += c->weight[i];
    return sum > 0.0 ? wide / sum : 0.0;
}

double muir_causes_timeout_share(const muir_causes *c)
{
    const double sum = muir_causes_sum(c);
    double found = 0.0;
    for (int i = 0; i < MUIR_CAUSE_COUNT; i++)
        if (causes[i].noticed == MUIR_NOTICED_TIMEOUT) found += c->weight[i];
    return sum > 0.0 ? found / sum : 0.0;
}

int muir_causes_pick(const muir_causes *c, double u)
{
    double left = u * muir_causes_sum(c);
    for (int i = 0; i < MUIR_CAUSE_COUNT; i++) {
        left -= c->weight[i];
        if (left < 0.0) return i;
    }
    return 0;
}

void muir_reach_servers(const muir_fleet *fleet, muir_reach reach, int32_t server, int32_t *first,
                        int32_t *last)
{
    const int64_t n = reach == MUIR_REACH_LEAF   ? fleet->fabric.leaf_servers
                      : reach == MUIR_REACH_RACK ? muir_fleet_rack_servers(fleet)
                                                 : 1;
    const int64_t start = server / n * n, end = start + n;
    *first = (int32_t)start;
    *last = (int32_t)(end < fleet->top.servers ? end : fleet->top.servers) - 1;
}
