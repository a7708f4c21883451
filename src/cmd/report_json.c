/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary as JSON. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd/report.h"
#include "run/calibrate.h"

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

/* JSON has no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *tuning(const muir_tuning_facts *t)
{
    return json_pack("{s:s,s:i,s:i,s:i,s:f}", "table",
                     t->is_off    ? "off"
                     : t->path[0] ? t->path
                                  : "auto",
                     "measured", t->measured, "reused", t->reused, "others", t->others, "time_s", t->time_s);
}

static json_t *collectives(const muir_summary *m)
{
    json_t *array = json_array();
    for (int i = 0; i < m->n_colls; i++) {
        const muir_summary_coll *c = &m->colls[i];
        json_array_append_new(
            array, json_pack("{s:s,s:s,s:s,s:i,s:i,s:f,s:s,s:f,s:f,s:f,s:f,s:f,s:s,s:o,s:o}", "op", c->op,
                             "algorithm", c->algorithm, "axis", c->axis, "ranks", c->ranks, "pieces",
                             c->pieces, "bytes", c->bytes, "dtype", "fp32", "calls", c->calls, "time_s",
                             c->time_s, "best_s", c->best_s, "algbw_byte_per_s", c->algbw_byte_per_s,
                             "busbw_byte_per_s", c->busbw_byte_per_s, "chosen", c->chosen, "median_s",
                             number(c->median_s), "mpi_median_s", number(c->mpi_s)));
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
    return json_pack("{s:o,s:f,s:f,s:f,s:f,s:{s:f,s:f},s:f,s:{s:f,s:o,s:f},s:f,s:o,s:o,s:o}", "step_time_s",
                     statistics(&m->step_time_s), "mfu", m->mfu, "hfu", m->hfu, "tokens_per_s",
                     m->tokens_per_s, "goodput", m->goodput, "power_w", "mean", m->power_mean_w, "max",
                     m->power_max_w, "energy_j", m->energy_j, "chip_c", "mean", m->chip_mean_c, "hottest",
                     number(m->chip_hottest_c), "throttled", m->throttled, "cost_usd", m->cost_usd,
                     "usd_per_mtoken",
                     isfinite(m->usd_per_mtoken) ? json_real(m->usd_per_mtoken) : json_null(), "parts_s",
                     parts(m), "account", account(s, m));
}

static void add_pace(const muir_summary *m, json_t *object)
{
    json_object_set_new(object, "planned_step_s",
                        number(m->facts.planned_step_s > 0.0 ? m->facts.planned_step_s : NAN));
    json_object_set_new(object, "rhythm",
                        json_pack("{s:o,s:o,s:o,s:o}", "p50_s", number(m->rhythm_p50_s), "p99_s",
                                  number(m->rhythm_p99_s), "p50", number(m->rhythm_p50), "p99",
                                  number(m->rhythm_p99)));
    json_object_set_new(object, "overlap",
                        json_pack("{s:o,s:f,s:f,s:f}", "achieved", number(m->overlap), "exposed_s",
                                  m->exposed_s, "exposed_off_s", m->facts.exposed_off_s, "exposed_on_s",
                                  m->facts.exposed_on_s));
    json_object_set_new(object, "flips",
                        json_pack("{s:I,s:I}", "planted", (json_int_t)m->tally.planted, "caught",
                                  (json_int_t)m->tally.caught));
    json_object_set_new(object, "check_s", json_real(m->tally.check_s));
    json_object_set_new(object, "binding", json_string(m->facts.binding));
}

/* Real checkpoints; null where none were wanted. */
static json_t *checkpoints(const muir_summary *m)
{
    const muir_host_saves *c = &m->saves;
    const muir_snapshot_facts *f = &m->facts.snapshot;
    if (f->job_bytes == 0.0) return json_null();
    return json_pack("{s:I,s:f,s:f,s:I,s:f,s:f,s:f,s:I,s:f,s:f,s:I,s:I,s:I,s:I,s:o}", "writes",
                     (json_int_t)c->writes, "write_bytes", c->write_bytes, "write_s", c->write_s, "reads",
                     (json_int_t)c->reads, "read_bytes", c->read_bytes, "read_s", c->read_s, "checksum_s",
                     c->checksum_s, "wrong", (json_int_t)(c->wrong + m->saver.wrong), "job_bytes",
                     f->job_bytes, "divisor", f->divisor, "overtaken", (json_int_t)m->saver.overtaken, "gone",
                     (json_int_t)m->saver.gone, "verified", (json_int_t)m->saver.verified, "renewed",
                     (json_int_t)m->saver.renewed, "damage",
                     m->saver.damage[0] ? json_string(m->saver.damage) : json_null());
}

