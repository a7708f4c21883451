/* SPDX-License-Identifier: BSD-3-Clause */
/* What a chip of the first and of the last stage holds, as counters beside the slots of the schedule. */
#include <stdlib.h>

#include "export/perfetto.h"

static const double byte_per_gib = 1073741824.0;

/* The file has one value per slot of the stage, up to some number; pairs of slots are one span here, so
 * a list of another length than the stage's spans cannot be laid on them. */
static muir_status put_stage(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *columns,
                             const muir_timeline *t, const char *column, int stage)
{
    muir_status st = MUIR_OK;
    double *bytes = NULL;
    size_t n = 0, spans = 0;
    char name[64];
    if (!muir_columns_have(columns, column)) return MUIR_OK;
    MUIR_TRY(muir_columns_read(ctx, columns, column, &bytes, &n, NULL));
    for (int i = 0; i < t->n_spans; i++) spans += t->spans[i].stage == stage;
    if (n != spans) goto done;
    snprintf(name, sizeof name, "stage %d: GiB of tensors", stage);
    n = 0;
    for (int i = 0; i < t->n_spans; i++)
        if (t->spans[i].stage == stage)
            muir_trace_put_counter(w, MUIR_TRACE_SCHEDULE, name, t->spans[i].start_s,
                                   bytes[n++] / byte_per_gib);
done:
    free(bytes);
    return st;
}

muir_status muir_trace_put_memory(muir_ctx *ctx, muir_trace_writer *w, const muir_columns *columns,
                                  const muir_timeline *timeline)
{
    const muir_status st = put_stage(ctx, w, columns, timeline, "memory_first_stage/allocated_bytes", 0);
    if (st != MUIR_OK || timeline->n_stages == 1) return st;
    return put_stage(ctx, w, columns, timeline, "memory_last_stage/allocated_bytes", timeline->n_stages - 1);
}
