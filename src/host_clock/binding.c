/* SPDX-License-Identifier: BSD-3-Clause */
/* Where ranks run, by the scheduler's masks and, if it is there, hwloc's map of the machine. */
#include "host_clock/binding.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef MUIR_HAS_HWLOC
#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#endif

#include "base/mem.h"

struct muir_binding {
    cpu_set_t before, now; /* masks of this process */
    int local_rank, local_ranks;
    bool is_bound_before, is_changed;
    int processors; /* on which the ranks of this host may run, all together */
    char text[MUIR_BINDING_SIZE];
};

/* "0-3,8" */
static void list_cpus(const cpu_set_t *set, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int first = 0; first < CPU_SETSIZE && used < size; first++) {
        int last = first;
        if (!CPU_ISSET((size_t)first, set)) continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET((size_t)(last + 1), set)) last++;
        used += (size_t)snprintf(text + used, size - used, last > first ? "%s%d-%d" : "%s%d", used ? "," : "",
                                 first, last);
        first = last;
    }
}

/* Ranks of one host that all have the same mask, wide enough for all of them, were not bound one by one: that
 * is what a batch system's share of a host looks like. */
static muir_status compare_masks(muir_ctx *ctx, muir_binding *b)
{
    muir_status st = MUIR_OK;
    MPI_Comm host = MPI_COMM_NULL;
    cpu_set_t all, common;
    const int online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    MUIR_TRY_MPI(MPI_Comm_split_type(ctx->comm, MPI_COMM_TYPE_SHARED, ctx->rank, MPI_INFO_NULL, &host));
    MUIR_TRY_MPI(MPI_Comm_rank(host, &b->local_rank));
    MUIR_TRY_MPI(MPI_Comm_size(host, &b->local_ranks));
    MUIR_TRY_MPI(MPI_Allreduce(&b->before, &all, sizeof all, MPI_BYTE, MPI_BOR, host));
    MUIR_TRY_MPI(MPI_Allreduce(&b->before, &common, sizeof common, MPI_BYTE, MPI_BAND, host));
    b->processors = CPU_COUNT(&all);
    const bool is_shared = CPU_EQUAL(&all, &common) && CPU_COUNT(&all) >= b->local_ranks;
    b->is_bound_before = CPU_COUNT(&b->before) < online && !(is_shared && b->local_ranks > 1);
done:
    if (host != MPI_COMM_NULL) MPI_Comm_free(&host);
    return st;
}

#ifdef MUIR_HAS_HWLOC
typedef struct map {
    hwloc_topology_t topology;
    hwloc_cpuset_t cpus;
} map;

static bool open_map(const cpu_set_t *mask, map *m)
{
    if (hwloc_topology_init(&m->topology) != 0) return false;
    m->cpus = hwloc_bitmap_alloc();
    if (m->cpus && hwloc_topology_load(m->topology) == 0 &&
        hwloc_cpuset_from_glibc_sched_affinity(m->topology, m->cpus, mask, sizeof *mask) == 0)
        return true;
    hwloc_bitmap_free(m->cpus);
    hwloc_topology_destroy(m->topology);
    return false;
}

static void close_map(map *m)
{
    hwloc_bitmap_free(m->cpus);
    hwloc_topology_destroy(m->topology);
}

/* Whole cores, both threads of each, counted in the order in which hwloc lists them: neighbours are near. */
static bool share_cores(muir_binding *b, cpu_set_t *share)
{
    map m;
    if (!open_map(&b->before, &m)) return false;
    const int n = hwloc_get_nbobjs_inside_cpuset_by_type(m.topology, m.cpus, HWLOC_OBJ_CORE);
    const bool is_enough = n >= b->local_ranks;
    hwloc_cpuset_t mine = hwloc_bitmap_alloc();
    for (int i = n * b->local_rank / b->local_ranks;
         is_enough && mine && i < n * (b->local_rank + 1) / b->local_ranks; i++)
        hwloc_bitmap_or(
            mine, mine,
            hwloc_get_obj_inside_cpuset_by_type(m.topology, m.cpus, HWLOC_OBJ_CORE, (unsigned)i)->cpuset);
    CPU_ZERO(share);
    if (mine) hwloc_cpuset_to_glibc_sched_affinity(m.topology, mine, share, sizeof *share);
    hwloc_bitmap_free(mine);
    close_map(&m);
    return is_enough && CPU_COUNT(share) > 0;
}

