/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics over steps and sums over ranks. */
#include "run/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/statistics.h"

enum { MOST_KEPT = 1 << 20 }; /* step times kept for percentiles: 8 MiB */

muir_status muir_collector_create(muir_ctx *ctx, int64_t steps, const muir_fleet_clock *clock,
                                  muir_collector **out)
{
    muir_status st = MUIR_OK;
    muir_collector *c = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *c, "the summary", &c));
    c->stride = steps / MOST_KEPT + 1;
    c->room = (size_t)(steps / c->stride + 1);
    c->min_s = INFINITY;
    c->hottest_c = -INFINITY;
    c->clock = clock;
    MUIR_TRY(muir_alloc(ctx, c->room, sizeof *c->step_s, "the summary", &c->step_s));
    *out = c;
    c = NULL;
done:
    muir_collector_destroy(&c);
    return st;
}

void muir_collector_destroy(muir_collector **collector)
{
    if (!*collector) return;
    free((*collector)->step_s);
    free(*collector);
    *collector = NULL;
}

/* What was trained, less the steps that were lost: at the rate of the last step that was kept. */
static void add_work(muir_collector *c, const muir_fleet_row *row)
{
    const double lost = (double)row->lost_steps;
    if (row->replicas > 0) {
        c->step_tokens = row->tokens_per_s * row->step_s;
        c->most_tokens = fmax(c->most_tokens, c->step_tokens);
        c->attempt_s += row->attempt_s;
        c->attempts += 1.0;
        c->step_mfu_s = row->mfu * row->step_s;
        c->step_hfu_s = row->hfu * row->step_s;
    }
    const double kept = (row->replicas > 0 ? 1.0 : 0.0) - lost;
    c->tokens += kept * c->step_tokens;
    c->mfu_s += kept * c->step_mfu_s;
    c->hfu_s += kept * c->step_hfu_s;
}

void muir_collector_add_fleet(muir_collector *c, const muir_fleet_row *row)
{
    if (c->seen % c->stride == 0 && c->n < c->room) c->step_s[c->n++] = row->step_s;
    c->seen++;
    c->sum_s += row->step_s;
    c->min_s = fmin(c->min_s, row->step_s);
    c->max_s = fmax(c->max_s, row->step_s);
    for (int i = 0; i < MUIR_PART_COUNT; i++) c->part_s[i] += row->part_s[i];
    add_work(c, row);
    c->power_max_w = fmax(c->power_max_w, row->power_w);
    c->energy_j += row->energy_j;
    c->cost_usd += row->cost_usd;
    c->degree_s += row->mean_c * row->step_s;
    c->throttled_s += row->throttled * row->step_s;
    c->hottest_c = fmax(c->hottest_c, row->hottest_c);
}

static void add_tally(muir_tally *sum, const muir_tally *t)
{
#define ADD(name) sum->name += t->name;
    MUIR_TALLY_LIST(ADD, ADD)
#undef ADD
}

static void add_saves(muir_host_saves *sum, const muir_host_saves *s)
{
    sum->write_s += s->write_s, sum->write_bytes += s->write_bytes;
    sum->read_s += s->read_s, sum->read_bytes += s->read_bytes;
    sum->checksum_s += s->checksum_s;
    sum->writes += s->writes, sum->reads += s->reads, sum->wrong += s->wrong;
}

void muir_collector_add_host(muir_collector *c, const muir_host_row *row)
{
    c->host_steps++;
    c->host_step_s += row->step_s;
    add_tally(&c->tally, &row->tally);
    add_saves(&c->saves, &row->saves);
}

static void finish_account(const muir_collector *c, muir_summary *s)
{
    const muir_events *events = muir_fleet_clock_events(c->clock);
    const muir_checkpoint_tier *storage = &muir_events_checkpoints(events)->tier[MUIR_TIER_STORAGE];
    const muir_servers *servers = muir_events_servers(events);
    s->account = *muir_events_goodput(events);
    s->reaction = *muir_events_reaction(events);
    s->goodput = muir_goodput_share(&s->account);
    s->storage_every = storage->is_on ? storage->every : 0;
    s->checkpoint_bytes = muir_events_checkpoints(events)->bytes;
    s->replicas_out = muir_servers_n_down(servers) * muir_servers_unit_replicas(servers);
    s->servers_out = muir_servers_n_out(servers);
}

