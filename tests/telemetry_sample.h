/* SPDX-License-Identifier: BSD-3-Clause */
/* A telemetry with every kind of table, whose values follow a formula: written by one program, checked by
 * another. */
#ifndef MUIR_TESTS_TELEMETRY_SAMPLE_H
#define MUIR_TESTS_TELEMETRY_SAMPLE_H

#include "io/telemetry.h"

/* Tables: a row a step; a row a step gathered from ranks; every third step; two rows every seventh step. */
enum { SAMPLE_FLEET, SAMPLE_RANK, SAMPLE_SERVER, SAMPLE_EVENTS, SAMPLE_TABLES };
enum { SAMPLE_DIMENSIONS = 6, SAMPLE_SERVERS = 5, SAMPLE_BATCH = 4 };

typedef struct sample {
    muir_dimension dimensions[SAMPLE_DIMENSIONS];
    muir_table tables[SAMPLE_TABLES];
    muir_description description;
} sample;

/* The description for a number of ranks; it points into *out. Local. */
void sample_describe(int ranks, sample *out);

/* Claims the name and starts the telemetry, as a run does. As muir_claim_create and muir_telemetry_start. */
muir_status sample_start(muir_ctx *ctx, const char *path, bool is_resumed, const sample *s,
                         muir_telemetry **telemetry);

/* Rows of a table after `steps` steps. Local. */
size_t sample_rows(size_t table, int64_t steps);

/* Writes steps from .. to - 1 and flushes when a batch is full. Collective over ctx->comm. */
muir_status sample_write(muir_ctx *ctx, muir_telemetry *telemetry, int64_t from, int64_t to);

/* Number of values in the closed file that are not those of `steps` steps; -1 if it cannot be read. Local. */
int sample_count_wrong(const char *path, int ranks, int64_t steps);

#endif
