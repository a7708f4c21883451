/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary as JSON. */
#include <math.h>
#include <stdio.h>

#include "text/json.h"
#include "summary/report.h"
#include "run/calibrate.h"

/* The step's mean, between the ends of its 80 % interval. */
static void put_step_time(muir_json *object, const char *key, const muir_statistics *s,
                          const muir_interval *interval)
{
    muir_json j = muir_json_object(object, key);
    muir_json_real(&j, "mean", s->mean);
    muir_json_real(&j, "low", s->mean * interval->low);
    muir_json_real(&j, "high", s->mean * interval->high);
    muir_json_real(&j, "min", s->min);
    muir_json_real(&j, "max", s->max);
    muir_json_real(&j, "p50", s->p50);
    muir_json_real(&j, "p99", s->p99);
}

static void put_parts(muir_json *object, const muir_summary *m)
{
    muir_json j = muir_json_object(object, "parts_s");
    for (int i = 0; i < MUIR_PART_COUNT; i++) muir_json_real(&j, muir_part_name((muir_part)i), m->part_s[i]);
}

static void put_tuning(muir_json *object, const muir_tuning_facts *t)
{
    muir_json j = muir_json_object(object, "tuning");
    muir_json_text(&j, "table", t->is_off ? "off" : t->path[0] ? t->path : "auto");
    muir_json_count(&j, "measured", t->measured);
    muir_json_count(&j, "reused", t->reused);
    muir_json_count(&j, "others", t->others);
    muir_json_real(&j, "time_s", t->time_s);
}

static void put_collective(muir_json *list, const muir_summary_coll *c)
{
    muir_json j = muir_json_item(list);
    muir_json_text(&j, "op", c->op);
    muir_json_text(&j, "algorithm", c->algorithm);
    muir_json_text(&j, "axis", c->axis);
    muir_json_count(&j, "ranks", c->ranks);
    muir_json_count(&j, "pieces", c->pieces);
    muir_json_real(&j, "bytes", c->bytes);
    muir_json_text(&j, "dtype", "fp32");
    muir_json_real(&j, "calls", c->calls);
    muir_json_real(&j, "time_s", c->time_s);
    muir_json_real(&j, "best_s", c->best_s);
    muir_json_real(&j, "algbw_byte_per_s", c->algbw_byte_per_s);
    muir_json_real(&j, "busbw_byte_per_s", c->busbw_byte_per_s);
    muir_json_text(&j, "chosen", c->chosen);
    muir_json_maybe(&j, "median_s", c->median_s);
    muir_json_maybe(&j, "mpi_median_s", c->mpi_s);
}

static void put_scaled(muir_json *object, const char *key, const int64_t *ns, int n, const char *(*name)(int),
                       double scale)
{
    muir_json j = muir_json_object(object, key);
    for (int i = 0; i < n; i++) muir_json_real(&j, name(i), (double)ns[i] * scale);
}

/* All since the start of the run, earlier launches included. */
static void put_account(muir_json *object, const muir_scenario *s, const muir_summary *m)
{
    const muir_goodput *g = &m->account;
    const double chip_hours = (double)muir_job_chips(&s->job) / 3.6e12;
    muir_json j = muir_json_object(object, "account");
    muir_json_text(&j, "faults", s->run.faults);
    muir_json_text(&j, "scope", muir_scope_name(m->reaction.scope));
    muir_json_real(&j, "total_elapsed_time_s", 1e-9 * (double)g->total_ns);
    muir_json_real(&j, "ettr", m->goodput);
    muir_json_maybe(&j, "mtti_s", g->interruptions > 0 ? muir_goodput_mtti_s(g) : NAN);
    muir_json_count(&j, "interruptions", g->interruptions);
    put_scaled(&j, "time_s", g->class_ns, MUIR_CLASS_COUNT, muir_class_name, 1e-9);
    muir_json_count(&j, "planned", g->planned);
    muir_json_count(&j, "kept_steps", g->kept_steps);
    muir_json_count(&j, "lost_steps", g->lost_steps);
    muir_json_count(&j, "skipped_batches", g->skipped_batches);
    muir_json_count(&j, "rescues", g->rescues);
    muir_json_count(&j, "migrations", g->migrations);
    muir_json events = muir_json_object(&j, "events");
    for (int k = 0; k < MUIR_KIND_COUNT; k++) muir_json_count(&events, muir_kind_name(k), g->events[k]);
    put_scaled(&j, "lost_chip_hours", g->lost_ns, MUIR_KIND_COUNT, muir_kind_name, chip_hours);
}

