/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary for people. */
#include "summary/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "run/calibrate.h"

static void print_fleet(const muir_scenario *s, const muir_program *program, const muir_summary *m)
{
    const muir_parallel *p = &s->job.parallel;
    const muir_batch *b = &s->job.batch;
    int64_t least = 0, most = 0;
    char uneven[64] = "";
    muir_program_layers(program, &least, &most);
    if (least < most)
        snprintf(uneven, sizeof uneven, " of %lld to %lld layers", (long long)least, (long long)most);
    printf("fleet    %s: %s %s chips in %s servers, %s of them spare", s->run.fleet,
           muir_count_text(muir_fleet_chips(&s->fleet)).s, s->fleet.top.chip,
           muir_count_text(s->fleet.top.servers).s, muir_count_text(s->spare_chips).s);
    if (muir_fleet_sites(&s->fleet) > 1)
        printf("; %s sites, %s from each to the others", muir_count_text(muir_fleet_sites(&s->fleet)).s,
               muir_si(s->fleet.fabric.site_byte_per_s, "B/s").s);
    printf("\njob      %s%s (%s weights): tp %lld, cp %lld, ep %lld, pp %lld x %lld%s, dp %lld; schedule %s, "
           "%lld microbatches\n",
           s->run.model, s->job.model.hypothetical ? ", hypothetical" : "", muir_si(program->params, "").s,
           (long long)p->tp, (long long)p->cp, (long long)p->ep, (long long)p->pp, (long long)p->vpp, uneven,
           (long long)p->dp, p->schedule, (long long)s->job.microbatches);
    printf("batch    %s sequences of %s tokens; seed %lld; %s steps from %s on %d rank%s\n",
           muir_count_text(b->global_batch_size).s, muir_count_text(b->seq_len).s, (long long)s->run.seed,
           muir_count_text(m->steps).s, muir_count_text(m->first_step).s, m->ranks, m->ranks == 1 ? "" : "s");
}

static void print_memory(const muir_scenario *s, const muir_memory *memory)
{
    const muir_memory_fit fit = muir_memory_fit_of(memory, &s->fleet.chip);
    printf("memory   %s of %s on the fullest chip (stage %d, %s): %s\n", muir_bytes_text(memory->total).s,
           muir_bytes_text(fit.room).s, memory->stage, muir_memory_moment_help(memory->moment),
           muir_fit_verdict_name(fit.verdict));
}

/* What a figure rests on, where that is little: after the number. */
static const char *if_assumed(const muir_summary *m)
{
    return strcmp(m->basis, "assumed") == 0 ? ", assumed" : "";
}

static void print_step(const muir_scenario *s, const muir_summary *m)
{
    const muir_statistics *t = &m->step_time_s;
    printf("\nfleet clock (modelled)\n");
    printf("  step time   %s mean (%s to %s%s); %s min, %s p50, %s p99, %s max\n", muir_time_text(t->mean).s,
           muir_time_text(t->mean * m->interval.low).s, muir_time_text(t->mean * m->interval.high).s,
           if_assumed(m), muir_time_text(t->min).s, muir_time_text(t->p50).s, muir_time_text(t->p99).s,
           muir_time_text(t->max).s);
    printf("              in brackets 80 %% intervals: the figures of stack %s are %s\n", s->run.stack,
           m->basis);
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        if (fabs(m->part_s[i]) > 1e-9 * t->mean) /* below 0 where chips are faster than the mean */
            printf("    %-10s %9s  %5.1f %%  %s\n", muir_part_name((muir_part)i),
                   muir_time_text(m->part_s[i]).s, 100.0 * m->part_s[i] / t->mean,
                   muir_part_help((muir_part)i));
}

static void print_calibration(const muir_scenario *s, const muir_summary *m)
{
    if (s->run.calibrate == MUIR_CALIBRATE_HOST)
        printf("  calibrated  chips' speeds vary by %.3g %% from step to step, measured on this machine\n    "
               "          (%.3g %% in the fleet's file)\n",
               100.0 * m->step_sigma, 100.0 * s->fleet.variation.step_sigma);
}