/* "2 of 8 cores (processors 0-1), NUMA node 0" */
static void describe(const cpu_set_t *mask, char *text, size_t size)
{
    map m;
    char cpus[64], nodes[32] = "";
    list_cpus(mask, cpus, sizeof cpus);
    if (!open_map(mask, &m)) {
        snprintf(text, size, "processors %s", cpus);
        return;
    }
    const int cores = hwloc_get_nbobjs_inside_cpuset_by_type(m.topology, m.cpus, HWLOC_OBJ_CORE);
    const int all = hwloc_get_nbobjs_by_type(m.topology, HWLOC_OBJ_CORE);
    hwloc_nodeset_t set = hwloc_bitmap_alloc();
    if (set && hwloc_cpuset_to_nodeset(m.topology, m.cpus, set) == 0)
        hwloc_bitmap_list_snprintf(nodes, sizeof nodes, set);
    snprintf(text, size, "%d of %d cores (processors %s), NUMA node %s", cores, all, cpus, nodes);
    hwloc_bitmap_free(set);
    close_map(&m);
}
#else
/* Share `rank` of `ranks` of the processors in a mask, in their order. */
static void share_mask(const cpu_set_t *mask, int rank, int ranks, cpu_set_t *share)
{
    const int n = CPU_COUNT(mask), first = (int)((long)n * rank / ranks),
              last = (int)((long)n * (rank + 1) / ranks);
    int seen = 0;
    CPU_ZERO(share);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, mask)) continue;
        if (seen >= first && seen < last) CPU_SET((size_t)cpu, share);
        seen++;
    }
}

static bool share_cores(muir_binding *b, cpu_set_t *share)
{
    if (CPU_COUNT(&b->before) < b->local_ranks) return false;
    share_mask(&b->before, b->local_rank, b->local_ranks, share);
    return true;
}

static void describe(const cpu_set_t *mask, char *text, size_t size)
{
    char cpus[64];
    list_cpus(mask, cpus, sizeof cpus);
    snprintf(text, size, "processors %s of %ld (built without hwloc)", cpus, sysconf(_SC_NPROCESSORS_ONLN));
}
#endif

/* Whether the user told the launcher not to bind: mpirun --bind-to none, srun --cpu-bind=none. */
static bool is_unwanted_by_launcher(void)
{
    const char *open_mpi = getenv("OMPI_MCA_hwloc_base_binding_policy"),
               *slurm = getenv("SLURM_CPU_BIND_TYPE");
    return (open_mpi && strncmp(open_mpi, "none", 4) == 0) || (slurm && strstr(slurm, "none"));
}

/* A share that is all there is would change nothing. */
static void take_share(muir_binding *b)
{
    cpu_set_t share;
    if (!share_cores(b, &share) || CPU_EQUAL(&share, &b->before)) return;
    if (sched_setaffinity(0, sizeof share, &share) != 0) return;
    b->now = share;
    b->is_changed = true;
}

muir_status muir_binding_create(muir_ctx *ctx, bool is_wanted, muir_binding **out)
{
    muir_status st = MUIR_OK;
    muir_binding *b = NULL;
    MUIR_TRY(muir_agree(ctx, muir_alloc(ctx, 1, sizeof *b, "the binding", &b)));
    CPU_ZERO(&b->before);
    const bool is_known = sched_getaffinity(0, sizeof b->before, &b->before) == 0;
    b->now = b->before;
    MUIR_TRY(compare_masks(ctx, b));
    if (is_known && is_wanted && !b->is_bound_before && !is_unwanted_by_launcher()) take_share(b);
    if (is_known)
        describe(&b->now, b->text, sizeof b->text);
    else
        snprintf(b->text, sizeof b->text, "more processors than a mask holds");
    const size_t used = strlen(b->text);
    snprintf(b->text + used, sizeof b->text - used, ", %s",
             b->is_bound_before ? "bound by the launcher"
             : b->is_changed    ? "bound by muir"
                                : "not bound");
    const size_t longer = strlen(b->text);
    if (b->processors > 0 && b->local_ranks > b->processors)
        snprintf(b->text + longer, sizeof b->text - longer, "; %d ranks share %d processors: expect waiting",
                 b->local_ranks, b->processors);
    *out = b;
    b = NULL;
done:
    muir_binding_destroy(&b);
    return st;
}

void muir_binding_destroy(muir_binding **binding)
{
    if (!*binding) return;
    if ((*binding)->is_changed) sched_setaffinity(0, sizeof(*binding)->before, &(*binding)->before);
    free(*binding);
    *binding = NULL;
}

const char *muir_binding_text(const muir_binding *binding)
{
    return binding->text;
}
