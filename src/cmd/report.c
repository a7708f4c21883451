/* SPDX-License-Identifier: BSD-3-Clause */
/* The closing summary for people. */
#include "cmd/report.h"

#include <stdio.h>

#include "base/units.h"
#include "models/memory.h"

static void print_fleet(const muir_scenario *s, const muir_program *program, const muir_summary *m)
{
    const muir_parallel *p = &s->job.parallel;
    const muir_batch *b = &s->job.batch;
    printf("fleet    %s: %s chips %s in %s servers, %s of them spare\n", s->run.fleet,
           muir_count_text(muir_fleet_chips(&s->fleet)).s, s->fleet.top.chip,
           muir_count_text(s->fleet.top.servers).s, muir_count_text(s->spare_chips).s);
    printf("job      %s%s (%s weights): tp %lld, cp %lld, ep %lld, pp %lld x %lld, dp %lld; schedule %s, "
           "%lld microbatches\n",
           s->run.model, s->job.model.hypothetical ? ", hypothetical" : "", muir_si(program->params, "").s,
           (long long)p->tp, (long long)p->cp, (long long)p->ep, (long long)p->pp, (long long)p->vpp,
           (long long)p->dp, p->schedule, (long long)s->job.microbatches);
    printf("batch    %s sequences of %s tokens; seed %lld; %s steps from %s on %d rank%s\n",
           muir_count_text(b->global_batch_size).s, muir_count_text(b->seq_len).s, (long long)s->run.seed,
           muir_count_text(m->steps).s, muir_count_text(m->first_step).s, m->ranks, m->ranks == 1 ? "" : "s");
}

static void print_memory(const muir_scenario *s, const muir_program *program)
{
    const muir_parallel *p = &s->job.parallel;
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s->job.microbatches};
    const muir_memory m = muir_memory_of(&s->job, program, muir_schedule_find(p->schedule)->in_flight(shape));
    const double total = muir_memory_total(&m), room = s->fleet.chip.hbm_bytes;
    printf("memory   %s of %s on the fullest chip%s\n", muir_bytes_text(total).s, muir_bytes_text(room).s,
           total <= room ? "" : ": does NOT fit by this estimate");
}

static void print_step(const muir_summary *m)
{
    const muir_statistics *t = &m->step_time_s;
    printf("\nfleet clock (modelled)\n");
    printf("  step time   %s mean; %s min, %s p50, %s p99, %s max\n", muir_time_text(t->mean).s,
           muir_time_text(t->min).s, muir_time_text(t->p50).s, muir_time_text(t->p99).s,
           muir_time_text(t->max).s);
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        if (m->part_s[i] > 0.0)
            printf("    %-10s %9s  %5.1f %%  %s\n", muir_part_name((muir_part)i),
                   muir_time_text(m->part_s[i]).s, 100.0 * m->part_s[i] / t->mean,
                   muir_part_help((muir_part)i));
}

static void print_rates(const muir_scenario *s, const muir_summary *m)
{
    const double chips = (double)muir_job_chips(&s->job);
    const double peak =
        muir_chip_peak_flop_per_s(&s->fleet.chip, s->job.batch.precision == MUIR_PRECISION_FP8);
    printf("  throughput  %s, %s a chip\n", muir_si(m->tokens_per_s, "token/s").s,
           muir_si(m->tokens_per_s / chips, "token/s").s);
    printf("  MFU         %.1f %% (%s a chip of %s), HFU %.1f %%\n", 100.0 * m->mfu,
           muir_si(m->mfu * peak, "FLOP/s").s, muir_si(peak, "FLOP/s").s, 100.0 * m->hfu);
    printf("  power       %s mean at the meter; energy %s\n", muir_si(m->power_mean_w, "W").s,
           muir_si(m->energy_j, "J").s);
    printf("  cost        %s; %.3g USD per million tokens\n", muir_si(m->cost_usd, "USD").s,
           m->usd_per_mtoken);
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
    if (s->faults.top.rate <= 0.0) return;
    printf("  reaction    %s%s; %s unplanned interruptions, one each %s (expected %s), %s planned\n",
           muir_scope_name(m->reaction.scope), m->reaction.is_chosen ? " (auto)" : "",
           muir_count_text(g->interruptions).s, muir_time_text(muir_goodput_mtti_s(g)).s,
           muir_time_text(m->reaction.mtti_s).s, muir_count_text(g->planned).s);
    printf("  progress    %s steps kept, %s lost; at the end %d servers out, %d replicas missing\n",
           muir_count_text(g->kept_steps).s, muir_count_text(g->lost_steps).s, m->servers_out,
           m->replicas_out);
    print_events(m);
    printf("  lost chip-hours");
    for (int k = 0; k < MUIR_KIND_COUNT; k++)
        if (g->lost_ns[k] > 0)
            printf(" %s %s", muir_kind_name(k), muir_si((double)g->lost_ns[k] * chips / 3.6e12, "").s);
    printf("\n");
}

enum { LEAST_BYTES = 1024 }; /* below, latency is all there is */

static void print_colls(const muir_summary *m)
{
    for (int i = 0; i < m->n_colls; i++) {
        const muir_summary_coll *c = &m->colls[i];
        printf("  %-14s %s over %s, %d ranks, %s: %s a call", c->op, c->algorithm, c->axis, c->ranks,
               muir_bytes_text(c->bytes).s, muir_time_text(c->time_s).s);
        printf(" with waiting, fastest %s", muir_time_text(c->best_s).s);
        if (c->bytes >= LEAST_BYTES) printf(", busbw %s", muir_si(c->busbw_byte_per_s, "B/s").s);
        printf("\n");
    }
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
    printf("  step        %s (budget %s); an empty one %s\n", muir_time_text(m->host_step_mean_s).s,
           muir_time_text(s->host.budget).s, muir_time_text(m->facts.empty_step_s).s);
    printf("  products    %s a rank, %.0f %% of the measured peak %s, by %s\n",
           muir_si(m->gemm_flop_per_s, "FLOP/s").s, 100.0 * m->gemm_fraction_of_peak,
           muir_si(m->facts.peak_flop_per_s, "FLOP/s").s, m->facts.kernel);
    if (t->p2p_bytes > 0.0)
        printf("  send_recv      pipeline: %s a step in all, %s waited for messages a step and rank\n",
               muir_bytes_text(t->p2p_bytes / n).s, muir_time_text(t->p2p_s / n / m->host_ranks).s);
    print_colls(m);
    printf("  checks      %s results, %s wrong\n", muir_count_text(m->tally.checked).s,
           muir_count_text(m->tally.wrong).s);
}

void muir_report_print(const muir_scenario *scenario, const muir_program *program, const muir_summary *m,
                       const char *path)
{
    printf("muir %s: %s\n", MUIR_VERSION, scenario->name);
    print_fleet(scenario, program, m);
    print_memory(scenario, program);
    if (m->steps == 0) {
        printf("\nnothing left to do: the file holds all steps\n");
        return;
    }
    print_step(m);
    print_rates(scenario, m);
    print_goodput(scenario, m);
    print_host(scenario, m);
    printf(
        "\nmuir itself  %.4g steps a second: fleet clock %s, host clock %s, telemetry %s of %s; %.1f bytes "
        "a chip\n",
        (double)m->steps / m->wall_s, muir_time_text(m->fleet_clock_s).s, muir_time_text(m->host_s).s,
        muir_time_text(m->telemetry_s).s, muir_time_text(m->wall_s).s, m->bytes_per_chip);
    if (path) printf("telemetry    %s (h5py, xarray, h5dump; scripts/plot_run.py draws it)\n", path);
}