static json_t *host(const muir_summary *m)
{
    if (m->host_steps == 0) return json_null();
    const muir_host_facts *f = &m->facts;
    const double fft_flop_per_s = m->tally.fft_s > 0.0 ? m->tally.fft_flop / m->tally.fft_s : 0.0;
    json_t *object =
        json_pack("{s:f,s:f,s:f,s:f,s:s,s:o,s:o,s:f,s:f,s:I,s:I,s:I,s:{s:f,s:f,s:f,s:f}}", "gemm_flop_per_s",
                  m->gemm_flop_per_s, "fft_flop_per_s", fft_flop_per_s, "gemm_fraction_of_peak",
                  m->gemm_fraction_of_peak, "peak_flop_per_s", f->peak_flop_per_s, "kernel", f->kernel,
                  "collectives", collectives(m), "tuning", tuning(&f->tuning), "step_s", m->host_step_mean_s,
                  "empty_step_s", f->empty_step_s, "steps", (json_int_t)m->host_steps, "checked",
                  (json_int_t)m->tally.checked, "wrong", (json_int_t)m->tally.wrong, "shrink", "factor",
                  f->shrink.factor, "bytes", f->shrink.factor * f->shrink.factor, "layers", f->shrink.layers,
                  "microbatches", f->shrink.microbatches);
    if (object) add_pace(m, object);
    if (object) json_object_set_new(object, "checkpoints", checkpoints(m));
    return object;
}

/* null: not measured, or no limit given. */
static json_t *is_met(muir_verdict verdict)
{
    return verdict < 0 ? json_null() : json_boolean(verdict == MUIR_VERDICT_MET);
}