/* Time lost to each kind, at what the fleet costs meanwhile. */
static void price_losses(const muir_collector *c, muir_summary *s)
{
    const muir_goodput *g = &s->account;
    double failures_usd = 0.0;
    for (int k = 0; k < MUIR_KIND_COUNT; k++) {
        const double trained_s = 1e-9 * (double)g->trained_ns[k], lost_s = 1e-9 * (double)g->lost_ns[k];
        s->kind_usd[k] =
            lost_s > 0.0 ? muir_fleet_clock_lost_usd(c->clock, lost_s - trained_s, trained_s) : 0.0;
        if (muir_kind_is_failure(k)) failures_usd += s->kind_usd[k];
    }
    s->usd_per_failure = g->interruptions > 0 ? failures_usd / (double)g->interruptions : NAN;
}

static void finish_fleet(muir_collector *c, muir_summary *s)
{
    const double n = (double)c->seen;
    s->steps = c->seen;
    finish_account(c, s);
    price_losses(c, s);
    if (c->seen == 0) return;
    muir_sort(c->step_s, c->n);
    s->step_time_s =
        (muir_statistics){c->sum_s / n, c->min_s, c->max_s, muir_percentile(c->step_s, c->n, 0.5),
                          muir_percentile(c->step_s, c->n, 0.99)};
    for (int i = 0; i < MUIR_PART_COUNT; i++) s->part_s[i] = c->part_s[i] / n;
    s->fleet_time_s = c->sum_s;
    s->mfu = fmax(0.0, c->mfu_s / c->sum_s); /* where all was lost again, rounding is left */
    s->hfu = fmax(0.0, c->hfu_s / c->sum_s);
    s->tokens_per_s = c->tokens / c->sum_s;
    /* NaN where no step was kept */
    s->throughput_share = s->tokens_per_s * (c->attempt_s / c->attempts) / c->most_tokens;
    const double lost_s = c->part_s[MUIR_PART_checkpoint] + c->part_s[MUIR_PART_recovery];
    s->chip_mean_c = c->degree_s / c->sum_s;
    s->chip_hottest_c = c->hottest_c;
    s->throttled = c->throttled_s / c->sum_s;
    s->power_mean_w = c->energy_j / c->sum_s;
    s->power_max_w = c->power_max_w;
    s->energy_j = c->energy_j;
    s->cost_usd = c->cost_usd;
    s->usd_per_step = c->cost_usd / n;
    s->lost_usd = c->cost_usd * lost_s / c->sum_s;
    s->usd_per_mtoken = c->tokens > 0.0 ? c->cost_usd / (c->tokens / 1e6) : INFINITY;
}

static void finish_colls(const muir_host_ops *ops, muir_summary *s)
{
    for (int i = 0; ops && i < muir_host_ops_coll_count(ops) && s->n_colls < MUIR_SUMMARY_COLLS; i++) {
        const muir_host_coll *c = muir_host_ops_coll_at(ops, i);
        if (c->calls == 0.0) continue;
        muir_summary_coll *out = &s->colls[s->n_colls++];
        out->op = muir_coll_kind_name(c->op->coll.kind);
        out->algorithm = c->algorithm->name;
        out->axis = muir_axis_name(c->op->coll.axis);
        out->chosen = muir_chosen_name(c->chosen);
        out->median_s = c->choice.time_s;
        out->mpi_s = c->choice.mpi_s;
        out->n_trials = c->choice.n_trials;
        out->n_untried = c->choice.n_untried;
        out->ranks = c->comm->size;
        out->pieces = c->n_buckets;
        out->bytes = 4.0 * (double)c->count;
        out->calls = c->calls;
        out->time_s = c->seconds / c->calls;
        out->best_s = c->best_s;
        out->algbw_byte_per_s = out->bytes / out->best_s;
        out->busbw_byte_per_s = out->algbw_byte_per_s * muir_busbw_factor(c->op->coll.kind, c->comm->size);
    }
}

