/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing the peak of memory, the verdict, and what would make a job fit. */
#include "cmd/check_memory.h"

#include <stdio.h>

#include "base/place.h"
#include "base/units.h"
#include "plan/remedies.h"

static void print_memory(const muir_scenario *s, const muir_memory *m)
{
    const muir_memory_fit fit = muir_memory_fit_of(m, &s->fleet.chip);
    printf("\nmemory of the fullest chip (modelled): stage %d, %s\n", m->stage,
           muir_memory_moment_help(m->moment));
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++)
        if (m->part[i] > 0.0)
            printf("  %-16s %9s  %5.1f %%  %s\n", muir_memory_part_name((muir_memory_part)i),
                   muir_bytes_text(m->part[i]).s, 100.0 * m->part[i] / m->total,
                   muir_memory_part_help((muir_memory_part)i));
    if (muir_place_copies(s->job.place) > 1)
        printf("  schedule %s holds weights, gradients and optimizer %d times\n", s->job.parallel.schedule,
               muir_place_copies(s->job.place));
    printf("  allocated %s, with libraries and driver at least %s,\n"
           "  with all that the allocator would hold %s; the chip has %s\n",
           muir_bytes_text(m->allocated).s, muir_bytes_text(m->needed).s, muir_bytes_text(m->total).s,
           muir_bytes_text(fit.room).s);
    printf("  %s: headroom %s", muir_fit_verdict_name(fit.verdict), muir_bytes_text(fit.headroom).s);
    if (fit.verdict == MUIR_TIGHT)
        printf("; the allocator has to give back %s, %.0f %% of such runs are expected to fail",
               muir_bytes_text(m->total - fit.shown).s, 100.0 * fit.failing);
    printf("\n");
}

/* Shortest step first. */
static muir_status print_remedies(muir_ctx *ctx, const muir_scenario *s, const muir_memory *m, double step_s)
{
    enum { SHOWN = 6 };
    muir_status st = MUIR_OK;
    muir_remedy remedies[MUIR_MOST_REMEDIES];
    int n = 0;
    if (muir_memory_fit_of(m, &s->fleet.chip).verdict == MUIR_FITS) return MUIR_OK;
    MUIR_TRY(muir_remedies_find(ctx, s, remedies, &n));
    printf(n ? "  what would make it fit, and the ideal step then (now %s):\n"
             : "  no single change of recompute, sharing, sizes or offloading makes it fit%.0s\n",
           muir_time_text(step_s).s);
    for (int i = 0; i < n && i < SHOWN; i++)
        printf("    %s %+5.1f %%  %9s  %s%s%s\n", muir_time_text(remedies[i].step_s).s,
               100.0 * (remedies[i].step_s / step_s - 1.0), muir_bytes_text(remedies[i].memory.total).s,
               remedies[i].text, remedies[i].and ? " and " : "", remedies[i].and ? remedies[i].and : "");
done:
    return st;
}

muir_status muir_check_memory(muir_ctx *ctx, const muir_scenario *s, const muir_memory *memory, double step_s)
{
    print_memory(s, memory);
    return print_remedies(ctx, s, memory, step_s);
}
