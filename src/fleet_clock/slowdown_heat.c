/* SPDX-License-Identifier: BSD-3-Clause */
/* The warmest chip of each part of a group, and how many chips throttle. */
#include "fleet_clock/slowdown_heat.h"

#include <math.h>

#include "base/rng.h"
#include "fleet_clock/heat.h"

enum { LANES = MUIR_RNG_BLOCK };

static const float coldest_c = -1000.0f; /* of places without a chip: never throttles */

static size_t part_at(const muir_slowdown *s, int stage, int64_t replica, int sub)
{
    const int64_t local = replica - s->first_block * LANES;
    const size_t row = (size_t)(local / LANES) * (size_t)s->stages + (size_t)stage;
    return (row * (size_t)s->n_subs + (size_t)sub) * LANES + (size_t)(local % LANES);
}

/* Number in the fleet of the first chip of a part, whose chips are neighbours; -1: its place is empty. */
static int64_t first_chip(const muir_slowdown *s, int stage, int64_t replica, int sub)
{
    const int64_t chips = s->scenario->fleet.server.chips;
    const int64_t place = muir_layout_chip(&s->scenario->job, stage, replica, (int64_t)sub * s->sub);
    const int64_t server = muir_slowdown_server(s, stage, replica, sub);
    return server < 0 ? -1 : server * chips + place % chips;
}

void muir_slowdown_warm_part(muir_slowdown *s, int stage, int64_t replica, int sub)
{
    const int64_t first = first_chip(s, stage, replica, sub);
    float warmest_c = coldest_c;
    for (int c = 0; first >= 0 && c < s->sub; c++)
        warmest_c = fmaxf(warmest_c, (float)muir_chip_warmth_c(s->scenario, first + c));
    s->warmth_c[part_at(s, stage, replica, sub)] = warmest_c;
    s->is_counted = false;
}

muir_status muir_slowdown_warm(muir_ctx *ctx, muir_slowdown *s)
{
    muir_status st = MUIR_OK;
    const size_t n = s->n_blocks * (size_t)s->stages * (size_t)s->n_subs * LANES;
    for (size_t i = 0; i < n; i++) s->warmth_c[i] = coldest_c;
    for (int64_t r = s->replicas.first; r < s->replicas.first + s->replicas.n && st == MUIR_OK; r++) {
        for (int stage = 0; stage < s->stages; stage++)
            for (int sub = 0; sub < s->n_subs; sub++) muir_slowdown_warm_part(s, stage, r, sub);
        st = muir_ctx_go_on(ctx);
    }
    return st;
}

static int64_t count_part(const muir_slowdown *s, int64_t first, float margin_c)
{
    int64_t n = 0;
    for (int c = 0; first >= 0 && c < s->sub; c++)
        n += (float)muir_chip_warmth_c(s->scenario, first + c) > margin_c;
    return n;
}

void muir_slowdown_count_throttled(muir_slowdown *s, float margin_c)
{
    const size_t n = s->n_blocks * (size_t)s->stages * (size_t)s->n_subs * LANES;
    if (s->is_counted && margin_c == s->counted_margin_c) return;
    if (!s->is_counted) {
        s->warmest_c = coldest_c;
        for (size_t i = 0; i < n; i++) s->warmest_c = fmaxf(s->warmest_c, s->warmth_c[i]);
    }
    s->is_counted = true;
    s->counted_margin_c = margin_c;
    s->n_throttled = 0;
    if (s->warmest_c <= margin_c) return;
    for (int64_t r = s->replicas.first; r < s->replicas.first + s->replicas.n; r++)
        for (int stage = 0; stage < s->stages; stage++)
            for (int sub = 0; sub < s->n_subs; sub++)
                if (s->warmth_c[part_at(s, stage, r, sub)] > margin_c)
                    s->n_throttled += count_part(s, first_chip(s, stage, r, sub), margin_c);
}
