/* SPDX-License-Identifier: BSD-3-Clause */
/* Slowdown of groups: the draws of every chip, and maxima over groups. */
#include "fleet_clock/slowdown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/simd.h"
#include "fleet_clock/slowdown_heat.h"

enum { LANES = MUIR_RNG_BLOCK, DRAW_CHUNK = 16 };

double muir_chip_speed(const muir_scenario *scenario, int64_t chip)
{
    const muir_variation *v = &scenario->fleet.variation;
    const uint64_t seed = (uint64_t)scenario->run.seed,
                   server = (uint64_t)(chip / scenario->fleet.server.chips);
    const double z = (double)muir_rng_normal_at(seed, MUIR_STREAM_CHIP, 0, (uint64_t)chip);
    const double speed = 1.0 + fmax(-v->chip_clip, fmin(v->chip_clip, v->chip_sigma * z));
    const bool is_slow = (double)muir_rng_uniform_at(seed, MUIR_STREAM_SLOW, 0, server) < v->slow_share;
    return is_slow ? speed * v->slow_speed : speed;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : greatest_common_divisor(b, a % b);
}

static bool is_mine(const muir_slowdown *s, int64_t replica)
{
    return replica >= s->replicas.first && replica < s->replicas.first + s->replicas.n;
}

static muir_status draw_speeds(muir_ctx *ctx, muir_slowdown *s)
{
    float *out = s->base;
    muir_status st = MUIR_OK;
    for (size_t b = 0; b < s->n_blocks && st == MUIR_OK; b++, st = muir_ctx_go_on(ctx))
        for (int stage = 0; stage < s->stages; stage++)
            for (int place = 0; place < s->group; place++)
                for (int lane = 0; lane < LANES; lane++, out++) {
                    const int64_t replica = (s->first_block + (int64_t)b) * LANES + lane;
                    if (!is_mine(s, replica)) continue;
                    const int64_t chip = muir_layout_chip(&s->scenario->job, stage, replica, place);
                    *out = (float)(1.0 / muir_chip_speed(s->scenario, chip));
                }
    return st;
}

static muir_status make_arrays(muir_ctx *ctx, muir_slowdown *s)
{
    muir_status st = MUIR_OK;
    const size_t rows = s->n_blocks * (size_t)s->stages * LANES,
                 servers = (size_t)s->scenario->fleet.top.servers;
    MUIR_TRY(muir_alloc(ctx, rows * (size_t)s->group, sizeof(float), "chip speeds", &s->base));
    MUIR_TRY(muir_alloc(ctx, rows * (size_t)s->n_subs, sizeof(float), "server drift", &s->drift));
    MUIR_TRY(muir_alloc(ctx, rows * (size_t)s->n_subs, sizeof(float), "server drift", &s->drift_slope));
    MUIR_TRY(muir_alloc(ctx, rows * (size_t)s->n_subs, sizeof(float), "temperatures", &s->warmth_c));
    MUIR_TRY(muir_alloc(ctx, servers, sizeof(float), "server drift", &s->server_knot));
    MUIR_TRY(muir_alloc(ctx, rows, sizeof(float), "group slowdowns", &s->excess));
    MUIR_TRY(muir_alloc(ctx, s->n_blocks * LANES, sizeof(uint8_t), "replicas", &s->is_down));
    s->bytes =
        (rows * (size_t)(s->group + 3 * s->n_subs + 1) + servers) * sizeof(float) + s->n_blocks * LANES;
done:
    return st;
}

muir_status muir_slowdown_create(muir_ctx *ctx, const muir_scenario *scenario, muir_slice replicas,
                                 muir_slowdown **out)
{
    muir_status st = MUIR_OK;
    muir_slowdown *s = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *s, "slowdowns", &s));
    s->scenario = scenario;
    s->replicas = replicas;
    s->first_block = replicas.first / LANES;
    if (replicas.n > 0)
        s->n_blocks = (size_t)((replicas.first + replicas.n - 1) / LANES - s->first_block + 1);
    s->stages = (int)scenario->job.parallel.pp;
    s->group = (int)(scenario->job.parallel.tp * scenario->job.parallel.cp);
    s->sub = (int)greatest_common_divisor(s->group, scenario->fleet.server.chips);
    s->n_subs = s->group / s->sub;
    s->knot = -1;
    MUIR_TRY(make_arrays(ctx, s));
    MUIR_TRY(draw_speeds(ctx, s));
    MUIR_TRY(muir_slowdown_warm(ctx, s));
    *out = s;
    s = NULL;
