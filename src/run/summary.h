/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run comes to: statistics of the fleet's steps, of the executed steps, and of muir itself. */
#ifndef MUIR_RUN_SUMMARY_H
#define MUIR_RUN_SUMMARY_H

#include "estimate/interval.h"
#include "fleet_clock/fleet_clock.h"
#include "host_clock/host_clock.h"
#include "run/power.h"
#include "run/saver.h"

typedef struct muir_statistics {
    double mean, min, max, p50, p99;
} muir_statistics;

enum { MUIR_SUMMARY_COLLS = MUIR_MAX_OPS };

/* One collective of the host clock on rank 0. */
typedef struct muir_summary_coll {
    const char *op, *algorithm, *axis, *chosen; /* static texts */
    int ranks;
    int pieces; /* that are on their way beside products, whose times are added up; 0: it blocks */
    double bytes, calls;
    double time_s; /* mean of the calls, waiting for slower ranks included */
    double best_s; /* fastest call, from which the bandwidths are */
    double algbw_byte_per_s, busbw_byte_per_s;
    int n_trials, n_untried; /* rows that the choice tried, and had no time for; 0: nothing was measured */
    double median_s, mpi_s;  /* of the algorithm and of the library's own when it was chosen; NAN: unknown */
} muir_summary_coll;

typedef struct muir_summary {
    int ranks, host_ranks;
    int64_t first_step, steps; /* of this launch */
    double wall_s;
    /* modelled */
    muir_statistics step_time_s;
    double part_s[MUIR_PART_COUNT]; /* means, add up to step_time_s.mean */
    double mfu, hfu, tokens_per_s;  /* over the whole launch */
    muir_interval interval;         /* of the mean step time without faults; rates follow it, costs too */
    const char *basis;              /* what the stack's figures rest on */
    double throughput_share;        /* tokens per second over those of whole attempts with all replicas */
    double goodput;                 /* productive share of fleet time, since the start of the run */
    muir_goodput account;           /* of all fleet time since the start of the run */
    muir_reaction reaction;
    int64_t storage_every; /* steps; 0: no checkpoints on storage */
    double checkpoint_bytes;
    int32_t servers_out, replicas_out; /* at the end */
    double power_mean_w, power_max_w, energy_j, cost_usd;
    double usd_per_mtoken;              /* infinity where nothing was kept */
    double chip_mean_c, chip_hottest_c; /* mean over the launch, hottest in it [degC] */
    double throttled;                   /* share of chips, mean over the launch */
    double fleet_time_s;
    double step_sigma;                /* of the chips: input, or measured with calibrate: host */
    double usd_per_step, lost_usd;    /* lost: checkpoints and recoveries */
    double kind_usd[MUIR_KIND_COUNT]; /* of the time lost to each kind, since the start of the run */
    double usd_per_failure;           /* the unplanned ones over interruptions; NaN without one */
    double breakeven_use; /* share of use from which on owning is cheaper than renting; NaN: no rent known */
    muir_cost cost;
    muir_power_summary power; /* on rank 0; power.windows 0: no trace */
    /* executed */
    int64_t host_steps;
    muir_host_facts facts; /* of rank 0 */
    muir_tally tally;      /* sums of all ranks */
    muir_host_saves saves; /* real checkpoints: bytes of all ranks, times of the slowest */
    muir_saver_totals saver;
    bool has_no_mpi_io;     /* real checkpoints were due, but this HDF5 cannot write them */
    double gemm_flop_per_s; /* per rank */
    double gemm_fraction_of_peak;
    double host_step_mean_s; /* slowest rank of each step */
    double rhythm_p50_s, rhythm_p99_s, rhythm_p50,
        rhythm_p99;   /* all ops of all ranks; NaN without a timetable */
    double overlap;   /* achieved: 1 - exposed / what hidden collectives take when they block; NaN without */
    double exposed_s; /* of hidden collectives, a step and rank */
    int n_colls;
    muir_summary_coll colls[MUIR_SUMMARY_COLLS];
    /* muir itself, on rank 0 */
    double fleet_clock_s, host_s, telemetry_s, prepare_s;
    double bytes_per_chip;
    bool is_whole; /* of a run that ended, whatever it came to; false: it failed before */
    muir_telemetry_size file;
} muir_summary;

/* Collects rows while the run goes on; allocates everything at creation. */
typedef struct muir_collector {
    double *step_s; /* [room]: every `stride`-th step's time */
    size_t n, room;
    int64_t stride, seen;
    double sum_s, min_s, max_s, part_s[MUIR_PART_COUNT];
    double step_tokens, step_mfu_s, step_hfu_s; /* of the last step that was kept */
    double attempt_s, attempts; /* sum and number of attempts in which replicas trained, pauses left out */
    double most_tokens;         /* of a step: that of all replicas */
    double mfu_s, hfu_s, tokens, power_max_w, energy_j, cost_usd;
    double degree_s, throttled_s, hottest_c; /* sums of temperature and share throttled over time */
    double host_step_s;
    int64_t host_steps;
    muir_tally tally;              /* this rank's */
    muir_host_saves saves;         /* this rank's */
    const muir_fleet_clock *clock; /* borrowed; outlives this */
} muir_collector;

/* Makes room for a run.
 * steps   in   expected
 * clock   in   borrowed, outlives the collector
 * out    out  free it with muir_collector_destroy; untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_collector_create(muir_ctx *ctx, int64_t steps, const muir_fleet_clock *clock,
                                  muir_collector **out);
void muir_collector_destroy(muir_collector **collector); /* accepts NULL, leaves NULL */

/* Adds a step. Local; allocates nothing. */
void muir_collector_add_fleet(muir_collector *collector, const muir_fleet_row *row);
void muir_collector_add_host(muir_collector *collector, const muir_host_row *row);

/* Adds up over ranks and finishes the statistics.
 * host     in      NULL where the host clock never ran
 * summary  in/out  zeroed by the caller, who fills in what a collector does not see
 * Collective over ctx->comm. MUIR_ERR_MPI. */
muir_status muir_collector_finish(muir_ctx *ctx, muir_collector *collector, const muir_host_clock *host,
                                  muir_summary *summary);

#endif
