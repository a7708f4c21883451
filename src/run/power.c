/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of power traces: when they start and end, and what is written of them. */
#include "run/power.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "power/power_trace.h"
#include "kernels/spectrum.h"

/* Twice what the step's line needs, so that its second harmonic is seen too and nothing folds onto it. */
static const double SAMPLES_PER_STEP = 4.0;

struct muir_power_log {
    const muir_scenario *scenario; /* borrowed */
    muir_fleet_clock *clock;       /* borrowed */
    muir_record *record;           /* borrowed; NULL: nothing is written */
    muir_power_trace *trace;       /* samples are laid on rank 0 alone */
    double *load_w, *meter_w;      /* [room] */
    double *psd;                   /* [muir_describe_frequencies] */
    bool is_open;
    double training_s;     /* of the window's steps that were kept, without pauses */
    int64_t trained;       /* steps that were kept */
    int64_t evaluations;   /* in the window */
    double time_s, room_s; /* laid so far; length of a window */
    muir_power_summary summary;
};

static muir_status make_arrays(muir_ctx *ctx, muir_power_log *log)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(muir_power_trace_create(ctx, muir_fleet_clock_power(log->clock), &log->trace));
    MUIR_TRY(muir_alloc(ctx, log->trace->room, sizeof(double), "the power trace", &log->load_w));
    MUIR_TRY(muir_alloc(ctx, log->trace->room, sizeof(double), "the power trace", &log->meter_w));
    MUIR_TRY(muir_alloc(ctx, muir_record_frequencies(log->scenario), sizeof(double), "the power trace",
                        &log->psd));
    log->room_s = (double)log->trace->room / log->trace->hz;
done:
    return st;
}

muir_status muir_power_log_create(muir_ctx *ctx, const muir_scenario *scenario, muir_fleet_clock *clock,
                                  muir_record *record, muir_power_log **out)
{
    muir_status st = MUIR_OK;
    muir_power_log *log = NULL;
    if (scenario->power.window_s <= 0.0) {
        *out = NULL;
        return MUIR_OK;
    }
    st = muir_alloc(ctx, 1, sizeof *log, "the power trace", &log);
    if (st == MUIR_OK) {
        log->scenario = scenario;
        log->clock = clock;
        log->record = record;
        st = make_arrays(ctx, log);
    }
    MUIR_TRY(muir_agree(ctx, st));
    *out = log;
    log = NULL;
done:
    muir_power_log_destroy(&log);
    return st;
}

void muir_power_log_destroy(muir_power_log **log)
{
    muir_power_log *l = *log;
    if (!l) return;
    muir_power_trace_destroy(&l->trace);
    free(l->load_w);
    free(l->meter_w);
    free(l->psd);
    free(l);
    *log = NULL;
}

static bool is_start(const muir_power_options *o, int64_t step)
{
    return o->every > 0 ? step >= o->start && (step - o->start) % o->every == 0 : step == o->start;
}

bool muir_power_log_wants(const muir_power_log *log, int64_t step)
{
    return log && (log->is_open || is_start(&log->scenario->power, step));
}

muir_status muir_power_log_resume(muir_ctx *ctx, muir_power_log *log, int64_t *step)
{
    muir_status st = MUIR_OK;
    const muir_power_options *o = &log->scenario->power;
    int64_t window = 0, sample = 0;
    const bool has_rows = muir_record_last(log->record, MUIR_TABLE_POWER_WINDOW, &window) &&
                          muir_record_last(log->record, MUIR_TABLE_POWER, &sample);
    const int64_t room = (int64_t)log->trace->room;
    int64_t again = has_rows ? window : 0;
    if (has_rows && sample / room < again) again = sample / room;
    MUIR_TRY(muir_record_cut(ctx, log->record, MUIR_TABLE_POWER, again * room));
    MUIR_TRY(muir_record_cut(ctx, log->record, MUIR_TABLE_POWER_WINDOW, again));
    *step = o->start + again * o->every;
done:
    return st;
}