done:
    muir_slowdown_destroy(&s);
    return st;
}

void muir_slowdown_destroy(muir_slowdown **slowdown)
{
    muir_slowdown *s = *slowdown;
    if (!s) return;
    free(s->base);
    free(s->drift);
    free(s->drift_slope);
    free(s->warmth_c);
    free(s->server_knot);
    free(s->excess);
    free(s->is_down);
    free(s);
    *slowdown = NULL;
}

int64_t muir_slowdown_server(const muir_slowdown *s, int stage, int64_t replica, int sub)
{
    const int64_t slot = muir_layout_chip(&s->scenario->job, stage, replica, (int64_t)sub * s->sub) /
                         s->scenario->fleet.server.chips;
    return s->servers ? muir_servers_at(s->servers, (int32_t)slot) : slot;
}

/* Drift of a server at a knot. */
static float drift_at(const muir_slowdown *s, int64_t knot, int64_t server)
{
    return (float)s->scenario->fleet.variation.drift_sigma *
           muir_rng_normal_at((uint64_t)s->scenario->run.seed, MUIR_STREAM_DRIFT, (uint32_t)knot,
                              (uint64_t)server);
}

/* Draws of all servers at a knot into server_knot, then to the groups' places in `out`. */
static void spread_knot(muir_slowdown *s, int64_t knot, float *out)
{
    for (int64_t i = 0; i < s->scenario->fleet.top.servers; i++) s->server_knot[i] = drift_at(s, knot, i);
    for (size_t b = 0; b < s->n_blocks; b++)
        for (int stage = 0; stage < s->stages; stage++)
            for (int sub = 0; sub < s->n_subs; sub++)
                for (int lane = 0; lane < LANES; lane++, out++) {
                    const int64_t replica = (s->first_block + (int64_t)b) * LANES + lane;
                    const int64_t server =
                        is_mine(s, replica) ? muir_slowdown_server(s, stage, replica, sub) : -1;
                    *out = server >= 0 ? s->server_knot[server] : 0.0f;
                }
}

/* drift and slope for the knots around a step; work only when a knot is passed. */
static void move_to_knot(muir_slowdown *s, int64_t knot)
{
    if (knot == s->knot) return;
    const size_t n = s->n_blocks * (size_t)s->stages * (size_t)s->n_subs * LANES;
    spread_knot(s, knot, s->drift);
    spread_knot(s, knot + 1, s->drift_slope);
    for (size_t i = 0; i < n; i++) {
        s->drift_slope[i] -= s->drift[i];
        s->drift[i] += 1.0f;
    }
    s->knot = knot;
}

/* Maximum over `n` chips of base (1 + sigma z), lane by lane. Replicas lie side by side, so the maximum over
 * a group needs no shuffles. */
MUIR_CLONES
static void slowest_of_chips(const float *base, const float *z, float sigma, int n, float *slowest)
{
    for (int c = 0; c < n; c++)
        for (int lane = 0; lane < LANES; lane++) {
            const float x = base[c * LANES + lane] * fmaf(sigma, z[c * LANES + lane], 1.0f);
            slowest[lane] = x > slowest[lane] ? x : slowest[lane];
        }
}

/* Drift and temperature of each lane's part of a group, of which the warmest chip stands for all: where it
 * throttles, it is the slowest by far. */
