/* SPDX-License-Identifier: BSD-3-Clause */
/* A scenario: job, fleet and run options, read from YAML, checked, with every default filled in. */
#ifndef MUIR_SCENARIO_SCENARIO_H
#define MUIR_SCENARIO_SCENARIO_H

#include "fleet/fleet.h"
#include "models/job.h"
#include "scenario/faults.h"

#define OPTION MUIR_OPTION_FIELD
typedef struct muir_run_options {
#include "scenario/run.def"
} muir_run_options;
typedef struct muir_host_options {
#include "scenario/host.def"
} muir_host_options;
typedef struct muir_telemetry_options {
#include "scenario/telemetry.def"
} muir_telemetry_options;
typedef struct muir_power_options {
#include "scenario/power.def"
} muir_power_options;
typedef struct muir_evaluation_options {
#include "scenario/evaluation.def"
} muir_evaluation_options;
#undef OPTION
#define OPTION MUIR_OPTION_ENUM
#include "scenario/host.def"
#include "scenario/run.def"
#include "scenario/telemetry.def"
#undef OPTION

/* Plain data: rank 0 reads the files and sends it to the others as bytes. */
typedef struct muir_scenario {
    muir_run_options run;
    muir_job job;
    muir_host_options host;
    muir_telemetry_options telemetry;
    muir_power_options power;
    muir_evaluation_options evaluation;
    muir_fleet fleet;
    muir_faults faults;
    int64_t spare_chips;       /* chips of the fleet that the job leaves idle */
    int64_t spare_servers;     /* servers without a chip of the job */
    char name[MUIR_NAME_SIZE]; /* of the scenario: the file's name without folder and ending */
} muir_scenario;

/* Keys of scenario files. */
extern const muir_schema muir_scenario_schema;

/* Reads, resolves and checks a scenario; only rank 0 touches files.
 * name       in   a name in data/scenarios, or a path; NULL: defaults, with the overrides
 * overrides  in   [n_overrides] texts "key=value"
 * scenario   out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG: one sentence with file, line, key, value and what is allowed. */
muir_status muir_scenario_load(muir_ctx *ctx, const char *name, const char *const *overrides, int n_overrides,
                               muir_scenario *scenario);

/* Whether a power trace has room for its samples. Local. MUIR_ERR_ARG. */
muir_status muir_scenario_check_sampling(muir_ctx *ctx, const muir_power_options *power);

/* The whole scenario as YAML with every default filled in: the scenario's keys, then fleet, chip and model.
 * has_length  in   with `steps` and `days`; a telemetry file does without, since a run can be resumed to
 *                  more steps
 * text        out  zero-terminated, freed with free(); untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_scenario_text(muir_ctx *ctx, const muir_scenario *scenario, bool has_length, char **text);

/* Whether a key says how long a run is, and nothing about its steps. Local. */
bool muir_scenario_is_length(const char *key);

/* Name of the job's precision, as scenario files write it. Local. */
const char *muir_scenario_precision(const muir_scenario *scenario);

/* Dense peak of a chip in the job's precision [FLOP/s], the denominator of MFU; 0 if it cannot do it. Local.
 * */
double muir_scenario_peak_flop_per_s(const muir_scenario *scenario);

/* Steps to run: `steps`, or `days` over the given step time, or 200. Local. */
int64_t muir_scenario_steps(const muir_scenario *scenario, double step_time_s);

#endif