static void print_rates(const muir_scenario *s, const muir_summary *m)
{
    const double chips = (double)muir_job_chips(&s->job);
    const double peak = muir_scenario_peak_flop_per_s(s);
    printf("  throughput  %s (%s to %s%s), %s per chip\n", muir_si(m->tokens_per_s, "token/s").s,
           muir_si(m->tokens_per_s / m->interval.high, "").s,
           muir_si(m->tokens_per_s / m->interval.low, "").s, if_assumed(m),
           muir_si(m->tokens_per_s / chips, "token/s").s);
    printf("  MFU         %.1f %% (%.0f to %.0f %%%s): %s of %s per chip; HFU %.1f %%\n", 100.0 * m->mfu,
           100.0 * m->mfu / m->interval.high, 100.0 * m->mfu / m->interval.low, if_assumed(m),
           muir_si(m->mfu * peak, "FLOP/s").s, muir_si(peak, "FLOP/s").s, 100.0 * m->hfu);
    printf("  power       %s mean at the meter; energy %s; chips %.0f C mean, %.0f C hottest",
           muir_si(m->power_mean_w, "W").s, muir_si(m->energy_j, "J").s, m->chip_mean_c, m->chip_hottest_c);
    if (m->throttled > 0.0) printf(", %.2g %% of them throttled", 100.0 * m->throttled);
    printf("\n");
}

static void print_cost(const muir_scenario *s, const muir_summary *m)
{
    const double chip_hours = (double)muir_fleet_chips(&s->fleet) * m->fleet_time_s / 3600.0;
    const double rent = s->fleet.site.rent_usd_per_chip_hour;
    printf("  cost        %s, %s per step; %.3g USD per million tokens (%.3g to %.3g%s); a chip-hour costs "
           "%.3g USD",
           muir_si(m->cost_usd, "USD").s, muir_si(m->usd_per_step, "USD").s, m->usd_per_mtoken,
           m->usd_per_mtoken * m->interval.low, m->usd_per_mtoken * m->interval.high, if_assumed(m),
           m->cost_usd / chip_hours);
    if (rent > 0.0) printf(" and rents for %.3g", rent);
    if (isfinite(m->breakeven_use)) printf(" (break-even at %.0f %% use)", 100.0 * m->breakeven_use);
    printf("; a lost day costs %s\n", muir_si(86400.0 * m->cost_usd / m->fleet_time_s, "USD").s);
    if (m->lost_usd > 0.0)
        printf("              of which %s for checkpoints and recoveries\n", muir_si(m->lost_usd, "USD").s);
    printf("  capital     servers %s, network %s, site %s\n", muir_si(m->cost.servers_usd, "USD").s,
           muir_si(m->cost.network_usd, "USD").s, muir_si(m->cost.site_usd, "USD").s);
}

static void print_events(const muir_summary *m)
{
    const muir_goodput *g = &m->account;
    printf("  events     ");
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        if (g->events[k] > 0) printf(" %s %s", muir_kind_name(k), muir_count_text(g->events[k]).s);
    if (g->unrecorded > 0) printf(" (%s of them not in /events)", muir_count_text(g->unrecorded).s);
    printf("\n");
}

