/* SPDX-License-Identifier: BSD-3-Clause */
/* Fletcher's checksum, in lanes that the compiler puts side by side. */
#include "io/checksum.h"

#include <string.h>

#include "base/simd.h"

/* LANES words a row; the sums of a round of ROWS rows stay below 2^64 without a modulo:
 * a below ROWS 2^32, b below ROWS^2 / 2 2^32. */
enum { LANES = 16, ROWS = 4096 };

static const uint64_t modulus = 0xffffffffu;

/* Any bytes, read as words. */
typedef uint32_t word __attribute__((aligned(1), may_alias));

/* Sums of rows, lane by lane: plain, and weighted with the number of rows that follow, own included. */
MUIR_CLONES static void sum_rows(const word *words, size_t rows, uint64_t *restrict plain,
                                 uint64_t *restrict weighted)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t lane = 0; lane < LANES; lane++) {
            plain[lane] += words[row * LANES + lane];
            weighted[lane] += plain[lane];
        }
}

typedef struct sums {
    uint64_t a, b; /* below the modulus */
} sums;

/* Appends n words whose own sums are a and b: those before get n more turns. */
static sums append(sums before, uint64_t n, uint64_t a, uint64_t b)
{
    return (sums){(before.a + a) % modulus, (before.b + (n % modulus) * before.a % modulus + b) % modulus};
}

/* A round's lanes into one. Word (row, lane) counts n - i times: LANES times the rows to go, less lane. */
static sums join_lanes(const uint64_t *plain, const uint64_t *weighted)
{
    sums s = {0, 0};
    for (uint64_t lane = 0; lane < LANES; lane++) {
        const uint64_t a = plain[lane] % modulus;
        s.a = (s.a + a) % modulus;
        s.b = (s.b + LANES * (weighted[lane] % modulus) + (modulus - lane) * a % modulus) % modulus;
    }
    return s;
}

uint64_t muir_checksum(const void *data, size_t bytes)
{
    const char *at = data;
    sums s = {0, 0};
    while (bytes >= LANES * sizeof(uint32_t)) {
        const size_t whole = bytes / (LANES * sizeof(uint32_t)), rows = whole < ROWS ? whole : ROWS;
        uint64_t plain[LANES] = {0}, weighted[LANES] = {0};
        sum_rows((const word *)(const void *)at, rows, plain, weighted);
        const sums round = join_lanes(plain, weighted);
        s = append(s, rows * LANES, round.a, round.b);
        at += rows * LANES * sizeof(uint32_t);
        bytes -= rows * LANES * sizeof(uint32_t);
    }
    while (bytes > 0) {
        uint32_t last = 0;
        const size_t n = bytes < sizeof last ? bytes : sizeof last;
        memcpy(&last, at, n);
        s = append(s, 1, last % modulus, last % modulus);
        at += n;
        bytes -= n;
    }
    return s.b << 32 | s.a;
}
