/* SPDX-License-Identifier: BSD-3-Clause */
/* All-reduce on two hosts with two ranks each: time, and bytes that leave each host by its network.
 * Run by tests/cluster/hosts; ranks 0 and 1 are on one host, 2 and 3 on the other. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "collectives/coll.h"
#include "collectives/shared.h"

enum { COUNT = 1 << 20, CALLS = 8, MARGIN_PERCENT = 10 }; /* headers, acknowledgements, barriers */

/* What has left this host so far, over all its interfaces but lo [byte]. */
static long long bytes_sent(void)
{
    long long sum = 0;
    DIR *folder = opendir("/sys/class/net");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[512];
        long long bytes = 0;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0) continue;
        snprintf(path, sizeof path, "/sys/class/net/%s/statistics/tx_bytes", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%lld", &bytes) == 1) sum += bytes;
        if (file) fclose(file);
    }
    if (folder) closedir(folder);
    return sum;
}

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
}

/* Small whole numbers are exact on any wire. */
static int count_wrong(const float *x, int p, int call)
{
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) wrong += x[i] != (float)(p * ((i + call) % 5) + p * (p - 1) / 2);
    return wrong;
}

/* Calls a row CALLS times with new data each time; returns what left the own host in one call [byte]. */
static double measure(muir_coll_comm *comm, const char *name, muir_wire wire, float *send, float *recv)
{
    muir_ctx *ctx = muir_test_ctx();
    const muir_coll_spec spec = {.count = COUNT, .wire = wire};
    muir_coll_op *op = NULL;
    double time_s = 0.0, sent[2];
    long long bytes = 0;
    int wrong = 0;
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, muir_coll_find(MUIR_ALL_REDUCE, name), &spec, &op),
                          MUIR_OK);
    for (int call = 0; call < CALLS + 1; call++) { /* the first one opens connections */
        for (int i = 0; i < COUNT; i++) send[i] = (float)((i + call) % 5 + comm->rank);
        MPI_Barrier(comm->comm);
        const long long before = bytes_sent(); /* nobody sends while anybody looks */
        MPI_Barrier(comm->comm);
        const double start_s = muir_now_s();
        CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
        MPI_Barrier(comm->comm);
        if (call > 0) time_s += (muir_now_s() - start_s) / CALLS;
        if (call > 0) bytes += bytes_sent() - before;
        wrong += count_wrong(recv, comm->size, call);
        MPI_Barrier(comm->comm);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    muir_coll_op_destroy(&op);
    sent[0] = sent[1] = (double)bytes / CALLS;
    MPI_Bcast(&sent[1], 1, MPI_DOUBLE, comm->size - 1, comm->comm);
    if (comm->rank == 0)
        printf("all_reduce of %.1f MB, %-12s %-5s on the wire: %7.2f ms, %6.2f MB leave the first host, "
               "%6.2f MB the second\n",
               4e-6 * COUNT, name, muir_wire_name(wire), 1e3 * time_s, 1e-6 * sent[0], 1e-6 * sent[1]);
    return (double)bytes / CALLS;
}

static void check_near(double bytes, double vectors)
{
    const double least = vectors * 4.0 * COUNT;
    CU_ASSERT(bytes >= least && bytes <= least * (1.0 + MARGIN_PERCENT / 100.0));
}

/* Of a ring's links, one leads out of each host, and carries 2 (p - 1) / p of the vector. In two levels, each
 * rank exchanges its half of the vector with its peer: reduce-scatter and all-gather send half of it each. */
static void two_levels_send_the_vector_once_where_a_ring_sends_it_one_and_a_half_times(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    float *send = NULL, *recv = NULL;
    CU_ASSERT_EQUAL_FATAL(comm->size, 4);
    CU_ASSERT_PTR_NULL_FATAL(muir_coll_why_not(muir_coll_find(MUIR_ALL_REDUCE, "hierarchical"), comm));
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, COUNT * sizeof(float), &send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, COUNT * sizeof(float), &recv), MUIR_OK);
    check_near(measure(comm, "ring", MUIR_WIRE_PLAIN, send, recv), 1.5);
    check_near(measure(comm, "hierarchical", MUIR_WIRE_PLAIN, send, recv), 1.0);
    check_near(measure(comm, "hierarchical", MUIR_WIRE_BF16, send, recv), 0.5);
    measure(comm, "mpi", MUIR_WIRE_PLAIN, send, recv);
    muir_coll_free(comm, send);
    muir_coll_free(comm, recv);
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"two levels send the vector once where a ring sends it one and a half times",
         two_levels_send_the_vector_once_where_a_ring_sends_it_one_and_a_half_times},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "two hosts", tests);
}
