/* SPDX-License-Identifier: BSD-3-Clause */
/* A recorded history of faults, from a CSV file: what an operator's log says happened when and where. */
#ifndef MUIR_SCENARIO_FAULT_LOG_H
#define MUIR_SCENARIO_FAULT_LOG_H

#include <stdint.h>

#include "base/ctx.h"
#include "scenario/faults.h"

/* What followed, as far as the log says it. */
typedef enum muir_log_outcome {
    MUIR_LOG_UNKNOWN,
    MUIR_LOG_IN_PLACE, /* the server started again where it was */
    MUIR_LOG_DRAINED,  /* it went to repair */
} muir_log_outcome;

/* A row of the file. */
typedef struct muir_log_entry {
    int64_t start_ns;
    int64_t until_ns; /* the server is whole again, the episode is over; -1: not said */
    int32_t kind;     /* muir_kind */
    int32_t server;   /* -1: the whole job */
    int32_t outcome;  /* muir_log_outcome */
    double severity;  /* as /events/severity; NaN: not said */
} muir_log_entry;

typedef struct muir_fault_log {
    muir_log_entry *entries; /* [n] by time */
    int n;
    int32_t servers;   /* that it names: the largest number and one, or so many names */
    uint64_t digest;   /* of the file's bytes */
    int64_t length_ns; /* until the last start */
} muir_fault_log;

/* Reads a log. Columns, in any order; others are ignored:
 *     time_s       start, since the log began [s]
 *     kind         a name of scenario/kinds.def; spike and eviction are the job's own and are left out
 *     server       number from 0, or names, which are numbered as they appear; empty: the whole job
 *     until_s      end of the repair or episode [s]; empty: not said
 *     consequence  in_place or drained; anything else: not said
 *     severity     as /events/severity; empty: not said
 * out  out  free it with muir_fault_log_destroy; untouched on error
 * Local. MUIR_ERR_ARG with file, line and what is allowed, MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_fault_log_read(muir_ctx *ctx, const char *path, muir_fault_log **out);
void muir_fault_log_destroy(muir_fault_log **log); /* accepts NULL, leaves NULL */

/* Rates, causes and outcomes that the log amounts to, in place of those of the preset, for what is expected
 * of it (intervals of checkpoints, the scope that `auto` takes), and its checksum. Nothing without a log.
 * where    in      of the preset, starts the message
 * servers  in      of the fleet
 * chips    in      of the fleet
 * Local. MUIR_ERR_ARG: the log names more servers, or is not the one that log_digest says; those of _read. */
muir_status muir_faults_apply_log(muir_ctx *ctx, const char *where, int64_t servers, int64_t chips,
                                  muir_faults *faults);

/* Whether the preset replays a log. Local. */
bool muir_faults_has_log(const muir_faults *faults);

#endif
