/* SPDX-License-Identifier: BSD-3-Clause */
/* Power traces of a run: windows of fleet time, their samples, spectra and reports. Samples live on rank 0;
 * every rank keeps the time, so that all know which rows there are. */
#ifndef MUIR_RUN_POWER_H
#define MUIR_RUN_POWER_H

#include "fleet_clock/fleet_clock.h"
#include "run/power_report.h"
#include "run/record.h"

typedef struct muir_power_log muir_power_log;

/* Makes room for the windows of scenario->power.
 * clock   in   borrowed; outlives the log
 * record  in   borrowed; outlives the log; NULL: nothing is written
 * out     out  free it with muir_power_log_destroy; NULL if the scenario wants no trace; untouched on error
 * Collective over ctx->comm. MUIR_ERR_MEM. */
muir_status muir_power_log_create(muir_ctx *ctx, const muir_scenario *scenario, muir_fleet_clock *clock,
                                  muir_record *record, muir_power_log **out);
void muir_power_log_destroy(muir_power_log **log); /* accepts NULL, leaves NULL */

/* Cuts the file to the windows before the last one it holds, of which nobody knows whether it is whole.
 * step  out  with which that window starts: steps from here to the first new one must be laid again
 * Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_power_log_resume(muir_ctx *ctx, muir_power_log *log, int64_t *step);

/* Whether a step belongs to a window. The same on all ranks; log may be NULL. Local. */
bool muir_power_log_wants(const muir_power_log *log, int64_t step);

/* Before and after a step of the fleet clock; log may be NULL. A window that ends is analysed and written.
 * row  in   of the step
 * Collective over ctx->comm. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_power_log_before(muir_ctx *ctx, muir_power_log *log, int64_t step);
muir_status muir_power_log_after(muir_ctx *ctx, muir_power_log *log, const muir_fleet_row *row);

/* Ends an open window. log may be NULL. Collective over ctx->comm. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_power_log_finish(muir_ctx *ctx, muir_power_log *log);

/* What it comes to, on rank 0. Zeros without a window; log may be NULL. */
typedef struct muir_power_summary {
    muir_power_report report; /* of the last window */
    int64_t windows;
    double traced_s; /* fleet time in windows [s] */
    double spent_s;  /* rank 0's time for them [s] */
} muir_power_summary;
muir_power_summary muir_power_log_summary(const muir_power_log *log);

/* Raises power.sample_hz to four samples per ideal step: what is sampled more slowly than twice per step
 * folds the step's line onto others. Nothing to do without a window.
 * Local. MUIR_ERR_ARG if the window then has more samples than a trace; MUIR_ERR_MEM. */
muir_status muir_power_settle_sampling(muir_ctx *ctx, muir_scenario *scenario);

/* One window of a scenario, without telemetry and host clock.
 * summary  out  on rank 0; power.window_s must be above 0
 * Collective over ctx->comm. MUIR_ERR_ARG, MUIR_ERR_MEM, MUIR_ERR_MPI. */
muir_status muir_power_study(muir_ctx *ctx, const muir_scenario *scenario, muir_power_summary *summary);

#endif