static void put_range(muir_json *object, const char *key, double low, double high)
{
    muir_json j = muir_json_object(object, key);
    muir_json_maybe(&j, "low", low);
    muir_json_maybe(&j, "high", high);
}

/* 80 % intervals of what goes with the step time, and what the stack's figures rest on. */
static void put_interval(muir_json *object, const muir_scenario *s, const muir_summary *m)
{
    const double low = m->interval.low, high = m->interval.high;
    muir_json j = muir_json_object(object, "interval");
    muir_json_real(&j, "level", 0.8);
    muir_json_text(&j, "basis", m->basis);
    muir_json_text(&j, "stack", s->run.stack);
    put_range(&j, "step_time_s", m->step_time_s.mean * low, m->step_time_s.mean * high);
    put_range(&j, "mfu", m->mfu / high, m->mfu / low);
    put_range(&j, "tokens_per_s", m->tokens_per_s / high, m->tokens_per_s / low);
    put_range(&j, "usd_per_mtoken", m->usd_per_mtoken * low, m->usd_per_mtoken * high);
}

static void put_fleet(muir_json *object, const muir_scenario *s, const muir_summary *m)
{
    muir_json j = muir_json_object(object, "fleet");
    put_step_time(&j, "step_time_s", &m->step_time_s, &m->interval);
    muir_json_real(&j, "mfu", m->mfu);
    muir_json_real(&j, "hfu", m->hfu);
    muir_json_real(&j, "tokens_per_s", m->tokens_per_s);
    put_interval(&j, s, m);
    muir_json_real(&j, "goodput", m->goodput);
    muir_json power = muir_json_object(&j, "power_w");
    muir_json_real(&power, "mean", m->power_mean_w);
    muir_json_real(&power, "max", m->power_max_w);
    muir_json_real(&j, "energy_j", m->energy_j);
    muir_json chip = muir_json_object(&j, "chip_c");
    muir_json_real(&chip, "mean", m->chip_mean_c);
    muir_json_maybe(&chip, "hottest", m->chip_hottest_c);
    muir_json_real(&chip, "throttled", m->throttled);
    muir_json_real(&j, "cost_usd", m->cost_usd);
    muir_json_maybe(&j, "usd_per_mtoken", m->usd_per_mtoken);
    put_parts(&j, m);
    put_account(&j, s, m);
}

static void put_pace(muir_json *object, const muir_summary *m)
{
    const muir_host_facts *f = &m->facts;
    muir_json_maybe(object, "planned_step_s", f->planned_step_s > 0.0 ? f->planned_step_s : NAN);
    muir_json rhythm = muir_json_object(object, "rhythm");
    muir_json_maybe(&rhythm, "p50_s", m->rhythm_p50_s);
    muir_json_maybe(&rhythm, "p99_s", m->rhythm_p99_s);
    muir_json_maybe(&rhythm, "p50", m->rhythm_p50);
    muir_json_maybe(&rhythm, "p99", m->rhythm_p99);
    muir_json overlap = muir_json_object(object, "overlap");
    muir_json_maybe(&overlap, "achieved", m->overlap);
    muir_json_real(&overlap, "exposed_s", m->exposed_s);
    muir_json_real(&overlap, "exposed_off_s", f->exposed_off_s);
    muir_json_real(&overlap, "exposed_on_s", f->exposed_on_s);
    muir_json flips = muir_json_object(object, "flips");
    muir_json_count(&flips, "planted", m->tally.planted);
    muir_json_count(&flips, "caught", m->tally.caught);
    muir_json_real(object, "check_s", m->tally.check_s);
    muir_json_text(object, "binding", f->binding);
}

/* Real checkpoints; null where none were wanted. */
static void put_checkpoints(muir_json *object, const muir_summary *m)
{
    const muir_host_saves *c = &m->saves;
    const muir_snapshot_facts *f = &m->facts.snapshot;
    if (f->job_bytes == 0.0) {
        muir_json_null(object, "checkpoints");
        return;
    }
    muir_json j = muir_json_object(object, "checkpoints");
    muir_json_count(&j, "writes", c->writes);
    muir_json_real(&j, "write_bytes", c->write_bytes);
    muir_json_real(&j, "write_s", c->write_s);
    muir_json_count(&j, "reads", c->reads);
    muir_json_real(&j, "read_bytes", c->read_bytes);
    muir_json_real(&j, "read_s", c->read_s);
    muir_json_real(&j, "checksum_s", c->checksum_s);
    muir_json_count(&j, "wrong", c->wrong + m->saver.wrong);
    muir_json_real(&j, "job_bytes", f->job_bytes);
    muir_json_real(&j, "divisor", f->divisor);
    muir_json_count(&j, "overtaken", m->saver.overtaken);
    muir_json_count(&j, "gone", m->saver.gone);
    muir_json_count(&j, "verified", m->saver.verified);
    muir_json_count(&j, "renewed", m->saver.renewed);
    muir_json_text(&j, "damage", m->saver.damage[0] ? m->saver.damage : NULL);
}

