/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling and checking of payloads, tile by tile. */
#include "collectives/payload.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/half.h"

enum { TILE = 4093, CLASSES = 16, WIDEST = 8 };

struct muir_payload {
    muir_coll_kind kind;
    muir_coll_spec spec;
    int p, rank;
    size_t width; /* of an element [byte] */
    char *tile;   /* [TILE] elements */
};

static bool is_reducing(muir_coll_kind kind)
{
    return kind == MUIR_ALL_REDUCE || kind == MUIR_REDUCE_SCATTER || kind == MUIR_REDUCE;
}

muir_status muir_payload_create(muir_ctx *ctx, muir_coll_kind kind, const muir_coll_spec *spec, int p,
                                int rank, muir_payload **out)
{
    muir_status st = MUIR_OK;
    muir_payload *made = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *made, "a payload", &made));
    *made = (muir_payload){kind, *spec, p, rank, muir_dtype_bytes(spec->dtype), NULL};
    MUIR_TRY(muir_alloc(ctx, TILE, made->width, "a payload", &made->tile));
    *out = made;
    made = NULL;
done:
    muir_payload_destroy(&made);
    return st;
}

void muir_payload_destroy(muir_payload **payload)
{
    if (!*payload) return;
    free((*payload)->tile);
    free(*payload);
    *payload = NULL;
}

/* Source: the finaliser of MurmurHash3, public domain. */
static uint32_t mix(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x85ebca6b;
    x = (x ^ (x >> 13)) * 0xc2b2ae35;
    return x ^ (x >> 16);
}

/* Elements of a tile fall into 16 classes; rank r's value of a class is that of class + 5 r on rank 0. What
 * the ranks have together grows with p, so values shrink. */
static int value_of(int class_of_element, int rank, int p)
{
    const int k = (class_of_element + 5 * (rank % CLASSES)) % CLASSES;
    const int value = (7 * k + 3) % CLASSES - CLASSES / 2; /* -8 .. 7, each once */
    const int shift = p <= 32 ? 0 : p <= 64 ? 1 : p <= 128 ? 2 : 3;
    return value >= 0 ? value >> shift : -(-value >> shift);
}

static int reduced_value(const muir_payload *payload, int class_of_element)
{
    int result = value_of(class_of_element, 0, payload->p);
    for (int r = 1; r < payload->p; r++) {
        const int value = value_of(class_of_element, r, payload->p);
        switch (payload->spec.reduce) {
        case MUIR_MAX: result = value > result ? value : result; break;
        case MUIR_MIN: result = value < result ? value : result; break;
        default: result += value;
        }
    }
    return result;
}

/* A whole number as an element. */
static void encode(muir_dtype dtype, int value, char to[WIDEST])
{
    const float single = (float)value;
    const double wide = (double)value;
    const int32_t whole = value;
    const int8_t narrow = (int8_t)value; /* wraps round, as the sums do */
    const uint16_t half = dtype == MUIR_BF16 ? muir_bf16_of(single) : muir_fp16_of(single);
    switch (dtype) {
    case MUIR_FP32: memcpy(to, &single, sizeof single); break;
    case MUIR_FP64: memcpy(to, &wide, sizeof wide); break;
    case MUIR_INT32: memcpy(to, &whole, sizeof whole); break;
    case MUIR_INT8: memcpy(to, &narrow, sizeof narrow); break;
    default: memcpy(to, &half, muir_dtype_bytes(dtype));
    }
}

