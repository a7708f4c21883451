/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd/report.h"

static json_t *statistics(const muir_statistics *s)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "mean", s->mean, "min", s->min, "max", s->max, "p50", s->p50,
                     "p99", s->p99);
}

static json_t *parts(const muir_summary *m)
{
    json_t *object = json_object();
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        json_object_set_new(object, muir_part_name((muir_part)i), json_real(m->part_s[i]));
    return object;
}

static json_t *collectives(const muir_summary *m)
{
    json_t *array = json_array();
    for (int i = 0; i < m->n_colls; i++) {
        const muir_summary_coll *c = &m->colls[i];
        json_array_append_new(array, json_pack("{s:s,s:s,s:s,s:i,s:f,s:s,s:f,s:f,s:f,s:f,s:f}", "op", c->op,
                                               "algorithm", c->algorithm, "axis", c->axis, "ranks", c->ranks,
                                               "bytes", c->bytes, "dtype", "fp32", "calls", c->calls,
                                               "time_s", c->time_s, "best_s", c->best_s, "algbw_byte_per_s",
                                               c->algbw_byte_per_s, "busbw_byte_per_s", c->busbw_byte_per_s));
    }
    return array;
}

static json_t *fleet(const muir_summary *m)
{
    return json_pack("{s:o,s:f,s:f,s:f,s:f,s:{s:f,s:f},s:f,s:f,s:f,s:o}", "step_time_s",
                     statistics(&m->step_time_s), "mfu", m->mfu, "hfu", m->hfu, "tokens_per_s",
                     m->tokens_per_s, "goodput", m->goodput, "power_w", "mean", m->power_mean_w, "max",
                     m->power_max_w, "energy_j", m->energy_j, "cost_usd", m->cost_usd, "usd_per_mtoken",
                     m->usd_per_mtoken, "parts_s", parts(m));
}

static json_t *host(const muir_summary *m)
{
    if (m->host_steps == 0) return json_null();
    return json_pack("{s:f,s:f,s:f,s:s,s:o,s:f,s:f,s:I,s:I,s:I,s:{s:f,s:f,s:f}}", "gemm_flop_per_s",
                     m->gemm_flop_per_s, "gemm_fraction_of_peak", m->gemm_fraction_of_peak, "peak_flop_per_s",
                     m->facts.peak_flop_per_s, "kernel", m->facts.kernel, "collectives", collectives(m),
                     "step_s", m->host_step_mean_s, "empty_step_s", m->facts.empty_step_s, "steps",
                     (json_int_t)m->host_steps, "checked", (json_int_t)m->tally.checked, "wrong",
                     (json_int_t)m->tally.wrong, "shrink", "factor", m->facts.shrink.factor, "layers",
                     m->facts.shrink.layers, "microbatches", m->facts.shrink.microbatches);
}

json_t *muir_power_json(const muir_power_summary *power)
{
    const muir_power_report *r = &power->report;
    json_t *lines = json_array(), *bands = json_object(), *ramps = json_object();
    if (power->windows == 0) return json_null();
#define BAND(name, from_hz, to_hz)                                                                           \
    json_object_set_new(bands, #name, json_real(r->band_share[MUIR_POWER_##name]));
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
    for (int i = 0; i < MUIR_POWER_HARMONICS; i++)
        json_array_append_new(lines, json_pack("{s:f,s:f,s:f}", "hz", (i + 1) * r->step_hz, "share",
                                               r->line_share[i], "peak_to_peak_w", r->line_w[i]));
    for (int i = 0; i < MUIR_POWER_RAMPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%g_s", muir_power_ramp_s(i));
        json_object_set_new(ramps, key, json_real(r->ramp_w_per_s[i]));
    }
    return json_pack(
        "{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o,s:f,s:o,s:{s:b,s:b,s:b},s:f,s:f,s:f,s:f,s:f,s:"
        "f,s:f}",
        "windows", (json_int_t)power->windows, "steps", (json_int_t)r->steps, "samples",
        (json_int_t)r->samples, "time_s", r->time_s, "mean_w", r->mean_w, "min_w", r->min_w, "max_w",
        r->max_w, "rms_w", r->rms_w, "step_hz", r->step_hz, "cycle_hz", r->cycle_hz, "cycle_share",
        r->cycle_share, "lines", lines, "band_share", bands, "grid_share", r->grid_share, "ramp_w_per_s",
        ramps, "limits_met", "band_share", r->is_share_met, "ramp", r->is_ramp_met, "range", r->is_range_met,
        "energy_j", r->energy_j, "energy_difference", r->difference, "burnt_j", r->cost.burnt_j, "deferred_j",
        r->cost.deferred_j, "lost_j", r->cost.lost_j, "traced_s", power->traced_s, "spent_s", power->spent_s);
}

static json_t *cost(const muir_summary *m)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f}", "servers_usd", m->cost.servers_usd, "network_usd",
                     m->cost.network_usd, "site_usd", m->cost.site_usd, "usd_per_step", m->usd_per_step,
                     "usd_per_day", m->fleet_time_s > 0.0 ? 86400.0 * m->cost_usd / m->fleet_time_s : 0.0,
                     "lost_usd", m->lost_usd);
}

muir_status muir_report_json(muir_ctx *ctx, const muir_scenario *scenario, const muir_summary *m,
                             const char *path)
{
    json_t *root =
        json_pack("{s:{s:s,s:I},s:s,s:I,s:i,s:I,s:I,s:f,s:o,s:o,s:o,s:o,s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "muir",
                  "version", MUIR_VERSION, "seed", (json_int_t)scenario->run.seed, "scenario", scenario->name,
                  "chips", (json_int_t)muir_fleet_chips(&scenario->fleet), "ranks", m->ranks, "first_step",
                  (json_int_t)m->first_step, "steps", (json_int_t)m->steps, "wall_s", m->wall_s, "fleet",
                  fleet(m), "power", muir_power_json(&m->power), "cost", cost(m), "host", host(m),
                  "emulation", "steps_per_s", m->wall_s > 0.0 ? (double)m->steps / m->wall_s : 0.0,
                  "fleet_clock_s", m->fleet_clock_s, "host_s", m->host_s, "telemetry_s", m->telemetry_s,
                  "prepare_s", m->prepare_s, "bytes_per_chip", m->bytes_per_chip);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON summary");
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON summary cannot be written", path) : MUIR_OK;
}