MUIR_CLONES
static void slow_parts(const float *drift, const float *slope, const float *warmth_c, float at,
                       const muir_heat_step *heat, float *part)
{
    for (int lane = 0; lane < LANES; lane++) {
        const float throttling = warmth_c[lane] > heat->margin_c ? heat->throttling : 1.0f;
        part[lane] *= (fmaf(slope[lane], at, drift[lane]) + heat->slower) * throttling;
    }
}

static void note_servers(const muir_slowdown *s, size_t block, int stage, int sub, const float *part,
                         float *servers)
{
    for (int lane = 0; lane < LANES; lane++) {
        const int64_t replica = (s->first_block + (int64_t)block) * LANES + lane;
        if (!is_mine(s, replica)) continue;
        const int64_t number = muir_slowdown_server(s, stage, replica, sub);
        if (number >= 0 && part[lane] > servers[number]) servers[number] = part[lane];
    }
}

/* One stage of one block: 64 groups side by side. */
static void step_groups(muir_slowdown *s, uint32_t step, size_t block, int stage, float at,
                        const muir_heat_step *heat, float *servers)
{
    const float sigma = (float)s->scenario->fleet.variation.step_sigma;
    const size_t row = block * (size_t)s->stages + (size_t)stage;
    const uint64_t draws =
        ((uint64_t)(s->first_block + (int64_t)block) * (uint64_t)s->stages + (uint64_t)stage) *
        (uint64_t)s->group; /* blocks of draws before this row */
    float *excess = s->excess + row * LANES;
    float slowest[LANES] = {0.0f}, part[LANES], z[DRAW_CHUNK * LANES];
    for (int sub = 0; sub < s->n_subs; sub++) {
        memset(part, 0, sizeof part);
        for (int c = 0; c < s->sub; c += DRAW_CHUNK) {
            const int n = s->sub - c < DRAW_CHUNK ? s->sub - c : DRAW_CHUNK;
            const int place = sub * s->sub + c;
            muir_rng_normals((uint64_t)s->scenario->run.seed, MUIR_STREAM_JITTER, step,
                             draws + (uint64_t)place, (size_t)n, z);
            slowest_of_chips(s->base + (row * (size_t)s->group + (size_t)place) * LANES, z, sigma, n, part);
        }
        const size_t at_sub = (row * (size_t)s->n_subs + (size_t)sub) * LANES;
        slow_parts(s->drift + at_sub, s->drift_slope + at_sub, s->warmth_c + at_sub, at, heat, part);
        for (int lane = 0; lane < LANES; lane++)
            slowest[lane] = part[lane] > slowest[lane] ? part[lane] : slowest[lane];
        if (servers) note_servers(s, block, stage, sub, part, servers);
    }
    for (int lane = 0; lane < LANES; lane++) excess[lane] = slowest[lane] - 1.0f;
}

/* Replicas of an expert group exchange tokens in every layer, so they go at the pace of the slowest. Groups
 * never cross ranks (muir_fold_make), but they cross blocks. */
static float *excess_at(muir_slowdown *s, int stage, int64_t replica)
{
    const int64_t local = replica - s->first_block * LANES;
    return s->excess + ((size_t)(local / LANES) * (size_t)s->stages + (size_t)stage) * LANES + local % LANES;
}

/* Replicas that hold the experts together wait for each other in every layer. */
static void level_expert_groups(muir_slowdown *s, int64_t unit)
{
    for (int64_t first = s->replicas.first; first < s->replicas.first + s->replicas.n; first += unit)
        for (int stage = 0; stage < s->stages; stage++) {
            float slowest = -1.0f;
            for (int64_t r = first; r < first + unit; r++) slowest = fmaxf(slowest, *excess_at(s, stage, r));
            for (int64_t r = first; r < first + unit; r++) *excess_at(s, stage, r) = slowest;
        }
}

/* What is out of the ordinary. */

static float *base_at(muir_slowdown *s, muir_chip_place at)
{
    const int64_t local = at.replica - s->first_block * LANES;
    const size_t row = (size_t)(local / LANES) * (size_t)s->stages + (size_t)at.stage;
    return s->base + (row * (size_t)s->group + (size_t)at.in_group) * LANES + local % LANES;
}

