/* SPDX-License-Identifier: BSD-3-Clause */
/* Threefry4x32-20 and the normal distribution, one draw at a time or 64 side by side. */
#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"

enum { LANES = 16 };

typedef struct words4 {
    uint32_t x0, x1, x2, x3;
} words4;

static inline uint32_t rotate(uint32_t x, int by)
{
    return (x << by) | (x >> (32 - by));
}

/* Two rounds: pairs (0,1) (2,3), then (0,3) (2,1). */
static inline words4 two_rounds(words4 x, int r0, int r1, int r2, int r3)
{
    x.x0 += x.x1;
    x.x1 = rotate(x.x1, r0) ^ x.x0;
    x.x2 += x.x3;
    x.x3 = rotate(x.x3, r1) ^ x.x2;
    x.x0 += x.x3;
    x.x3 = rotate(x.x3, r2) ^ x.x0;
    x.x2 += x.x1;
    x.x1 = rotate(x.x1, r3) ^ x.x2;
    return x;
}

static inline words4 add_key(words4 x, uint32_t k0, uint32_t k1, uint32_t k2, uint32_t k3, uint32_t n)
{
    return (words4){x.x0 + k0, x.x1 + k1, x.x2 + k2, x.x3 + k3 + n};
}

/* Straight-line code, so that the loop over lanes vectorises.
 * Source of the rotations: Salmon et al. 2011, table 3 (4x32). */
static inline words4 threefry(words4 x, const uint32_t key[4])
{
    const uint32_t k0 = key[0], k1 = key[1], k2 = key[2], k3 = key[3], k4 = 0x1BD11BDAu ^ k0 ^ k1 ^ k2 ^ k3;
    x = add_key(x, k0, k1, k2, k3, 0);
    x = two_rounds(x, 10, 26, 11, 21);
    x = two_rounds(x, 13, 27, 23, 5);
    x = add_key(x, k1, k2, k3, k4, 1);
    x = two_rounds(x, 6, 20, 17, 11);
    x = two_rounds(x, 25, 10, 18, 20);
    x = add_key(x, k2, k3, k4, k0, 2);
    x = two_rounds(x, 10, 26, 11, 21);
    x = two_rounds(x, 13, 27, 23, 5);
    x = add_key(x, k3, k4, k0, k1, 3);
    x = two_rounds(x, 6, 20, 17, 11);
    x = two_rounds(x, 25, 10, 18, 20);
    x = add_key(x, k4, k0, k1, k2, 4);
    x = two_rounds(x, 10, 26, 11, 21);
    x = two_rounds(x, 13, 27, 23, 5);
    return add_key(x, k0, k1, k2, k3, 5);
}

void muir_threefry4x32(const uint32_t counter[4], const uint32_t key[4], uint32_t out[4])
{
    const words4 x = threefry((words4){counter[0], counter[1], counter[2], counter[3]}, key);
    const uint32_t words[4] = {x.x0, x.x1, x.x2, x.x3};
    memcpy(out, words, sizeof words);
}

uint32_t muir_rng_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index)
{
    const uint64_t c = index / MUIR_RNG_BLOCK * LANES + index % LANES;
    const uint32_t counter[4] = {(uint32_t)c, (uint32_t)(c >> 32), step, 0};
    const uint32_t key[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)stream, 0};
    uint32_t out[4];
    muir_threefry4x32(counter, key, out);
    return out[index % MUIR_RNG_BLOCK / LANES];
}

/* 23 bits, so that the half is exact and the number is never 0 or 1. */
static inline float uniform_of(uint32_t bits)
{
    return ((float)(int32_t)(bits >> 9) + 0.5f) * 0x1p-23f;
}

/* Natural logarithm of a positive normal float; relative error below 2e-7. Plain arithmetic with fused
 * multiply-adds spelled out, so that every instruction set gives the same bits and the loop around it
 * vectorises, which a call of logf would prevent. Source of the polynomial: Cephes logf (S. L. Moshier), on
 * [sqrt(1/2), sqrt(2)]. */
