/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers against the generator's reference vectors and against the C library's error function. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"

typedef struct reference {
    uint32_t counter[4], key[4], out[4];
} reference;

/* Random123, tests/kat_vectors, rows "threefry4x32 20". */
static const reference references[] = {
    {{0, 0, 0, 0}, {0, 0, 0, 0}, {0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8}},
    {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u, ~0u, ~0u}, {0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89},
     {0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84}},
};

static void generator_gives_the_reference_vectors(void)
{
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        uint32_t out[4];
        muir_threefry4x32(references[i].counter, references[i].key, out);
        CU_ASSERT(memcmp(out, references[i].out, sizeof out) == 0);
    }
}

static void a_draw_is_the_documented_word_of_the_documented_counter(void)
{
    const uint64_t seed = 0x0123456789abcdefu, index = 64 * 1000 + 37; /* block 1000, word 2, lane 5 */
    const uint32_t counter[4] = {16 * 1000 + 5, 0, 7, 0},
                   key[4] = {0x89abcdef, 0x01234567, MUIR_STREAM_JITTER, 0};
    uint32_t out[4];
    muir_threefry4x32(counter, key, out);
    CU_ASSERT_EQUAL(muir_rng_at(seed, MUIR_STREAM_JITTER, 7, index), out[2]);
}

static void vector_draws_have_the_bits_of_single_draws(void)
{
    enum { BLOCKS = 64 };
    static float z[BLOCKS * MUIR_RNG_BLOCK], u[BLOCKS * MUIR_RNG_BLOCK];
    muir_rng_normals(42, MUIR_STREAM_CHIP, 3, 17, BLOCKS, z);
    muir_rng_uniforms(42, MUIR_STREAM_CHIP, 3, 17, BLOCKS, u);
    int different = 0;
    for (int i = 0; i < BLOCKS * MUIR_RNG_BLOCK; i++) {
        const uint64_t index = 17u * MUIR_RNG_BLOCK + (uint64_t)i;
        const float one = muir_rng_normal_at(42, MUIR_STREAM_CHIP, 3, index),
                    same = muir_rng_uniform_at(42, MUIR_STREAM_CHIP, 3, index);
        different += memcmp(&one, &z[i], sizeof one) != 0;
        different += memcmp(&same, &u[i], sizeof same) != 0;
    }
    CU_ASSERT_EQUAL(different, 0);
}

/* Truth: Phi(z) = erfc(-z / sqrt 2) / 2 must give the uniform draw back; a relative error e of z shifts the
 * smaller tail by about z^2 e. */
static void normal_draws_invert_the_normal_distribution(void)
{
    double worst = 0.0;
    for (uint64_t i = 0; i < 200000; i++) {
        const double u = (double)muir_rng_uniform_at(1, MUIR_STREAM_JITTER, 0, i);
        const double z = (double)muir_rng_normal_at(1, MUIR_STREAM_JITTER, 0, i);
        const double tail = u < 0.5 ? u : 1.0 - u;
        const double found = 0.5 * erfc(fabs(z) / sqrt(2.0));
        const double error = fabs(found - tail) / tail / fmax(1.0, z * z);
        if (error > worst) worst = error;
    }
    CU_ASSERT(worst < 2e-4);
}

static void moments_are_those_of_a_standard_normal(void)
{
    enum { BLOCKS = 4096, N = BLOCKS * MUIR_RNG_BLOCK };
    static float z[N];
    muir_rng_normals(7, MUIR_STREAM_JITTER, 1, 0, BLOCKS, z);
    double s1 = 0.0, s2 = 0.0, s4 = 0.0;
    for (int i = 0; i < N; i++) {
        const double v = (double)z[i];
        s1 += v, s2 += v * v, s4 += v * v * v * v;
    }
    CU_ASSERT(fabs(s1 / N) < 5.0 / sqrt(N));
    CU_ASSERT(fabs(s2 / N - 1.0) < 5.0 * sqrt(2.0 / N));
    CU_ASSERT(fabs(s4 / N - 3.0) < 5.0 * sqrt(96.0 / N));
}

static void streams_steps_and_seeds_differ(void)
{
    const uint32_t base = muir_rng_at(1, MUIR_STREAM_CHIP, 0, 0);
    CU_ASSERT_NOT_EQUAL(base, muir_rng_at(2, MUIR_STREAM_CHIP, 0, 0));
    CU_ASSERT_NOT_EQUAL(base, muir_rng_at(1, MUIR_STREAM_SLOW, 0, 0));
    CU_ASSERT_NOT_EQUAL(base, muir_rng_at(1, MUIR_STREAM_CHIP, 1, 0));
    CU_ASSERT_NOT_EQUAL(base, muir_rng_at(1, MUIR_STREAM_CHIP, 0, 1));
    CU_ASSERT_NOT_EQUAL(base, muir_rng_at((uint64_t)1 << 32 | 1, MUIR_STREAM_CHIP, 0, 0));
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"generator gives the reference vectors", generator_gives_the_reference_vectors},
        {"a draw is the documented word of the documented counter",
         a_draw_is_the_documented_word_of_the_documented_counter},
        {"vector draws have the bits of single draws", vector_draws_have_the_bits_of_single_draws},
        {"normal draws invert the normal distribution", normal_draws_invert_the_normal_distribution},
        {"moments are those of a standard normal", moments_are_those_of_a_standard_normal},
        {"streams, steps and seeds differ", streams_steps_and_seeds_differ},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "rng", tests);
}
