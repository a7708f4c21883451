/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of one published run. */
#include "validation/peaks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double gib = 1073741824.0;

static const char *const kinds[] = {"allocated", "reserved", "driver"};

const char *muir_peak_kind_name(muir_peak_kind kind)
{
    return kinds[kind];
}

static muir_peak_kind kind_of(const char *notes)
{
    for (int kind = 0; kind < MUIR_PEAK_DRIVER; kind++)
        if (strstr(notes, kinds[kind])) return (muir_peak_kind)kind;
    return MUIR_PEAK_DRIVER;
}

static muir_status memory_of(muir_ctx *ctx, const muir_scenario *scenario, muir_validate_peak *peak)
{
    muir_status st = MUIR_OK;
    muir_program *program = NULL;
    MUIR_TRY(muir_program_create(ctx, &scenario->job, &program));
    MUIR_TRY(muir_scenario_memory(ctx, scenario, program, &peak->memory));
    peak->fit = muir_memory_fit_of(&peak->memory, &scenario->fleet.chip);
done:
    muir_program_destroy(&program);
    return st;
}

/* Where the row leaves recompute open and the stack's default does not fit, it was full, or what full
 * recompute keeps went to the host's memory. */
static muir_status try_recompute(muir_ctx *ctx, const muir_scenario *scenario, muir_validate_peak *peak)
{
    muir_status st = MUIR_OK;
    muir_scenario full = *scenario;
    muir_validate_peak other = *peak;
    if (peak->fit.verdict == MUIR_FITS) return MUIR_OK;
    full.job.parallel.recompute = MUIR_RECOMPUTE_FULL;
    MUIR_TRY(memory_of(ctx, &full, &other));
    if (other.memory.needed < peak->memory.needed) *peak = other;
    if (peak->fit.verdict == MUIR_FITS) return MUIR_OK;
    full.job.parallel.offload_activations = 1.0;
    MUIR_TRY(memory_of(ctx, &full, &other));
    if (other.memory.needed < peak->memory.needed) *peak = other;
done:
    return st;
}

static double predicted(const muir_validate_peak *p)
{
    switch (p->kind) {
    case MUIR_PEAK_ALLOCATED: return p->memory.allocated;
    case MUIR_PEAK_RESERVED: return fmin(p->memory.reserved, fmax(p->fit.room, p->memory.allocated));
    default: return fmin(p->memory.total, fmax(p->fit.room, p->memory.needed));
    }
}

static const char *measured_of(const muir_csv *table, int row)
{
    return muir_csv_has(table, "measured_gib") ? muir_csv_get(table, row, "measured_gib") : "";
}

bool muir_validate_is_measured(const muir_csv *table, int row)
{
    return *measured_of(table, row) != '\0';
}

muir_status muir_validate_peak_of(muir_ctx *ctx, const muir_csv *table, int row,
                                  const muir_scenario *scenario, muir_validate_peak *peak)
{
    muir_status st = MUIR_OK;
    muir_validate_peak p = {.kind = kind_of(muir_csv_get(table, row, "notes"))};
    const char *recompute = muir_csv_get(table, row, "recompute"), *measured = measured_of(table, row);
    char *end = NULL;
    p.is_measured = *measured != '\0';
    p.real_gib = strtod(measured, &end);
    if (p.is_measured && (*end != '\0' || !(p.real_gib > 0.0)))
        return muir_fail(ctx, MUIR_ERR_ARG, "measured_gib is '%s', but must be a number above 0", measured);
    p.is_recompute_open = !*recompute || strcmp(recompute, "custom") == 0;
    MUIR_TRY(memory_of(ctx, scenario, &p));
    if (p.is_recompute_open) MUIR_TRY(try_recompute(ctx, scenario, &p));
    p.predicted_gib = predicted(&p) / gib;
    if (p.is_measured) p.error = p.predicted_gib / p.real_gib - 1.0;
    *peak = p;
done:
    return st;
}