/* What the meter saw before the window: the idle fleet before step 0 with a lead, else the job's mean. */
static double start_of(const muir_power_log *log, size_t n)
{
    double sum = 0.0;
    if (log->summary.report.first_step == 0 && log->scenario->power.lead_s > 0.0) return log->meter_w[0];
    for (size_t k = 0; k < n; k++) sum += log->meter_w[k];
    return n > 0 ? sum / (double)n : 0.0;
}

/* The samples of a window as the meter sees them, and their figures; on rank 0. */
static muir_status analyse(muir_ctx *ctx, muir_power_log *log, size_t n)
{
    muir_status st = MUIR_OK;
    const muir_scenario *s = log->scenario;
    muir_power_report *r = &log->summary.report;
    const double dt_s = 1.0 / s->power.sample_hz;
    r->samples = n;
    r->sample_hz = s->power.sample_hz;
    r->time_s = (double)n * dt_s;
    r->step_hz = log->training_s > 0.0 ? (double)log->trained / log->training_s : 0.0;
    r->cycle_hz = log->evaluations > 0
                      ? r->step_hz / ((double)s->evaluation.every + s->evaluation.time_s * r->step_hz)
                      : 0.0;
    r->difference = muir_power_trace_difference(log->trace);
    r->cost = (muir_smooth_cost){0.0, 0.0, 0.0, 0.0};
    muir_power_trace_read(log->trace, log->load_w);
    muir_smooth_lag(s, log->load_w, n);
    memcpy(log->meter_w, log->load_w, n * sizeof *log->load_w);
    muir_smooth_ramp(s, log->meter_w, n, &r->cost);
    muir_smooth_storage(s, start_of(log, n), log->meter_w, n, &r->cost);
    MUIR_TRY(muir_power_analyse(ctx, &s->power, log->meter_w, n, r));
    r->energy_j = r->mean_w * r->time_s;
    const size_t segment = 2 * (muir_record_frequencies(s) - 1);
    for (size_t k = 0; k < muir_record_frequencies(s); k++) log->psd[k] = NAN;
    if (n >= segment) MUIR_TRY(muir_welch(ctx, log->meter_w, n, s->power.sample_hz, segment, log->psd));
done:
    return st;
}

static muir_status write_samples(muir_ctx *ctx, muir_power_log *log, size_t n)
{
    muir_status st = MUIR_OK;
    const int64_t window = log->summary.report.window, first = window * (int64_t)log->trace->room;
    for (size_t i = 0; i < n; i++) {
        const muir_power_sample_row row = {window, ((double)i + 0.5) / log->trace->hz, log->load_w[i],
                                           log->meter_w[i]};
        MUIR_TRY(muir_record_put_row(ctx, log->record, MUIR_TABLE_POWER, &row, first + (int64_t)i));
    }
done:
    return st;
}

static muir_status write_report(muir_ctx *ctx, muir_power_log *log)
{
    const muir_power_report *r = &log->summary.report;
    const muir_power_window_row row = {.report = *r,
                                       .share_is_met = r->share,
                                       .ramp_is_met = r->ramp,
                                       .range_is_met = r->range_verdict,
                                       .swing_is_met = r->swing,
                                       .psd = log->psd};
    return muir_record_put_row(ctx, log->record, MUIR_TABLE_POWER_WINDOW, &row, r->window);
}

static muir_status close_window(muir_ctx *ctx, muir_power_log *log)
{
    muir_status st = MUIR_OK;
    if (!log->is_open) return MUIR_OK;
    const double start_s = muir_now_s();
    const size_t n = muir_power_trace_samples(log->trace);
    log->is_open = false;
    muir_fleet_clock_want_bins(log->clock, false);
    if (muir_is_root(ctx)) st = analyse(ctx, log, n);
    MUIR_TRY(muir_agree(ctx, st));
    log->summary.windows++;
    log->summary.traced_s += (double)n / log->trace->hz;
    log->summary.spent_s += muir_now_s() - start_s;
    if (log->record) MUIR_TRY(write_samples(ctx, log, n));
    if (log->record) MUIR_TRY(write_report(ctx, log));
done:
    return st;
}