static void put_shrink(muir_json *object, const muir_shrink *s)
{
    muir_json j = muir_json_object(object, "shrink");
    muir_json_real(&j, "factor", s->factor);
    muir_json_real(&j, "bytes", s->factor * s->factor);
    muir_json_real(&j, "layers", s->layers);
    muir_json_real(&j, "microbatches", s->microbatches);
}

/* null where the host clock did not run. */
static void put_host(muir_json *object, const muir_summary *m)
{
    const muir_host_facts *f = &m->facts;
    const muir_tally *t = &m->tally;
    if (m->host_steps == 0) {
        muir_json_null(object, "host");
        return;
    }
    muir_json j = muir_json_object(object, "host");
    muir_json_real(&j, "gemm_flop_per_s", m->gemm_flop_per_s);
    muir_json_real(&j, "fft_flop_per_s", t->fft_s > 0.0 ? t->fft_flop / t->fft_s : 0.0);
    muir_json_real(&j, "gemm_fraction_of_peak", m->gemm_fraction_of_peak);
    muir_json_real(&j, "peak_flop_per_s", f->peak_flop_per_s);
    muir_json_text(&j, "kernel", f->kernel);
    muir_json collectives = muir_json_list(&j, "collectives");
    for (int i = 0; i < m->n_colls; i++) put_collective(&collectives, &m->colls[i]);
    put_tuning(&j, &f->tuning);
    muir_json_real(&j, "step_s", m->host_step_mean_s);
    muir_json_real(&j, "empty_step_s", f->empty_step_s);
    muir_json_count(&j, "steps", m->host_steps);
    muir_json_count(&j, "checked", t->checked);
    muir_json_count(&j, "wrong", t->wrong);
    put_shrink(&j, &f->shrink);
    put_pace(&j, m);
    put_checkpoints(&j, m);
}

/* null: not measured, or no limit given. */
static void put_verdict(muir_json *object, const char *key, muir_verdict verdict)
{
    if (verdict < 0)
        muir_json_null(object, key);
    else
        muir_json_is(object, key, verdict == MUIR_VERDICT_MET);
}

/* Lines, bands, ramps, and whether limits are kept. */
static void put_swing(muir_json *object, const muir_power_report *r)
{
    muir_json lines = muir_json_list(object, "lines");
    for (int i = 0; i < MUIR_POWER_HARMONICS; i++) {
        muir_json line = muir_json_item(&lines);
        muir_json_real(&line, "hz", (i + 1) * r->step_hz);
        muir_json_real(&line, "share", r->line_share[i]);
        muir_json_real(&line, "peak_to_peak_w", r->line_w[i]);
    }
    muir_json bands = muir_json_object(object, "band_share");
#define BAND(name, from_hz, to_hz) muir_json_maybe(&bands, #name, r->band_share[MUIR_POWER_##name]);
    MUIR_POWER_BAND_LIST(BAND)
#undef BAND
    muir_json_maybe(object, "grid_share", r->grid_share);
    muir_json_maybe(object, "grid_w", r->grid_w);
    muir_json ramps = muir_json_object(object, "ramp_w_per_s");
    for (int i = 0; i < MUIR_POWER_RAMPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%g_s", muir_power_ramp_s(i));
        muir_json_maybe(&ramps, key, r->ramp_w_per_s[i]);
    }
    muir_json met = muir_json_object(object, "limits_met");
    put_verdict(&met, "band_share", r->share);
    put_verdict(&met, "band_w", r->swing);
    put_verdict(&met, "ramp", r->ramp);
    put_verdict(&met, "range", r->range_verdict);
}

