/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives in two levels, on ranks of one host that are told to be on several. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "collectives/coll.h"
#include "collectives/hosts.h"
#include "collectives/shared.h"

/* Host of a rank of p. */
typedef int host_rule(int rank, int p);

static int pairs(int rank, int p)
{
    return rank / 2 + 0 * p;
}

static int halves(int rank, int p)
{
    return rank < (p + 1) / 2 ? 4 : 2;
}

static int by_turns(int rank, int p)
{
    return rank % 2 + 0 * p;
}

static int first_alone(int rank, int p)
{
    return (rank > 0) + 0 * p;
}

/* Hosts whose ranks are not in the order of the hosts. */
static int outside_in(int rank, int p)
{
    return rank == 0 || rank == p - 1 ? 9 : 3;
}

static int all_apart(int rank, int p)
{
    return p - rank;
}

static int all_together(int rank, int p)
{
    return 0 * (rank + p);
}

static host_rule *const rules[] = {pairs, halves, by_turns, first_alone, outside_in, all_apart, all_together};
enum { N_RULES = sizeof rules / sizeof rules[0] };

static muir_coll_comm *comm_open(host_rule *rule)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create_on(ctx, ctx->comm, rule(ctx->rank, ctx->size), &comm),
                          MUIR_OK);
    return comm;
}

static float value_of(int rank, size_t i, int round)
{
    return (float)((size_t)(rank * 7 + round * 5 + 1) * (i + 3) % 31);
}

/* Element i of rank's result, by the table of coll.h; sums of small whole numbers are exact. */
static float expected(muir_coll_kind kind, const muir_coll_spec *spec, int p, int rank, size_t i, int round)
{
    size_t offset, n;
    float sum = 0.0f;
    if (kind == MUIR_BROADCAST) return value_of(spec->root, i, round);
    for (int r = 0; r < p && kind == MUIR_ALL_GATHER; r++) {
        muir_coll_block(spec->count, p, r, &offset, &n);
        if (i < offset + n) return value_of(r, i - offset, round);
    }
    muir_coll_block(spec->count, p, rank, &offset, &n);
    if (kind == MUIR_REDUCE_SCATTER) i += offset;
    for (int r = 0; r < p; r++) sum += value_of(r, i, round);
    return sum;
}

/* Data of one rank: reachable by the others of its host, or only by itself. */
typedef struct buffers {
    float *send, *recv, *own_send, *own_recv;
} buffers;

static buffers buffers_open(muir_coll_comm *comm, size_t n)
{
    muir_ctx *ctx = muir_test_ctx();
    buffers b;
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, n * sizeof(float), &b.send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, n * sizeof(float), &b.recv), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, n, sizeof(float), "send", &b.own_send), MUIR_OK);
    CU_ASSERT_EQUAL_FATAL(muir_alloc(ctx, n, sizeof(float), "recv", &b.own_recv), MUIR_OK);
    return b;
}

static void buffers_close(muir_coll_comm *comm, buffers *b)
{
    muir_coll_free(comm, b->send);
    muir_coll_free(comm, b->recv);
    free(b->own_send);
    free(b->own_recv);
}

static void check_run(muir_coll_comm *comm, muir_coll_op *op, const muir_coll *coll,
                      const muir_coll_spec *spec, float *send, float *recv, int round)
{
    const int p = comm->size, rank = comm->rank;
    size_t n_send, n_recv;
    int wrong = 0;
    muir_coll_lengths(coll->kind, spec->count, p, rank, &n_send, &n_recv);
    for (size_t i = 0; i <= n_recv; i++) recv[i] = -77.0f;
    for (size_t i = 0; i < n_send; i++) send[i] = value_of(rank, i, round);
    CU_ASSERT_EQUAL(muir_coll_run(muir_test_ctx(), op, send, recv), MUIR_OK);
    for (size_t i = 0; i < n_recv; i++) wrong += recv[i] != expected(coll->kind, spec, p, rank, i, round);
    for (size_t i = 0; i < n_send && send != recv; i++) wrong += send[i] != value_of(rank, i, round);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(recv[n_recv], -77.0f);
}

static void check_spec(muir_coll_comm *comm, const muir_coll *coll, const muir_coll_spec *spec)
{
    muir_ctx *ctx = muir_test_ctx();
    const bool may_be_in_place = coll->kind == MUIR_ALL_REDUCE || coll->kind == MUIR_BROADCAST;
    buffers b = buffers_open(comm, spec->count + 1);
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, spec, &op), MUIR_OK);
    for (int round = 0; round < 2; round++) {
        check_run(comm, op, coll, spec, b.send, b.recv, round);
        check_run(comm, op, coll, spec, b.own_send, b.own_recv, round);
        check_run(comm, op, coll, spec, comm->rank == 0 ? b.own_send : b.send, b.recv, round);
        if (may_be_in_place) check_run(comm, op, coll, spec, b.recv, b.recv, round);
        if (may_be_in_place) check_run(comm, op, coll, spec, b.own_recv, b.own_recv, round);
    }
    muir_coll_op_destroy(&op);
    buffers_close(comm, &b);
}

