/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary as JSON. */
#include <jansson.h>
#include <math.h>
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

static json_t *seconds_of(const int64_t *ns, int n, const char *(*name)(int), double scale)
{
    json_t *object = json_object();
    for (int i = 0; i < n; i++) json_object_set_new(object, name(i), json_real((double)ns[i] * scale));
    return object;
}

/* All since the start of the run, earlier launches included. */
static json_t *account(const muir_scenario *s, const muir_summary *m)
{
    const muir_goodput *g = &m->account;
    const double chip_hours = (double)muir_job_chips(&s->job) / 3.6e12;
    json_t *events = json_object();
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        json_object_set_new(events, muir_kind_name(k), json_integer((json_int_t)g->events[k]));
    return json_pack(
        "{s:s,s:s,s:f,s:f,s:o,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "faults", s->run.faults, "scope",
        muir_scope_name(m->reaction.scope), "total_elapsed_time_s", 1e-9 * (double)g->total_ns, "ettr",
        m->goodput, "mtti_s", g->interruptions > 0 ? json_real(muir_goodput_mtti_s(g)) : json_null(),
        "interruptions", (json_int_t)g->interruptions, "time_s",
        seconds_of(g->class_ns, MUIR_CLASS_COUNT, muir_class_name, 1e-9), "planned", (json_int_t)g->planned,
        "kept_steps", (json_int_t)g->kept_steps, "lost_steps", (json_int_t)g->lost_steps, "events", events,
        "lost_chip_hours", seconds_of(g->lost_ns, MUIR_KIND_COUNT, muir_kind_name, chip_hours));
}

static json_t *fleet(const muir_scenario *s, const muir_summary *m)
{
    return json_pack("{s:o,s:f,s:f,s:f,s:f,s:{s:f,s:f},s:f,s:f,s:o,s:o,s:o}", "step_time_s",
                     statistics(&m->step_time_s), "mfu", m->mfu, "hfu", m->hfu, "tokens_per_s",
                     m->tokens_per_s, "goodput", m->goodput, "power_w", "mean", m->power_mean_w, "max",
                     m->power_max_w, "energy_j", m->energy_j, "cost_usd", m->cost_usd, "usd_per_mtoken",
                     isfinite(m->usd_per_mtoken) ? json_real(m->usd_per_mtoken) : json_null(), "parts_s",
                     parts(m), "account", account(s, m));
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

muir_status muir_report_json(muir_ctx *ctx, const muir_scenario *scenario, const muir_summary *m,
                             const char *path)
{
    json_t *root =
        json_pack("{s:{s:s,s:I},s:s,s:I,s:i,s:I,s:I,s:f,s:o,s:o,s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "muir",
                  "version", MUIR_VERSION, "seed", (json_int_t)scenario->run.seed, "scenario", scenario->name,
                  "chips", (json_int_t)muir_fleet_chips(&scenario->fleet), "ranks", m->ranks, "first_step",
                  (json_int_t)m->first_step, "steps", (json_int_t)m->steps, "wall_s", m->wall_s, "fleet",
                  fleet(scenario, m), "host", host(m), "emulation", "steps_per_s",
                  m->wall_s > 0.0 ? (double)m->steps / m->wall_s : 0.0, "fleet_clock_s", m->fleet_clock_s,
                  "host_s", m->host_s, "telemetry_s", m->telemetry_s, "prepare_s", m->prepare_s,
                  "bytes_per_chip", m->bytes_per_chip);
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON summary");
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON summary cannot be written", path) : MUIR_OK;
}
