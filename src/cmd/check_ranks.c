/* SPDX-License-Identifier: BSD-3-Clause */
/* The dry run's page on ranks: who does what, who idles, what a rank and the file will take. */
#include <stdio.h>

#include "base/units.h"
#include "cmd/check.h"
#include "scenario/fold.h"

enum { MOST_SHOWN = 16 };

static void print_place(const muir_scenario *s, int ranks, int r)
{
    const muir_fold f = muir_fold_make(s, ranks, r);
    if (f.replicas.n > 0)
        printf("  %4d  %10lld .. %-10lld", r, (long long)f.replicas.first,
               (long long)(f.replicas.first + f.replicas.n - 1));
    else
        printf("  %4d  %-24s", r, "      none");
    if (f.place[0] >= 0)
        printf("       %d %d %d %d\n", f.place[0], f.place[1], f.place[2], f.place[3]);
    else
        printf("       none\n");
}

/* Ranks from `first` on have nothing of a clock. */
static void print_idle(const char *clock, int first, int ranks, const char *why)
{
    if (first >= ranks) return;
    if (first == ranks - 1)
        printf("  rank %d idles", first);
    else
        printf("  ranks %s to %s idle", muir_count_text(first).s, muir_count_text(ranks - 1).s);
    printf(" on the %s clock: %s\n", clock, why);
}

static void print_needs(const muir_forecast *f)
{
    printf("  memory of the largest rank: %s (estimate): host clock %s, fleet clock %s,\n    rows of "
           "telemetry %s, program %s, MPI and kernels %s (assumed)\n",
           muir_bytes_text(f->rank_bytes).s, muir_bytes_text(f->host_bytes).s,
           muir_bytes_text(f->fleet_bytes).s, muir_bytes_text(f->batch_bytes).s,
           muir_bytes_text(f->program_bytes).s, muir_bytes_text(f->library_bytes).s);
    printf("  telemetry: %s of rows per step", muir_bytes_text(f->step_bytes).s);
    if (f->file_bytes > 0.0) printf(", %s in all", muir_bytes_text(f->file_bytes).s);
    printf(" (before compression, without events and traces)\n");
    if (f->host_ranks > 0)
        printf("  start: about %s where every rank has a core of its own (estimate)\n",
               muir_time_text(f->start_s).s);
}

void muir_check_print_ranks(const muir_check *c)
{
    const int ranks = c->ranks;
    const muir_forecast *f = &c->forecast;
    const muir_fold fold = muir_fold_make(c->scenario, ranks, 0);
    printf("\n%s rank%s: mesh of the host clock", muir_count_text(ranks).s, ranks == 1 ? "" : "s");
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        printf("%s %s %d", a ? "," : "", muir_mesh_axis_name(a), fold.mesh[a]);
    printf("\n  rank  replicas of the fleet clock   place in the mesh (tp cp dp pp)\n");
    for (int r = 0; r < ranks && r < MOST_SHOWN; r++) print_place(c->scenario, ranks, r);
    if (ranks > MOST_SHOWN) printf("  ... and %s more\n", muir_count_text(ranks - MOST_SHOWN).s);
    char why[80];
    snprintf(why, sizeof why, "the job has only %s replicas",
             muir_count_text(c->scenario->job.parallel.dp).s);
    print_idle("fleet", f->fleet_ranks, ranks, why);
    if (f->host_ranks > 0)
        print_idle("host", f->host_ranks, ranks, "the mesh has no place for them");
    else
        printf("  host.every=0: the host clock does not run\n");
    print_needs(f);
}