/* Since the start of the run, earlier launches included. */
static void print_goodput(const muir_scenario *s, const muir_summary *m)
{
    const muir_goodput *g = &m->account;
    const double total_s = 1e-9 * (double)g->total_ns, chips = (double)muir_job_chips(&s->job);
    printf("\ngoodput      %.2f %% of %s fleet time (ETTR); faults %s\n", 100.0 * m->goodput,
           muir_time_text(total_s).s, s->run.faults);
    for (int c = MUIR_CLASS_productive + 1; c < MUIR_CLASS_COUNT; c++)
        if (g->class_ns[c] > 0)
            printf("  %-24s %9s  %5.2f %%  %s\n", muir_class_name(c),
                   muir_time_text(1e-9 * (double)g->class_ns[c]).s,
                   100.0 * (double)g->class_ns[c] / (double)g->total_ns, muir_class_help(c));
    if (!muir_faults_has_failures(&s->faults)) return;
    printf("  reaction    %s%s; %s unplanned interruptions, ", muir_scope_name(m->reaction.scope),
           m->reaction.is_chosen ? " (auto)" : "", muir_count_text(g->interruptions).s);
    if (g->interruptions > 0) printf("one every %s, ", muir_time_text(muir_goodput_mtti_s(g)).s);
    printf("expected: one every %s; %s planned\n", muir_time_text(m->reaction.mtti_s).s,
           muir_count_text(g->planned).s);
    printf("  progress    %s steps kept, %s lost; at the end %d servers out, %d replicas missing\n",
           muir_count_text(g->kept_steps).s, muir_count_text(g->lost_steps).s, m->servers_out,
           m->replicas_out);
    if (g->rescues + g->migrations + g->skipped_batches > 0)
        printf("  policy      %s chains of restarts ended by a person, %s servers left before they failed, "
               "%s batches skipped\n",
               muir_count_text(g->rescues).s, muir_count_text(g->migrations).s,
               muir_count_text(g->skipped_batches).s);
    print_events(m);
    printf("  lost chip-hours");
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        if (g->lost_ns[k] > 0)
            printf(" %s %s", muir_kind_name(k), muir_si((double)g->lost_ns[k] * chips / 3.6e12, "").s);
    printf("\n");
    if (g->interruptions == 0) return;
    printf("  a failure costs %s, without repairs; total by kind:", muir_si(m->usd_per_failure, "USD").s);
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        if (m->kind_usd[k] > 0.0) printf(" %s %s", muir_kind_name(k), muir_si(m->kind_usd[k], "USD").s);
    printf("\n");
}

enum { LEAST_BYTES = 1024 }; /* below, latency is all there is */

/* What a measured choice is worth: against what, and out of how many. */
static void print_choice(const muir_summary_coll *c)
{
    const bool is_mpi = strcmp(c->algorithm, "mpi") == 0;
    if (is_mpi && c->n_trials == 1)
        printf(", only mpi was tried");
    else if (is_mpi && c->n_trials > 1)
        printf(", the fastest of %d tried", c->n_trials);
    else if (isfinite(c->mpi_s / c->median_s))
        printf(", %.3g times as fast as mpi", c->mpi_s / c->median_s);
    if (c->n_untried > 0) printf("; no time to try %d other%s", c->n_untried, c->n_untried == 1 ? "" : "s");
}

static void print_colls(const muir_summary *m)
{
    for (int i = 0; i < m->n_colls; i++) {
        const muir_summary_coll *c = &m->colls[i];
        printf("  %-14s %s over %s, %d ranks, %s: %s per call", c->op, c->algorithm, c->axis, c->ranks,
               muir_bytes_text(c->bytes).s, muir_time_text(c->time_s).s);
        printf(" with waiting, fastest %s", muir_time_text(c->best_s).s);
        if (c->pieces > 0)
            printf(" (sum of %d pieces between products)", c->pieces);
        else if (c->bytes >= LEAST_BYTES)
            printf(", busbw %s", muir_si(c->busbw_byte_per_s, "B/s").s);
        printf("; %s", c->chosen);
        print_choice(c);
        printf("\n");
    }
}

/* Which table was used, and what came of it. */
static void print_tuning(const muir_summary *m)
{
    const muir_tuning_facts *t = &m->facts.tuning;
    if (m->n_colls == 0) return;
    if (t->is_off) {
        printf("  tuning      off: the MPI library's own algorithms\n");
        return;
    }
    printf("  tuning      %d choice%s measured", t->measured, t->measured == 1 ? "" : "s");
    if (t->measured > 0) printf(" in %s", muir_time_text(t->time_s).s);
    if (t->path[0])
        printf(", %d taken from %s%s", t->reused, t->path,
               t->measured > 0 ? ", which now has the others too" : "");
    printf("\n");
    if (t->others > 0)
        printf("              %d row%s of the table not used, measured elsewhere: %s\n", t->others,
               t->others == 1 ? "" : "s", t->others_are);
}

