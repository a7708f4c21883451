/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkpoints: written by all ranks, read back, and refused where a byte is wrong. */
#include "io/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "flip.h"
#include "io/checksum.h"

enum { N_PARTS = 2 };

/* Shares of odd lengths that differ from rank to rank; rank 1 has nothing of the second part. */
typedef struct state {
    muir_checkpoint_part part[N_PARTS];
    char path[64];
} state;

static state make_state(void)
{
    const muir_ctx *ctx = muir_test_ctx();
    const size_t rank = (size_t)ctx->rank;
    const size_t bytes[N_PARTS] = {2 * MUIR_CHECKPOINT_BLOCK + 1001 + 13 * rank, rank == 1 ? 0 : 77 + rank};
    static const char *const names[N_PARTS] = {"weights", "optimizer"};
    state s;
    for (int i = 0; i < N_PARTS; i++) {
        unsigned char *data = malloc(bytes[i] + 1);
        for (size_t b = 0; b < bytes[i]; b++)
            data[b] = (unsigned char)(b * 31 + b / 253 + rank * 7 + (size_t)i);
        s.part[i] = (muir_checkpoint_part){names[i], data, bytes[i]};
    }
    snprintf(s.path, sizeof s.path, "checkpoint_%d.h5", ctx->size);
    return s;
}

static state make_room(const state *like)
{
    state s = *like;
    for (int i = 0; i < N_PARTS; i++) s.part[i].data = calloc(like->part[i].bytes + 1, 1);
    return s;
}

static void free_state(state *s)
{
    for (int i = 0; i < N_PARTS; i++) free(s->part[i].data);
}

static bool is_equal(const state *a, const state *b)
{
    return memcmp(a->part[0].data, b->part[0].data, a->part[0].bytes) == 0 &&
           memcmp(a->part[1].data, b->part[1].data, a->part[1].bytes) == 0;
}

static muir_status write_to(const state *s, const char *path, int64_t step, muir_checkpoint_time *time)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_checkpoint *checkpoint = NULL;
    CU_ASSERT_EQUAL_FATAL(muir_checkpoint_create(ctx, s->part, N_PARTS, &checkpoint), MUIR_OK);
    const muir_status st = muir_checkpoint_write(ctx, checkpoint, path, step, time);
    muir_checkpoint_destroy(&checkpoint);
    return st;
}

static muir_status read_from(const state *s, const char *path, int64_t *step)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_checkpoint *checkpoint = NULL;
    muir_checkpoint_time time;
    CU_ASSERT_EQUAL_FATAL(muir_checkpoint_create(ctx, s->part, N_PARTS, &checkpoint), MUIR_OK);
    const muir_status st = muir_checkpoint_read(ctx, checkpoint, path, step, &time);
    muir_checkpoint_destroy(&checkpoint);
    return st;
}

static void write_state(const state *s, int64_t step)
{
    muir_ctx *ctx = muir_test_ctx();
    muir_checkpoint_time time;
    const muir_status st = write_to(s, s->path, step, &time);
    if (st != MUIR_OK) fprintf(stderr, "%s\n", ctx->message);
    CU_ASSERT_EQUAL_FATAL(st, MUIR_OK);
    CU_ASSERT(time.total_s >= time.data_s && time.data_s > 0.0);
    CU_ASSERT(time.bytes >= 2 * MUIR_CHECKPOINT_BLOCK * ctx->size);
}

static void what_was_written_is_read(void)
{
    state written = make_state(), read = make_room(&written);
    int64_t step = 0;
    for (int64_t i = 41; i < 43; i++) { /* the second in place of the first */
        ((char *)written.part[0].data)[5] = (char)i;
        write_state(&written, i);
        CU_ASSERT_EQUAL(read_from(&read, read.path, &step), MUIR_OK);
        CU_ASSERT_EQUAL(step, i);
        CU_ASSERT(is_equal(&written, &read));
    }
    free_state(&written);
    free_state(&read);
}

/* The last rank's second block. */
static void a_flipped_byte_is_named(void)
{
    muir_ctx *ctx = muir_test_ctx();
    state written = make_state(), read = make_room(&written);
    char expected[256];
    int64_t step = -1;
    long before = 0;
    for (int r = 0; r + 1 < ctx->size; r++) before += 2 * MUIR_CHECKPOINT_BLOCK + 1001 + 13 * r;
    write_state(&written, 7);
    flip(written.path, "/weights/data", before + MUIR_CHECKPOINT_BLOCK + 12345);
    CU_ASSERT_EQUAL(read_from(&read, read.path, &step), MUIR_ERR_CHECK);
    CU_ASSERT_EQUAL(step, -1);
    snprintf(expected, sizeof expected, "%s is damaged: part weights of rank %d, bytes %d to %d", read.path,
             ctx->size - 1, MUIR_CHECKPOINT_BLOCK, 2 * MUIR_CHECKPOINT_BLOCK - 1);
    CU_ASSERT_STRING_EQUAL(ctx->message, expected);
    muir_ctx_clear(ctx);
    free_state(&written);
    free_state(&read);
}

static void what_does_not_fit_is_refused(void)
{
    muir_ctx *ctx = muir_test_ctx();
    state written = make_state(), read = make_room(&written);
    muir_checkpoint_time time;
    int64_t step = -1;
    write_state(&written, 8);
    if (ctx->rank == 0) read.part[0].bytes--;
    CU_ASSERT_EQUAL(read_from(&read, read.path, &step), MUIR_ERR_ARG);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "part weights has"));
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(read_from(&read, "no_such.h5", &step), MUIR_ERR_FILE);
    muir_ctx_clear(ctx);
    CU_ASSERT_EQUAL(write_to(&written, "/no/such/folder/c.h5", 1, &time), MUIR_ERR_FILE);
    CU_ASSERT_PTR_NOT_NULL(strstr(ctx->message, "No such file or directory"));
    muir_ctx_clear(ctx);
    free_state(&written);
    free_state(&read);
}

/* The definition, word by word. */
static uint64_t plain_checksum(const unsigned char *data, size_t bytes)
{
    uint64_t a = 0, b = 0;
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t word = 0;
        memcpy(&word, data + i, bytes - i < 4 ? bytes - i : 4);
        a = (a + word) % 0xffffffffu;
        b = (b + a) % 0xffffffffu;
    }
    return b << 32 | a;
}

static void the_checksum_is_fletchers(void)
{
    enum { MOST = 600000 };
    static const size_t lengths[] = {0, 1, 3, 4, 5, 63, 64, 65, 1000, 262143, 262144, 262145, MOST - 1};
    unsigned char *data = malloc(MOST);
    for (size_t i = 0; i < MOST; i++) data[i] = (unsigned char)(i < 1000 ? 255 : i * i >> 3);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        CU_ASSERT_EQUAL(muir_checksum(data + 1, lengths[i]), plain_checksum(data + 1, lengths[i]));
    const uint64_t before = muir_checksum(data, MOST);
    for (size_t i = 0; i < MOST; i += 997) {
        data[i] ^= 1;
        CU_ASSERT(muir_checksum(data, MOST) != before);
        data[i] ^= 1;
    }
    free(data);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"the checksum is Fletcher's", the_checksum_is_fletchers},
        {"what was written is read", what_was_written_is_read},
        {"a flipped byte is named", a_flipped_byte_is_named},
        {"what does not fit is refused", what_does_not_fit_is_refused},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "checkpoint", tests);
}
