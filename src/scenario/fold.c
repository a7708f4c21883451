/* SPDX-License-Identifier: BSD-3-Clause */
/* The fold of replicas onto ranks and of ranks onto a mesh. */
#include "scenario/fold.h"

#include <string.h>

#include "base/rng.h"
#include "schedule/schedule.h"

muir_slice muir_fold_slice(int64_t total, int64_t unit, int size, int rank)
{
    const int64_t units = (total + unit - 1) / unit, share = units / size, rest = units % size;
    const int64_t first = (share * rank + (rank < rest ? rank : rest)) * unit;
    const int64_t n = (share + (rank < rest)) * unit;
    muir_slice slice = {first < total ? first : total, n};
    if (slice.first + slice.n > total) slice.n = total - slice.first;
    return slice;
}

const char *muir_mesh_axis_name(int axis)
{
    static const char *const names[MUIR_MESH_AXES] = {"tp", "cp", "dp", "pp"};
    return names[axis];
}

typedef struct mesh {
    int n[MUIR_MESH_AXES];
} mesh;

static int cut_axes(const mesh *m)
{
    int cut = 0;
    for (int a = 0; a < MUIR_MESH_AXES; a++) cut += m->n[a] > 1;
    return cut;
}

static int dividing_axes(const mesh *m, const int64_t size[MUIR_MESH_AXES])
{
    int dividing = 0;
    for (int a = 0; a < MUIR_MESH_AXES; a++) dividing += size[a] % m->n[a] == 0;
    return dividing;
}

static int longest_axis(const mesh *m)
{
    int longest = 1;
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        if (m->n[a] > longest) longest = m->n[a];
    return longest;
}

/* As many axes as possible should really cross ranks, and evenly; then dp before pp before tp before cp,
 * since a cut across replicas is where a real job grows. */
static bool is_better(const mesh *a, const mesh *b, const int64_t size[MUIR_MESH_AXES])
{
    static const int preference[MUIR_MESH_AXES] = {MUIR_MESH_DP, MUIR_MESH_PP, MUIR_MESH_TP, MUIR_MESH_CP};
    if (cut_axes(a) != cut_axes(b)) return cut_axes(a) > cut_axes(b);
    if (dividing_axes(a, size) != dividing_axes(b, size))
        return dividing_axes(a, size) > dividing_axes(b, size);
    if (longest_axis(a) != longest_axis(b)) return longest_axis(a) < longest_axis(b);
    for (int i = 0; i < MUIR_MESH_AXES; i++)
        if (a->n[preference[i]] != b->n[preference[i]]) return a->n[preference[i]] > b->n[preference[i]];
    return false;
}

/* Tries every way to write `ranks` as a product along the axes; false if none fits.
 * stage_multiple: what ranks along pp are a multiple of, if they are more than one */
static bool best_mesh(int ranks, const int64_t size[MUIR_MESH_AXES], int stage_multiple, mesh *best)
{
    bool is_found = false;
    for (int tp = 1; tp <= ranks && tp <= size[MUIR_MESH_TP]; tp++) {
        if (ranks % tp) continue;
        for (int cp = 1; cp <= ranks / tp && cp <= size[MUIR_MESH_CP]; cp++) {
            if (ranks / tp % cp) continue;
            for (int pp = 1; pp <= ranks / tp / cp && pp <= size[MUIR_MESH_PP]; pp++) {
                if (ranks / tp / cp % pp || ranks / tp / cp / pp > size[MUIR_MESH_DP]) continue;
                if (pp > 1 && pp % stage_multiple) continue;
                const mesh m = {.n = {tp, cp, ranks / tp / cp / pp, pp}};
                if (!is_found || is_better(&m, best, size)) *best = m;
                is_found = true;
            }
        }
    }
    return is_found;
}

muir_fold muir_fold_make(const muir_scenario *scenario, int size, int rank)
{
    const muir_parallel *p = &scenario->job.parallel;
    const int64_t sizes[MUIR_MESH_AXES] = {p->tp, p->cp, p->dp, p->pp};
    muir_fold fold;
    memset(&fold, 0, sizeof fold);
    /* whole blocks of random draws where there are plenty; expert groups are never split */
    const int64_t experts = muir_job_expert_replicas(&scenario->job);
    const int64_t unit =
        experts == 1 && p->dp >= (int64_t)4 * MUIR_RNG_BLOCK * size ? MUIR_RNG_BLOCK : experts;
    fold.replicas = muir_fold_slice(p->dp, unit, size, rank);

    int wanted = scenario->host.ranks == 0 || scenario->host.ranks > size ? size : (int)scenario->host.ranks;
    mesh m = {.n = {1, 1, 1, 1}};
    const int stage_multiple = muir_schedule_find(p->schedule)->stage_multiple;
    while (!best_mesh(wanted, sizes, stage_multiple, &m)) wanted--; /* one rank always fits */
    fold.mesh_ranks = wanted;
    int left = rank;
    for (int a = 0; a < MUIR_MESH_AXES; a++) {
        fold.mesh[a] = m.n[a];
        fold.place[a] = rank < wanted ? left % m.n[a] : -1;
        left /= m.n[a];
    }
    return fold;
}