json_t *muir_power_json(const muir_power_summary *power)
{
    const muir_power_report *r = &power->report;
    json_t *lines = json_array(), *bands = json_object(), *ramps = json_object();
    if (power->windows == 0) return json_null();
#define BAND(name, from_hz, to_hz)                                                                           \
    json_object_set_new(bands, #name, number(r->band_share[MUIR_POWER_##name]));
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
    for (int i = 0; i < MUIR_POWER_HARMONICS; i++)
        json_array_append_new(lines, json_pack("{s:f,s:f,s:f}", "hz", (i + 1) * r->step_hz, "share",
                                               r->line_share[i], "peak_to_peak_w", r->line_w[i]));
    for (int i = 0; i < MUIR_POWER_RAMPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%g_s", muir_power_ramp_s(i));
        json_object_set_new(ramps, key, number(r->ramp_w_per_s[i]));
    }
    return json_pack("{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:"
                     "o},s:f,s:f,s:f,s:f,"
                     "s:f,s:f,s:f}",
                     "windows", (json_int_t)power->windows, "steps", (json_int_t)r->steps, "samples",
                     (json_int_t)r->samples, "time_s", r->time_s, "sample_hz", r->sample_hz, "mean_w",
                     r->mean_w, "min_w", r->min_w, "max_w", r->max_w, "rms_w", r->rms_w, "step_hz",
                     r->step_hz, "cycle_hz", r->cycle_hz, "cycle_share", r->cycle_share, "lines", lines,
                     "band_share", bands, "grid_share", number(r->grid_share), "grid_w", number(r->grid_w),
                     "ramp_w_per_s", ramps, "limits_met", "band_share", is_met(r->share), "band_w",
                     is_met(r->swing), "ramp", is_met(r->ramp), "range", is_met(r->range_verdict), "energy_j",
                     r->energy_j, "energy_difference", r->difference, "burnt_j", r->cost.burnt_j,
                     "deferred_j", r->cost.deferred_j, "lost_j", r->cost.lost_j, "traced_s", power->traced_s,
                     "spent_s", power->spent_s);
}

/* Of time lost since the start of the run, earlier launches included. */
static json_t *failures(const muir_summary *m)
{
    json_t *kinds = json_object();
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        json_object_set_new(kinds, muir_kind_name(k), json_real(m->kind_usd[k]));
    return json_pack("{s:o,s:o}", "usd_per_failure", number(m->usd_per_failure), "usd_by_kind", kinds);
}

static json_t *cost(const muir_scenario *s, const muir_summary *m)
{
    const double chip_hours = (double)muir_fleet_chips(&s->fleet) * m->fleet_time_s / 3600.0;
    const double rent = s->fleet.site.rent_usd_per_chip_hour;
    return json_pack(
        "{s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o,s:o,s:o}", "servers_usd", m->cost.servers_usd, "network_usd",
        m->cost.network_usd, "site_usd", m->cost.site_usd, "usd_per_step", m->usd_per_step, "usd_per_day",
        m->fleet_time_s > 0.0 ? 86400.0 * m->cost_usd / m->fleet_time_s : 0.0, "lost_usd", m->lost_usd,
        "usd_per_chip_hour", number(chip_hours > 0.0 ? m->cost_usd / chip_hours : NAN),
        "rent_usd_per_chip_hour", number(rent > 0.0 ? rent : NAN), "breakeven_use", number(m->breakeven_use),
        "failures", failures(m));
}

muir_status muir_report_json(muir_ctx *ctx, const muir_scenario *scenario, const muir_summary *m,
                             const char *path)
{
    json_t *root =
        json_pack("{s:{s:s,s:I},s:s,s:I,s:i,s:I,s:I,s:f,s:o,s:o,s:o,s:o,s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "muir",
                  "version", MUIR_VERSION, "seed", (json_int_t)scenario->run.seed, "scenario", scenario->name,
                  "chips", (json_int_t)muir_fleet_chips(&scenario->fleet), "ranks", m->ranks, "first_step",
                  (json_int_t)m->first_step, "steps", (json_int_t)m->steps, "wall_s", m->wall_s, "fleet",
                  fleet(scenario, m), "power", muir_power_json(&m->power), "cost", cost(scenario, m), "host",
                  host(m), "emulation", "steps_per_s", m->wall_s > 0.0 ? (double)m->steps / m->wall_s : 0.0,
                  "fleet_clock_s", m->fleet_clock_s, "host_s", m->host_s, "telemetry_s", m->telemetry_s,
                  "prepare_s", m->prepare_s, "bytes_per_chip", m->bytes_per_chip);
    if (root && scenario->run.calibrate == MUIR_CALIBRATE_HOST)
        json_object_set_new(root, "calibrated", json_pack("{s:f}", "step_sigma", m->step_sigma));
    if (!root) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the JSON summary");
    const bool is_stdout = strcmp(path, "-") == 0;
    const int failed =
        is_stdout ? json_dumpf(root, stdout, JSON_INDENT(2)) : json_dump_file(root, path, JSON_INDENT(2));
    if (is_stdout) putchar('\n');
    json_decref(root);
    return failed ? muir_fail(ctx, MUIR_ERR_FILE, "%s: the JSON summary cannot be written", path) : MUIR_OK;
}