/* All operations with this row, on all hosts that they can be on. */
static void every_row_gives_the_right_result_on_any_hosts(void)
{
    for (int rule = 0; rule < N_RULES; rule++) {
        muir_coll_comm *comm = comm_open(rules[rule]);
        const size_t counts[] = {0, 1, (size_t)(comm->size - 1), 1003, 70001};
        for (size_t i = 0; i < muir_coll_count(); i++) {
            const muir_coll *coll = muir_coll_at(i);
            if (strcmp(coll->name, "hierarchical") != 0 || muir_coll_why_not(coll, comm)) continue;
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
                check_spec(comm, coll, &(muir_coll_spec){.count = counts[c], .root = comm->size / 2});
        }
        muir_coll_comm_destroy(&comm);
    }
}

/* Between hosts only: what is summed inside a host is not rounded, and all ranks get the same bits. */
static void on_a_narrow_wire_all_hosts_get_the_same_bits(void)
{
    enum { N = 1003 };
    static float send[N], recv[N], first[N];
    muir_ctx *ctx = muir_test_ctx();
    const muir_coll *coll = muir_coll_find(MUIR_ALL_REDUCE, "hierarchical");
    const muir_coll_spec spec = {.count = N, .wire = MUIR_WIRE_BF16};
    muir_coll_comm *comm = comm_open(halves);
    muir_coll_op *op = NULL;
    int far = 0;
    for (int i = 0; i < N; i++) send[i] = 1.0f / (float)(1 + i % 7 + comm->rank);
    if (!muir_coll_why_not(coll, comm)) {
        CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, coll, &spec, &op), MUIR_OK);
        CU_ASSERT_EQUAL(muir_coll_run(ctx, op, send, recv), MUIR_OK);
        memcpy(first, recv, sizeof first);
        MPI_Bcast(first, N, MPI_FLOAT, 0, comm->comm);
        CU_ASSERT(memcmp(first, recv, sizeof first) == 0);
        for (int i = 0; i < N; i++) {
            float sum = 0.0f;
            for (int r = 0; r < comm->size; r++) sum += 1.0f / (float)(1 + i % 7 + r);
            far += fabsf(recv[i] - sum) > sum / 128.0f; /* two roundings of 2^-8: a half's sum, and all */
        }
        CU_ASSERT_EQUAL(far, 0);
        muir_coll_op_destroy(&op);
    }
    muir_coll_comm_destroy(&comm);
}

static void every_rank_may_be_the_root(void)
{
    muir_coll_comm *comm = comm_open(halves);
    const muir_coll *coll = muir_coll_find(MUIR_BROADCAST, "hierarchical");
    for (int root = 0; root < comm->size && !muir_coll_why_not(coll, comm); root++)
        check_spec(comm, coll, &(muir_coll_spec){.count = 1003, .root = root});
    muir_coll_comm_destroy(&comm);
}

/* Only the numbers of ranks decide what is possible. */
static void what_is_missing_is_said(void)
{
    static const char *const apart = "no two ranks are on the same host", *const one =
                                                                              "all ranks are on one host";
    static const char *const uneven = "the hosts have different numbers of ranks";
    const muir_coll *sum = muir_coll_find(MUIR_ALL_REDUCE, "hierarchical");
    const muir_coll *scatter = muir_coll_find(MUIR_REDUCE_SCATTER, "hierarchical");
    for (int rule = 0; rule < N_RULES; rule++) {
        muir_coll_comm *comm = comm_open(rules[rule]);
        const char *why = muir_coll_why_not(sum, comm), *why_scatter = muir_coll_why_not(scatter, comm);
        CU_ASSERT_EQUAL(comm->hosts == NULL, why && strcmp(why, one) == 0);
        if (comm->hosts) CU_ASSERT_EQUAL(comm->hosts->most == 1, why && strcmp(why, apart) == 0);
        const bool is_uneven = !why && comm->hosts->fewest != comm->hosts->most;
        CU_ASSERT(is_uneven ? strcmp(why_scatter, uneven) == 0 : why_scatter == why);
        CU_ASSERT_EQUAL(comm->shared != NULL, comm->size > 1 && !comm->hosts);
        muir_coll_comm_destroy(&comm);
    }
}

static void hosts_are_numbered_by_their_first_ranks(void)
{
    muir_coll_comm *comm = comm_open(outside_in);
    const int p = comm->size;
    if (p > 2) {
        CU_ASSERT_EQUAL_FATAL(comm->hosts->n, 2);
        for (int r = 0; r < p; r++) {
            CU_ASSERT_EQUAL(comm->hosts->host_of[r], r > 0 && r < p - 1);
            CU_ASSERT_EQUAL(comm->hosts->place_of[r], r == 0 ? 0 : r == p - 1 ? 1 : r - 1);
        }
        CU_ASSERT_EQUAL(muir_hosts_rank(comm->hosts, p, 0, 1), 1);
        CU_ASSERT_EQUAL(muir_hosts_rank(comm->hosts, p, 0, 2), -1);
    }
    muir_coll_comm_destroy(&comm);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every row gives the right result on any hosts", every_row_gives_the_right_result_on_any_hosts},
        {"on a narrow wire all hosts get the same bits", on_a_narrow_wire_all_hosts_get_the_same_bits},
        {"every rank may be the root", every_rank_may_be_the_root},
        {"what is missing is said", what_is_missing_is_said},
        {"hosts are numbered by their first ranks", hosts_are_numbered_by_their_first_ranks},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "hierarchical", tests);
}
