/* SPDX-License-Identifier: BSD-3-Clause */
/* Collectives of more than 2^31 bytes, and of more than 2^31 elements. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "collectives/coll.h"
#include "collectives/shared.h"

enum { SKIPPED = 77, LEAST_GIB = 12 };

/* Both are odd, so that no cut is even: elements of fp32, and of int8. */
static const size_t many_floats = ((size_t)1 << 29) + 1001, many_bytes = ((size_t)1 << 31) + 4003;

static muir_coll_comm *comm_open(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_comm_create(ctx, ctx->comm, &comm), MUIR_OK);
    return comm;
}

/* Differs between elements that are 2^31 and 2^32 bytes apart. */
static uint32_t value_of(size_t i, int rank)
{
    return (uint32_t)((i ^ (i >> 13) ^ (i >> 27)) & 7) + (uint32_t)rank;
}

static uint32_t sum_of(size_t i, int p)
{
    return (uint32_t)p * value_of(i, 0) + (uint32_t)(p * (p - 1) / 2);
}

/* In place, in memory that is too large to be there twice. */
static void run(muir_coll_comm *comm, muir_coll_kind kind, const char *name, const muir_coll_spec *spec,
                void *data)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_op *op = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_op_create(ctx, comm, muir_coll_find(kind, name), spec, &op), MUIR_OK);
    CU_ASSERT_EQUAL(muir_coll_run(ctx, op, data, data), MUIR_OK);
    muir_coll_op_destroy(&op);
}

static void check_floats(muir_coll_comm *comm, const char *name, float *data)
{
    size_t wrong = 0;
    for (size_t i = 0; i < many_floats; i++) data[i] = (float)value_of(i, comm->rank);
    run(comm, MUIR_ALL_REDUCE, name, &(muir_coll_spec){.count = many_floats}, data);
    for (size_t i = 0; i < many_floats; i++) wrong += data[i] != (float)sum_of(i, comm->size);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_bytes(muir_coll_comm *comm, muir_coll_kind kind, const char *name, int8_t *data)
{
    const muir_coll_spec spec = {.count = many_bytes, .dtype = MUIR_INT8, .root = comm->size - 1};
    size_t wrong = 0;
    for (size_t i = 0; i < many_bytes; i++) data[i] = (int8_t)value_of(i, comm->rank);
    run(comm, kind, name, &spec, data);
    for (size_t i = 0; i < many_bytes; i++) {
        const uint32_t want = kind == MUIR_BROADCAST ? value_of(i, spec.root) : sum_of(i, comm->size);
        wrong += data[i] != (int8_t)want;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void step_lists_and_shared_memory_go_beyond_2_to_the_31(void)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_coll_comm *comm = comm_open();
    void *data = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_coll_alloc(ctx, comm, many_floats * sizeof(float), &data), MUIR_OK);
    check_floats(comm, "ring", data);
    check_floats(comm, "shared", data);
    check_bytes(comm, MUIR_BROADCAST, "binomial", data);
    check_bytes(comm, MUIR_ALL_REDUCE, "shared", data);
    muir_coll_free(comm, data);
    muir_coll_comm_destroy(&comm);
}

/* Memory that can be had without swapping [GiB]; 0 where the system does not say. */
static double available_gib(void)
{
    char line[128];
    double kib = 0.0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lf kB", &kib) == 1) break;
    if (file) fclose(file);
    return kib / (1 << 20);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"step lists and shared memory go beyond 2^31", step_lists_and_shared_memory_go_beyond_2_to_the_31},
        CU_TEST_INFO_NULL,
    };
    if (available_gib() < LEAST_GIB) {
        printf("skipped: %d GiB of memory are needed, %.1f are available\n", LEAST_GIB, available_gib());
        return SKIPPED;
    }
    return muir_test_main(argc, argv, "large collectives", tests);
}