/* Sums of all ranks; the numbers of a tally are sent as two rows. */
static muir_status sum_tally(muir_ctx *ctx, muir_collector *c, muir_summary *s)
{
    muir_status st = MUIR_OK;
    muir_tally *t = &c->tally;
#define SKIP(name)
#define VALUE(name) t->name,
    double reals[] = {MUIR_TALLY_LIST(VALUE, SKIP)};
    int64_t counts[] = {MUIR_TALLY_LIST(SKIP, VALUE)};
    const double *real = reals;
    const int64_t *number = counts;
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, reals, (int)(sizeof reals / sizeof reals[0]), MPI_DOUBLE,
                               MPI_SUM, ctx->comm));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, counts, (int)(sizeof counts / sizeof counts[0]), MPI_INT64_T,
                               MPI_SUM, ctx->comm));
#define SET_REAL(name) t->name = *real++;
#define SET_COUNT(name) t->name = *number++;
    MUIR_TALLY_LIST(SET_REAL, SET_COUNT)
#undef SET_COUNT
#undef SET_REAL
#undef VALUE
#undef SKIP
    s->tally = *t;
done:
    return st;
}

/* Bytes of all ranks, times of the slowest; counts are the same on all. */
static muir_status sum_saves(muir_ctx *ctx, const muir_collector *c, muir_summary *s)
{
    muir_status st = MUIR_OK;
    double bytes[] = {c->saves.write_bytes, c->saves.read_bytes},
           times[] = {c->saves.write_s, c->saves.read_s, c->saves.checksum_s};
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, bytes, 2, MPI_DOUBLE, MPI_SUM, ctx->comm));
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, times, 3, MPI_DOUBLE, MPI_MAX, ctx->comm));
    s->saves = c->saves;
    s->saves.write_bytes = bytes[0], s->saves.read_bytes = bytes[1];
    s->saves.write_s = times[0], s->saves.read_s = times[1], s->saves.checksum_s = times[2];
done:
    return st;
}

/* Errors of all ranks; then what they come to. */
static muir_status sum_rhythm(muir_ctx *ctx, const muir_host_clock *host, muir_summary *s)
{
    muir_status st = MUIR_OK;
    muir_rhythm rhythm = *muir_host_clock_rhythm(host);
    MUIR_TRY_MPI(MPI_Allreduce(MPI_IN_PLACE, &rhythm, (int)(sizeof rhythm / sizeof(int64_t)), MPI_INT64_T,
                               MPI_SUM, ctx->comm));
    s->rhythm_p50_s = muir_histogram_percentile(&rhythm.absolute, 0.5);
    s->rhythm_p99_s = muir_histogram_percentile(&rhythm.absolute, 0.99);
    s->rhythm_p50 = muir_histogram_percentile(&rhythm.relative, 0.5);
    s->rhythm_p99 = muir_histogram_percentile(&rhythm.relative, 0.99);
done:
    return st;
}

static void finish_overlap(const muir_host_facts *f, muir_summary *s)
{
    s->exposed_s = s->tally.exposed_s / (double)(s->host_steps * s->host_ranks);
    s->overlap = f->exposed_off_s > 0.0 ? 1.0 - f->exposed_on_s / f->exposed_off_s : NAN;
}

muir_status muir_collector_finish(muir_ctx *ctx, muir_collector *c, const muir_host_clock *host,
                                  muir_summary *s)
{
    muir_status st = MUIR_OK;
    s->ranks = ctx->size;
    finish_fleet(c, s);
    MUIR_TRY(sum_tally(ctx, c, s));
    MUIR_TRY(sum_saves(ctx, c, s));
    s->host_steps = c->host_steps;
    if (!host || c->host_steps == 0) return MUIR_OK;
    s->facts = *muir_host_clock_facts(host);
    MUIR_TRY(sum_rhythm(ctx, host, s));
    finish_overlap(&s->facts, s);
    s->host_step_mean_s = c->host_step_s / (double)c->host_steps;
    if (s->tally.gemm_s > 0.0) s->gemm_flop_per_s = s->tally.gemm_flop / s->tally.gemm_s;
    s->gemm_fraction_of_peak = s->gemm_flop_per_s / s->facts.peak_flop_per_s;
    finish_colls(muir_host_clock_ops(host), s);
done:
    return st;
}