/* The tile of one rank's input, or, with rank -1, of the reduction. */
static void make_tile(muir_payload *payload, int rank, uint32_t salt)
{
    char of_class[CLASSES][WIDEST];
    const uint32_t seed = mix(salt);
    if (!is_reducing(payload->kind)) {
        const size_t bytes = TILE * payload->width, words = bytes / sizeof(uint32_t);
        const uint32_t own = mix(seed + (uint32_t)rank * 0x9e3779b9u);
        for (size_t i = 0; i < words; i++) {
            const uint32_t word = mix(own + (uint32_t)i);
            memcpy(payload->tile + i * sizeof word, &word, sizeof word);
        }
        memset(payload->tile + words * sizeof(uint32_t), (int)(own & 0xff), bytes % sizeof(uint32_t));
        return;
    }
    for (int c = 0; c < CLASSES; c++)
        encode(payload->spec.dtype, rank < 0 ? reduced_value(payload, c) : value_of(c, rank, payload->p),
               of_class[c]);
    for (size_t i = 0; i < TILE; i++)
        memcpy(payload->tile + i * payload->width, of_class[mix(seed + (uint32_t)i) % CLASSES],
               payload->width);
}

/* x[i] = element first + i, for n elements. */
static void lay(const muir_payload *payload, char *x, size_t first, size_t n)
{
    for (size_t done = 0, piece; done < n; done += piece) {
        const size_t at = (first + done) % TILE;
        piece = n - done < TILE - at ? n - done : TILE - at;
        memcpy(x + done * payload->width, payload->tile + at * payload->width, piece * payload->width);
    }
}

/* Number of elements of x[n] that differ from element first + i. */
static size_t compare(const muir_payload *payload, const char *x, size_t first, size_t n)
{
    size_t wrong = 0;
    const size_t width = payload->width;
    for (size_t done = 0, piece; done < n; done += piece) {
        const size_t at = (first + done) % TILE;
        piece = n - done < TILE - at ? n - done : TILE - at;
        const char *mine = x + done * width, *right = payload->tile + at * width;
        if (memcmp(mine, right, piece * width) == 0) continue;
        for (size_t i = 0; i < piece; i++) wrong += memcmp(mine + i * width, right + i * width, width) != 0;
    }
    return wrong;
}

void muir_payload_fill(muir_payload *payload, uint32_t salt, void *send)
{
    size_t n_send, n_recv, first = 0, n = 0;
    muir_coll_lengths(payload->kind, payload->spec.count, payload->p, payload->rank, &n_send, &n_recv);
    if (payload->kind == MUIR_ALL_GATHER)
        muir_coll_block(payload->spec.count, payload->p, payload->rank, &first, &n);
    make_tile(payload, payload->rank, salt);
    lay(payload, send, first, n_send);
}

static size_t check_gathered(muir_payload *payload, uint32_t salt, const char *recv)
{
    size_t wrong = 0, offset, n;
    for (int r = 0; r < payload->p; r++) {
        muir_coll_block(payload->spec.count, payload->p, r, &offset, &n);
        make_tile(payload, r, salt);
        wrong += compare(payload, recv + offset * payload->width, offset, n);
    }
    return wrong;
}

/* Part r holds the elements of the own block of rank r's vector. */
static size_t check_exchanged(muir_payload *payload, uint32_t salt, const char *recv)
{
    size_t wrong = 0, offset, n;
    muir_coll_block(payload->spec.count, payload->p, payload->rank, &offset, &n);
    for (int r = 0; r < payload->p; r++) {
        make_tile(payload, r, salt);
        wrong += compare(payload, recv + (size_t)r * n * payload->width, offset, n);
    }
    return wrong;
}

size_t muir_payload_check(muir_payload *payload, uint32_t salt, const void *recv)
{
    size_t first = 0, n = payload->spec.count;
    switch (payload->kind) {
    case MUIR_BARRIER: return 0;
    case MUIR_ALL_REDUCE:
    case MUIR_BROADCAST: break;
    case MUIR_REDUCE:
        if (payload->rank != payload->spec.root) return 0;
        break;
    case MUIR_REDUCE_SCATTER:
        muir_coll_block(payload->spec.count, payload->p, payload->rank, &first, &n);
        break;
    case MUIR_ALL_GATHER: return check_gathered(payload, salt, recv);
    default: return check_exchanged(payload, salt, recv); /* of even parts */
    }
    make_tile(payload, is_reducing(payload->kind) ? -1 : payload->spec.root, salt);
    return compare(payload, recv, first, n);
}