static inline float log_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t shifted = bits - 0x3F3504F3u; /* sqrt(1/2) */
    const float exponent = (float)((int32_t)shifted >> 23);
    bits = (shifted & 0x007FFFFFu) + 0x3F3504F3u;
    float m;
    memcpy(&m, &bits, sizeof m);
    m -= 1.0f;
    float p = 7.0376836292e-2f;
    p = fmaf(p, m, -1.1514610310e-1f);
    p = fmaf(p, m, 1.1676998740e-1f);
    p = fmaf(p, m, -1.2420140846e-1f);
    p = fmaf(p, m, 1.4249322787e-1f);
    p = fmaf(p, m, -1.6668057665e-1f);
    p = fmaf(p, m, 2.0000714765e-1f);
    p = fmaf(p, m, -2.4999993993e-1f);
    p = fmaf(p, m, 3.3333331174e-1f);
    p = fmaf(p, m, -0.5f);
    return fmaf(exponent, 0.693147180559945f, fmaf(p, m * m, m));
}

/* z / (2 u - 1) is smooth in t = sqrt(1 - log(4 u (1 - u))) from the centre into the tails, so one polynomial
 * serves both and nothing branches. Coefficients: minimax fit of degree 6 on t = 1 .. 4.03, relative
 * error 1.2e-4 (test_rng holds it). */
static inline float normal_of(float u)
{
    const float t = sqrtf(1.0f - log_of(4.0f * u * (1.0f - u))) - 2.51613727f;
    float z = -0.00566648412f;
    z = fmaf(z, t, 0.00339312898f);
    z = fmaf(z, t, 0.0387052745f);
    z = fmaf(z, t, -0.0755041391f);
    z = fmaf(z, t, 0.0429897010f);
    z = fmaf(z, t, 1.48881221f);
    z = fmaf(z, t, 3.04012299f);
    return z * (2.0f * u - 1.0f);
}

float muir_rng_uniform_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index)
{
    return uniform_of(muir_rng_at(seed, stream, step, index));
}

float muir_rng_normal_at(uint64_t seed, muir_stream stream, uint32_t step, uint64_t index)
{
    return normal_of(muir_rng_uniform_at(seed, stream, step, index));
}

/* Words of the counters of one block, lane i. */
static inline words4 words_of(uint64_t block, uint32_t step, const uint32_t key[4], uint32_t i)
{
    const uint64_t first = block * LANES; /* a multiple of 16: adding a lane never carries */
    return threefry((words4){(uint32_t)first + i, (uint32_t)(first >> 32), step, 0}, key);
}

/* The lanes are the loop that is vectorised: one AVX-512 register, two of AVX2, four of the plain path. */
MUIR_CLONES
void muir_rng_normals(uint64_t seed, muir_stream stream, uint32_t step, uint64_t block, size_t count,
                      float *out)
{
    const uint32_t key[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)stream, 0};
    for (size_t b = 0; b < count; b++) {
        float *o = out + b * MUIR_RNG_BLOCK;
        for (uint32_t i = 0; i < LANES; i++) {
            const words4 x = words_of(block + b, step, key, i);
            o[i] = normal_of(uniform_of(x.x0));
            o[LANES + i] = normal_of(uniform_of(x.x1));
            o[2 * LANES + i] = normal_of(uniform_of(x.x2));
            o[3 * LANES + i] = normal_of(uniform_of(x.x3));
        }
    }
}

MUIR_CLONES
void muir_rng_uniforms(uint64_t seed, muir_stream stream, uint32_t step, uint64_t block, size_t count,
                       float *out)
{
    const uint32_t key[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)stream, 0};
    for (size_t b = 0; b < count; b++) {
        float *o = out + b * MUIR_RNG_BLOCK;
        for (uint32_t i = 0; i < LANES; i++) {
            const words4 x = words_of(block + b, step, key, i);
            o[i] = uniform_of(x.x0);
            o[LANES + i] = uniform_of(x.x1);
            o[2 * LANES + i] = uniform_of(x.x2);
            o[3 * LANES + i] = uniform_of(x.x3);
        }
    }
}