/* The step against its budget, or against its timetable. */
static void print_pace(const muir_scenario *s, const muir_summary *m)
{
    if (m->facts.planned_step_s == 0.0) {
        printf("  step        %s (budget %s)\n", muir_time_text(m->host_step_mean_s).s,
               muir_time_text(s->host.budget).s);
    } else {
        printf("  step        %s, planned %s (%s)\n", muir_time_text(m->host_step_mean_s).s,
               muir_time_text(m->facts.planned_step_s).s, s->host.pace);
        printf("  rhythm      ops end %s (p50) and %s (p99) off the timetable, %.3g %% and %.3g %% of their "
               "own "
               "time\n",
               muir_time_text(m->rhythm_p50_s).s, muir_time_text(m->rhythm_p99_s).s, 100.0 * m->rhythm_p50,
               100.0 * m->rhythm_p99);
    }
    printf("  empty step  %s of muir's own time: %.2g %% of a step, %.2g %% of one of 10 ms\n",
           muir_time_text(m->facts.empty_step_s).s, 100.0 * m->facts.empty_step_s / m->host_step_mean_s,
           100.0 * m->facts.empty_step_s / 0.01);
}

static void print_overlap(const muir_scenario *s, const muir_summary *m)
{
    const muir_host_facts *f = &m->facts;
    if (m->exposed_s > 0.0)
        printf("  exposed     %s per step and rank, of collectives that the job hides\n",
               muir_time_text(m->exposed_s).s);
    if (s->host.overlap && f->exposed_off_s > 0.0)
        printf("  overlap     %.0f %%: %s exposed, %s when they block (measured before the run, slowest "
               "rank);\n              MPI progressed by %s\n",
               100.0 * m->overlap, muir_time_text(f->exposed_on_s).s, muir_time_text(f->exposed_off_s).s,
               muir_host_progress_text(true));
}

static void print_checks(const muir_scenario *s, const muir_summary *m)
{
    const muir_tally *t = &m->tally;
    const double all_s = m->host_step_mean_s * (double)m->host_steps * m->host_ranks;
    char which[60] = "every result";
    if (s->host.check_every > 1)
        snprintf(which, sizeof which, "one result in %s", muir_count_text(s->host.check_every).s);
    if (s->host.check)
        printf("  checks      %s checked, %s in all, %s wrong; checks took %.2g %% of the time\n", which,
               muir_count_text(t->checked).s, muir_count_text(t->wrong).s, 100.0 * t->check_s / all_s);
    else
        printf("  checks      off\n");
    if (s->host.flips > 0.0)
        printf("  bit flips   %s planted, %s caught, %s missed; each with step, rank and op in /host_flips\n",
               muir_count_text(t->planted).s, muir_count_text(t->caught).s,
               muir_count_text(t->planted - t->caught).s);
}

static void print_restarts(const muir_summary *m)
{
    const muir_host_saves *c = &m->saves;
    if (c->reads > 0)
        printf("  restarts    %s read %s in %s, %s; every byte verified, %s wrong\n",
               muir_count_text(c->reads).s, muir_bytes_text(c->read_bytes).s, muir_time_text(c->read_s).s,
               muir_si(c->read_bytes / c->read_s, "B/s").s, muir_count_text(c->wrong).s);
    if (m->saver.gone > 0)
        printf("              %s went back to states older than the %d files that are kept\n",
               muir_count_text(m->saver.gone).s, (int)MUIR_SAVER_FILES);
    if (m->saver.verified + m->saver.renewed > 0)
        printf("  resumed     %s checkpoint%s of the previous launch verified, %s rewritten, %s damaged\n",
               muir_count_text(m->saver.verified).s, m->saver.verified == 1 ? "" : "s",
               muir_count_text(m->saver.renewed).s, muir_count_text(m->saver.wrong).s);
    if (m->saver.damage[0]) printf("  damage      %s\n", m->saver.damage);
}