muir_status muir_power_log_before(muir_ctx *ctx, muir_power_log *log, int64_t step)
{
    muir_status st = MUIR_OK;
    if (!log || !is_start(&log->scenario->power, step)) return MUIR_OK;
    const muir_power_options *o = &log->scenario->power;
    MUIR_TRY(close_window(ctx, log));
    log->summary.report =
        (muir_power_report){.first_step = step, .window = o->every > 0 ? (step - o->start) / o->every : 0};
    log->is_open = true;
    log->training_s = 0.0;
    log->trained = 0;
    log->evaluations = 0;
    muir_power_trace_start(log->trace, step == 0 ? o->lead_s : 0.0);
    muir_fleet_clock_want_bins(log->clock, true);
done:
    return st;
}

muir_status muir_power_log_after(muir_ctx *ctx, muir_power_log *log, const muir_fleet_row *row)
{
    if (!log || !log->is_open) return MUIR_OK;
    const muir_power_step step = muir_fleet_row_power(log->clock, row);
    const double start_s = muir_now_s();
    if (muir_is_root(ctx))
        muir_power_trace_add(log->trace, &step, muir_fleet_clock_bins(log->clock));
    else
        log->trace->time_s += muir_power_step_s(muir_fleet_clock_power(log->clock), &step);
    log->summary.report.steps++;
    log->summary.spent_s += muir_now_s() - start_s;
    if (row->replicas > 0) {
        log->training_s += row->step_s - step.checkpoint_s - step.evaluation_s - step.recovery_s;
        log->trained++;
    }
    log->evaluations += step.evaluation_s > 0.0;
    return log->trace->time_s >= log->room_s ? close_window(ctx, log) : MUIR_OK;
}

muir_status muir_power_log_finish(muir_ctx *ctx, muir_power_log *log)
{
    return log ? close_window(ctx, log) : MUIR_OK;
}

muir_power_summary muir_power_log_summary(const muir_power_log *log)
{
    const muir_power_summary none = {.windows = 0};
    return log ? log->summary : none;
}

muir_status muir_power_settle_sampling(muir_ctx *ctx, muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    muir_power_options *o = &scenario->power;
    double step_s = 0.0;
    if (o->window_s <= 0.0) return MUIR_OK;
    MUIR_TRY(muir_ideal_step_time(ctx, scenario, &step_s));
    if (o->sample_hz * step_s < SAMPLES_PER_STEP) o->sample_hz = ceil(SAMPLES_PER_STEP / step_s);
    MUIR_TRY(muir_scenario_check_sampling(ctx, o));
done:
    return st;
}

muir_status muir_power_study(muir_ctx *ctx, const muir_scenario *scenario, muir_power_summary *summary)
{
    muir_status st = MUIR_OK;
    muir_fleet_clock *clock = NULL;
    muir_power_log *log = NULL;
    muir_fleet_row row;
    muir_rank_row rank;
    muir_scenario sampled = *scenario;
    if (scenario->power.window_s <= 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG, "power.window_s=0 asks for no power trace");
    MUIR_TRY(muir_power_settle_sampling(ctx, &sampled));
    MUIR_TRY(muir_fleet_clock_create(ctx, &sampled, &clock));
    MUIR_TRY(muir_power_log_create(ctx, &sampled, clock, NULL, &log));
    for (int64_t step = scenario->power.start; log->summary.windows == 0; step++) {
        MUIR_TRY(muir_power_log_before(ctx, log, step));
        MUIR_TRY(muir_fleet_clock_step(ctx, clock, step, 0, &row, &rank, NULL));
        MUIR_TRY(muir_power_log_after(ctx, log, &row));
    }
    *summary = log->summary;
done:
    muir_power_log_destroy(&log);
    muir_fleet_clock_destroy(&clock);
    return st;
}
