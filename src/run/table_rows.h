/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of the telemetry's tables in memory, as tables.def names them: what the clocks give, and what is added
 * on the way into the file. */
#ifndef MUIR_RUN_TABLE_ROWS_H
#define MUIR_RUN_TABLE_ROWS_H

#include "fleet_clock/fleet_clock.h"
#include "host_clock/host_clock.h"
#include "run/power_report.h"

/* What muir itself spent on a step, on rank 0. */
typedef struct muir_emulation_row {
    double fleet_clock_s, host_s, telemetry_s;
} muir_emulation_row;

typedef struct muir_server_row {
    const float *slowdown; /* [servers], read on rank 0 */
} muir_server_row;

typedef struct muir_executed_row {
    muir_host_row row;
    double gemm_flop_per_s; /* 0 without products */
} muir_executed_row;

typedef struct muir_traced_row {
    int64_t step;
    muir_trace_row row;
} muir_traced_row;

/* Since the start of the launch, on rank 0. */
typedef struct muir_collectives_row {
    double calls[MUIR_MAX_OPS], time_s[MUIR_MAX_OPS], best_s[MUIR_MAX_OPS]; /* of the prepared collectives */
} muir_collectives_row;

typedef struct muir_event_row {
    muir_event event;
    double start_s, end_s, noticed_s, stall_s, trained_s; /* fleet time; noticed_s NaN: never */
    double cost_usd; /* of the time that the job stands still and trains for nothing */
} muir_event_row;

typedef struct muir_power_sample_row {
    int64_t window;
    double time_s;          /* middle of the sample, since the start of its window */
    double load_w, power_w; /* before and after remedies */
} muir_power_sample_row;

typedef struct muir_power_window_row {
    muir_power_report report;
    int64_t share_is_met, ramp_is_met, range_is_met, swing_is_met; /* muir_verdict */
    const double *psd;                                             /* [frequencies], read on rank 0 */
} muir_power_window_row;

#endif