/* Real ones; the others are modelled. */
static void print_checkpoints(const muir_summary *m)
{
    const muir_host_saves *c = &m->saves;
    const muir_snapshot_facts *f = &m->facts.snapshot;
    if (m->has_no_mpi_io) printf("  checkpoints modelled only: HDF5 was built without MPI\n");
    if (f->job_bytes == 0.0) return;
    printf("  checkpoints %s written to storage, %s each (the job's %s / %.3g)", muir_count_text(c->writes).s,
           muir_bytes_text(f->job_bytes / f->divisor).s, muir_bytes_text(f->job_bytes).s, f->divisor);
    if (c->writes > 0)
        printf(" in %s, at %s until they are on disk", muir_time_text(c->write_s / (double)c->writes).s,
               muir_si(c->write_bytes / c->write_s, "B/s").s);
    if (m->saver.overtaken > 0) printf("; %s overtaken by newer ones", muir_count_text(m->saver.overtaken).s);
    printf("\n");
    print_restarts(m);
}

static void print_host(const muir_scenario *s, const muir_summary *m)
{
    const double n = (double)m->host_steps;
    const muir_tally *t = &m->tally;
    if (m->host_steps == 0) {
        printf("\nhost clock   off\n");
        return;
    }
    printf("\nhost clock (executed on %d rank%s, %s steps)\n", m->host_ranks, m->host_ranks == 1 ? "" : "s",
           muir_count_text(m->host_steps).s);
    printf("  shrink      dimensions / %g, bytes / %g, layers / %.3g, microbatches / %.3g\n",
           m->facts.shrink.factor, m->facts.shrink.factor * m->facts.shrink.factor, m->facts.shrink.layers,
           m->facts.shrink.microbatches);
    printf("  rank 0      %s\n", m->facts.binding);
    print_pace(s, m);
    printf("  products    %s per rank, %.0f %% of the measured peak %s;\n              by %s\n",
           muir_si(m->gemm_flop_per_s, "FLOP/s").s, 100.0 * m->gemm_fraction_of_peak,
           muir_si(m->facts.peak_flop_per_s, "FLOP/s").s, m->facts.kernel);
    if (t->fft_s > 0.0)
        printf("  transforms  %s per rank (5 n log2 n each)\n", muir_si(t->fft_flop / t->fft_s, "FLOP/s").s);
    if (t->p2p_bytes > 0.0)
        printf(
            "  send_recv      pipeline: %s per step in total; waiting for messages: %s per step and rank\n",
            muir_bytes_text(t->p2p_bytes / n).s, muir_time_text(t->p2p_s / n / m->host_ranks).s);
    print_colls(m);
    print_tuning(m);
    print_overlap(s, m);
    print_checkpoints(m);
    print_checks(s, m);
}

static void print_file(const muir_summary *m, const char *path)
{
    printf("telemetry    %s, %s", path, muir_bytes_text((double)m->file.bytes).s);
    if (m->file.bytes < m->file.plain_bytes)
        printf(" (packed from %s)", muir_bytes_text((double)m->file.plain_bytes).s);
    else if (m->file.unpacked[0])
        printf(" (not packed: that failed)");
    printf(": read by h5py, xarray, netCDF and h5dump, drawn by scripts/plot_run.py\n");
}

void muir_report_print(const muir_scenario *scenario, const muir_program *program, const muir_memory *memory,
                       const muir_summary *m, const char *path)
{
    printf("muir %s: %s\n", MUIR_VERSION, scenario->name);
    print_fleet(scenario, program, m);
    print_memory(scenario, memory);
    if (m->steps == 0) {
        printf("\nnothing left to do: the file holds all steps\n");
        return;
    }
    print_step(scenario, m);
    print_calibration(scenario, m);
    print_rates(scenario, m);
    print_cost(scenario, m);
    if (m->power.windows > 0) muir_report_power(scenario, &m->power);
    print_goodput(scenario, m);
    print_host(scenario, m);
    printf("\nmuir itself  %.4g steps per second: fleet clock %s, host clock %s, telemetry %s (%.2g %%) of "
           "%s, after "
           "a start of %s; %.1f bytes per chip\n",
           (double)m->steps / m->wall_s, muir_time_text(m->fleet_clock_s).s, muir_time_text(m->host_s).s,
           muir_time_text(m->telemetry_s).s, m->wall_s > 0.0 ? 100.0 * m->telemetry_s / m->wall_s : 0.0,
           muir_time_text(m->wall_s).s, muir_time_text(m->prepare_s).s, m->bytes_per_chip);
    if (path) print_file(m, path);
}