static void move_drift(muir_slowdown *s, muir_chip_place at, int64_t server)
{
    const int64_t local = at.replica - s->first_block * LANES;
    const size_t row = (size_t)(local / LANES) * (size_t)s->stages + (size_t)at.stage;
    const size_t i =
        (row * (size_t)s->n_subs + (size_t)(at.in_group / s->sub)) * LANES + (size_t)(local % LANES);
    const float before = drift_at(s, s->knot, server), next = drift_at(s, s->knot + 1, server);
    s->drift_slope[i] = next - before;
    s->drift[i] = before + 1.0f;
}

void muir_slowdown_move(muir_slowdown *s, int32_t slot)
{
    const int64_t chips = s->scenario->fleet.server.chips, job_chips = muir_job_chips(&s->scenario->job);
    const int64_t server = s->servers ? muir_servers_at(s->servers, slot) : slot;
    if (server < 0) return;
    for (int64_t c = 0; c < chips && slot * chips + c < job_chips; c++) {
        const muir_chip_place at = muir_layout_place(&s->scenario->job, slot * chips + c);
        if (!is_mine(s, at.replica)) continue;
        *base_at(s, at) = (float)(1.0 / muir_chip_speed(s->scenario, server * chips + c));
        if (at.in_group % s->sub != 0) continue;
        if (s->knot >= 0) move_drift(s, at, server);
        muir_slowdown_warm_part(s, (int)at.stage, at.replica, (int)(at.in_group / s->sub));
    }
}

/* Jitter and drift of a slow chip are left out: small against what slows it down. */
static void slow_chips(muir_slowdown *s, const muir_disturbance *d, float *servers)
{
    for (int i = 0; i < d->n_slow; i++) {
        const muir_chip_place at = muir_layout_place(&s->scenario->job, d->slow[i].chip);
        if (!is_mine(s, at.replica)) continue;
        const float x = d->slow[i].factor * *base_at(s, at);
        float *excess = excess_at(s, (int)at.stage, at.replica);
        if (x - 1.0f > *excess) *excess = x - 1.0f;
        const int64_t server =
            muir_slowdown_server(s, (int)at.stage, at.replica, (int)(at.in_group / s->sub));
        if (servers && server >= 0 && x > servers[server]) servers[server] = x;
    }
}

static void take_down(muir_slowdown *s, const muir_disturbance *d)
{
    if (s->n_down > 0) memset(s->is_down, 0, s->n_blocks * LANES);
    s->n_down = 0;
    for (int32_t i = 0; i < d->n_down; i++)
        for (int32_t k = 0; k < d->unit_replicas; k++) {
            const int64_t replica = (int64_t)d->down[i] * d->unit_replicas + k;
            if (!is_mine(s, replica)) continue;
            s->is_down[replica - s->first_block * LANES] = 1;
            s->n_down++;
            for (int stage = 0; stage < s->stages; stage++) *excess_at(s, stage, replica) = -1.0f;
        }
}

void muir_slowdown_step(muir_slowdown *s, uint32_t step, const muir_disturbance *disturbance,
                        const muir_heat_step *heat, float *servers)
{
    static const muir_disturbance nothing = {.unit_replicas = 1};
    static const muir_heat_step mild = {.margin_c = INFINITY, .throttling = 1.0f};
    const int64_t interval = s->scenario->fleet.variation.drift_steps,
                  unit = muir_job_expert_replicas(&s->scenario->job);
    if (!disturbance) disturbance = &nothing;
    if (!heat) heat = &mild;
    move_to_knot(s, step / interval);
    muir_slowdown_count_throttled(s, heat->margin_c);
    const float at = (float)(step % interval) / (float)interval;
    for (size_t b = 0; b < s->n_blocks; b++)
        for (int stage = 0; stage < s->stages; stage++) step_groups(s, step, b, stage, at, heat, servers);
    slow_chips(s, disturbance, servers);
    if (unit > 1) level_expert_groups(s, unit);
    take_down(s, disturbance);
}