void muir_power_json(muir_json *object, const muir_power_summary *power)
{
    const muir_power_report *r = &power->report;
    if (power->windows == 0) {
        muir_json_null(object, "power");
        return;
    }
    muir_json j = muir_json_object(object, "power");
    muir_json_count(&j, "windows", power->windows);
    muir_json_count(&j, "steps", r->steps);
    muir_json_count(&j, "samples", (int64_t)r->samples);
    muir_json_real(&j, "time_s", r->time_s);
    muir_json_real(&j, "sample_hz", r->sample_hz);
    muir_json_real(&j, "mean_w", r->mean_w);
    muir_json_real(&j, "min_w", r->min_w);
    muir_json_real(&j, "max_w", r->max_w);
    muir_json_real(&j, "rms_w", r->rms_w);
    muir_json_real(&j, "step_hz", r->step_hz);
    muir_json_real(&j, "cycle_hz", r->cycle_hz);
    muir_json_real(&j, "cycle_share", r->cycle_share);
    put_swing(&j, r);
    muir_json_real(&j, "energy_j", r->energy_j);
    muir_json_real(&j, "energy_difference", r->difference);
    muir_json_real(&j, "burnt_j", r->cost.burnt_j);
    muir_json_real(&j, "deferred_j", r->cost.deferred_j);
    muir_json_real(&j, "lost_j", r->cost.lost_j);
    muir_json_real(&j, "traced_s", power->traced_s);
    muir_json_real(&j, "spent_s", power->spent_s);
}

static void put_cost(muir_json *object, const muir_scenario *s, const muir_summary *m)
{
    const double chip_hours = (double)muir_fleet_chips(&s->fleet) * m->fleet_time_s / 3600.0;
    const double rent = s->fleet.site.rent_usd_per_chip_hour;
    muir_json j = muir_json_object(object, "cost");
    muir_json_real(&j, "servers_usd", m->cost.servers_usd);
    muir_json_real(&j, "network_usd", m->cost.network_usd);
    muir_json_real(&j, "site_usd", m->cost.site_usd);
    muir_json_real(&j, "usd_per_step", m->usd_per_step);
    muir_json_real(&j, "usd_per_day", m->fleet_time_s > 0.0 ? 86400.0 * m->cost_usd / m->fleet_time_s : 0.0);
    muir_json_real(&j, "lost_usd", m->lost_usd);
    muir_json_maybe(&j, "usd_per_chip_hour", chip_hours > 0.0 ? m->cost_usd / chip_hours : NAN);
    muir_json_maybe(&j, "rent_usd_per_chip_hour", rent > 0.0 ? rent : NAN);
    muir_json_maybe(&j, "breakeven_use", m->breakeven_use);
    /* of time lost since the start of the run, earlier launches included */
    muir_json failures = muir_json_object(&j, "failures");
    muir_json_maybe(&failures, "usd_per_failure", m->usd_per_failure);
    muir_json kinds = muir_json_object(&failures, "usd_by_kind");
    for (int k = 0; k < MUIR_KIND_COUNT; k++) muir_json_real(&kinds, muir_kind_name(k), m->kind_usd[k]);
}

static void put_emulation(muir_json *object, const muir_summary *m)
{
    muir_json j = muir_json_object(object, "emulation");
    muir_json_real(&j, "steps_per_s", m->wall_s > 0.0 ? (double)m->steps / m->wall_s : 0.0);
    muir_json_real(&j, "fleet_clock_s", m->fleet_clock_s);
    muir_json_real(&j, "host_s", m->host_s);
    muir_json_real(&j, "telemetry_s", m->telemetry_s);
    muir_json_real(&j, "telemetry_share", m->wall_s > 0.0 ? m->telemetry_s / m->wall_s : 0.0);
    muir_json_real(&j, "prepare_s", m->prepare_s);
    muir_json_real(&j, "bytes_per_chip", m->bytes_per_chip);
}

muir_status muir_report_json(muir_ctx *ctx, const muir_scenario *scenario, const muir_summary *m,
                             const char *path)
{
    muir_json_notes notes;
    muir_json j = muir_json_begin(&notes);
    muir_json muir = muir_json_object(&j, "muir");
    muir_json_text(&muir, "version", MUIR_VERSION);
    muir_json_count(&muir, "seed", scenario->run.seed);
    muir_json_text(&j, "scenario", scenario->name);
    muir_json_count(&j, "chips", muir_fleet_chips(&scenario->fleet));
    muir_json_count(&j, "ranks", m->ranks);
    muir_json_count(&j, "first_step", m->first_step);
    muir_json_count(&j, "steps", m->steps);
    muir_json_real(&j, "wall_s", m->wall_s);
    put_fleet(&j, scenario, m);
    muir_power_json(&j, &m->power);
    put_cost(&j, scenario, m);
    put_host(&j, m);
    put_emulation(&j, m);
    if (scenario->run.calibrate == MUIR_CALIBRATE_HOST) {
        muir_json calibrated = muir_json_object(&j, "calibrated");
        muir_json_real(&calibrated, "step_sigma", m->step_sigma);
    }
    return muir_json_end(ctx, &j, path);
}
