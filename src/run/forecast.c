/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run will take of this machine. */
#include "run/forecast.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "fleet_clock/lengths.h"
#include "fleet_clock/slowdown.h"
#include "host_clock/footprint.h"
#include "run/tables.h"

/* Of a start: steps that are tried, each twice, until the shrink is settled, and after it; the time that
 * choosing algorithms may take without a table; measuring the peak of products. */
static const double TRIAL_STEPS = 8.0, TUNING_S = 0.5, PEAK_S = 0.3;

/* Assumed, from runs of 1 to 64 ranks on one host with Open MPI 4.1, OpenBLAS and LIBXSMM, whose largest rank
 * took 18 MiB more than the rest says without the host clock and 34 MiB with it. */
static const double MPI_BYTES = 18.0 * 1048576.0, KERNEL_BYTES = 16.0 * 1048576.0;

/* What every rank keeps of each server (reliability/servers.c): its state, rate, place. */
enum { SERVER_BYTES = 64 };

static int ranks_with_replicas(const muir_scenario *scenario, int ranks)
{
    int low = 0, high = ranks; /* ranks without any are the last ones */
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (muir_fold_make(scenario, ranks, middle).replicas.n > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static muir_status add_fleet(muir_ctx *ctx, const muir_scenario *scenario, const muir_fold *fold,
                             muir_forecast *f)
{
    muir_status st = MUIR_OK;
    muir_slowdown *slowdown = NULL;
    muir_lengths *lengths = NULL;
    MUIR_TRY(muir_slowdown_create(ctx, scenario, fold->replicas, &slowdown));
    MUIR_TRY(muir_lengths_create(ctx, scenario, fold->replicas, &lengths));
    f->fleet_bytes =
        (double)(slowdown->bytes + lengths->bytes) + SERVER_BYTES * (double)scenario->fleet.top.servers;
done:
    muir_lengths_destroy(&lengths);
    muir_slowdown_destroy(&slowdown);
    return st;
}

/* Places of a table's second dimension; 0: the table is not written. */
static double width_of(muir_record_table table, const muir_scenario *s, bool has_host, int ranks)
{
    switch (table) {
    case MUIR_TABLE_FLEET:
    case MUIR_TABLE_EMULATION: return 1.0;
    case MUIR_TABLE_RANK: return s->telemetry.level >= MUIR_LEVEL_RANK ? ranks : 0.0;
    case MUIR_TABLE_SERVER:
        return s->telemetry.level >= MUIR_LEVEL_SERVER ? (double)s->fleet.top.servers : 0.0;
    case MUIR_TABLE_HOST: return has_host ? ranks : 0.0;
    default: return 0.0; /* rows that are no steps */
    }
}

static void add_telemetry(const muir_scenario *s, bool has_host, int64_t steps, int ranks, muir_forecast *f)
{
    for (int t = 0; t < MUIR_TABLE_COUNT; t++) {
        const muir_record_table table = (muir_record_table)t;
        const double width = width_of(table, s, has_host, ranks), every = (double)muir_table_every(table, s);
        size_t n = 0;
        const muir_column_row *columns = muir_columns_of(table, &n);
        double row_bytes = sizeof(int64_t);
        if (width == 0.0 || every == 0.0) continue;
        for (size_t i = 0; i < n; i++) {
            const double value = (double)muir_value_bytes(columns[i].column.type),
                         own = columns[i].column.is_wide ? width : 1.0;
            row_bytes += own * value;
            f->batch_bytes += (double)muir_table_batch_rows((size_t)own, (size_t)value) * own * value;
        }
        f->step_bytes += row_bytes / every;
        f->file_bytes += row_bytes * ceil((double)steps / every);
    }
}

static double program_bytes(void)
{
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss; /* Linux has KiB there */
}

muir_status muir_forecast_make(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                               const muir_shrink *shrink, int64_t steps, int ranks, muir_forecast *out)
{
    muir_status st = MUIR_OK;
    const muir_fold fold = muir_fold_make(scenario, ranks, 0);
    muir_forecast f = {.fleet_ranks = ranks_with_replicas(scenario, ranks), .program_bytes = program_bytes()};
    MUIR_TRY(add_fleet(ctx, scenario, &fold, &f));
    if (shrink) {
        f.host_ranks = fold.mesh_ranks;
        f.host_bytes = muir_host_bytes(scenario, program, &fold, shrink);
        f.start_s = TRIAL_STEPS * shrink->budget_s + PEAK_S + (fold.mesh_ranks > 1 ? TUNING_S : 0.0);
    }
    add_telemetry(scenario, shrink != NULL, steps, ranks, &f);
    f.library_bytes = MPI_BYTES + (shrink ? KERNEL_BYTES : 0.0);
    f.rank_bytes = f.program_bytes + f.library_bytes + f.host_bytes + f.fleet_bytes + f.batch_bytes;
    *out = f;
done:
    return st;
}
