/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run will take of this machine: who idles, memory, the size of the file, the length of the start. All
 * of it is computed; only the first steps tell more. */
#ifndef MUIR_RUN_FORECAST_H
#define MUIR_RUN_FORECAST_H

#include "host_clock/shrink.h"
#include "models/program.h"

typedef struct muir_forecast {
    int fleet_ranks; /* with replicas of the fleet clock, from rank 0 on */
    int host_ranks;  /* with a part in the mesh of the host clock, from rank 0 on; 0: it does not run */
    /* Bytes of the largest rank, which is rank 0. */
    double program_bytes; /* measured: this process as it is now, with its libraries */
    double host_bytes;    /* the host clock's operands, payloads and streams */
    double fleet_bytes;   /* the fleet clock's replicas and servers */
    double batch_bytes;   /* rows of telemetry on their way to the file */
    double library_bytes; /* assumed: what MPI and the kernels allocate once they run */
    double rank_bytes;    /* sum of these */
    double step_bytes;    /* of telemetry per step, before compression and without events and traces */
    double file_bytes;    /* of all steps; 0 where their number is not known */
    double start_s;       /* where every rank has a core of its own */
} muir_forecast;

/* Works it out.
 * steps   in   of the run; 0: not known
 * shrink  in   as muir_shrink_choose has it; NULL where the host clock does not run
 * ranks   in   of the launch
 * out     out  untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_forecast_make(muir_ctx *ctx, const muir_scenario *scenario, const muir_program *program,
                               const muir_shrink *shrink, int64_t steps, int ranks, muir_forecast *out);

#endif
