/* SPDX-License-Identifier: BSD-3-Clause */
/* Conversions between fp32 and the two formats of 16 bits, in integer arithmetic that compilers vectorise.
 *
 * Rounding is to nearest, ties to even; what is too large becomes an infinity; NaN stays NaN, made quiet,
 * with the upper bits of its payload. These are the bits that conversion instructions give (F16C, FEAT_FP16).
 * Sources: IEEE 754-2008 (fp16 is binary16); Intel, BFLOAT16 - Hardware Numerics Definition, 2018. */
#ifndef MUIR_BASE_HALF_H
#define MUIR_BASE_HALF_H

#include <stdint.h>
#include <string.h>

/* The compiler's own type, where a conversion is one instruction for every target of the build. Within the
 * clones of base/simd.h no x86-64 compiler says so, and without the instruction it calls a function. */
#if defined(__FLT16_MAX__) && (defined(__aarch64__) || defined(__F16C__))
#define MUIR_HALF_IS_NATIVE 1
#else
#define MUIR_HALF_IS_NATIVE 0
#endif

/* NaN is the only number that differs from itself. */
#define MUIR_MAX_OF_FLOATS(x, y) ((x) > (y) || (x) != (x) ? (x) : (y))
#define MUIR_MIN_OF_FLOATS(x, y) ((x) < (y) || (x) != (x) ? (x) : (y))

/* The bits of a float, and back. Local. */
static inline uint32_t muir_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float muir_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* bf16 is the upper half of fp32: widening is exact. Local. */
static inline float muir_float_of_bf16(uint16_t half)
{
    return muir_float_of((uint32_t)half << 16);
}

/* Narrows fp32 to bf16. Local. */
static inline uint16_t muir_bf16_of(float x)
{
    const uint32_t bits = muir_float_bits(x), odd = bits >> 16 & 1;
    const uint32_t rounded = (bits + 0x7fff + odd) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/* Widens fp16 to fp32, exactly: exponents move by 127 - 15 = 112, a subnormal m becomes 2^-14 (1 + m 2^-10)
 * less 2^-14. Local. */
static inline float muir_float_of_fp16_portable(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, shifted = (uint32_t)(half & 0x7fff) << 13;
    const uint32_t least = (uint32_t)113 << 23, top = (uint32_t)31 << 23; /* 2^-14 in fp32; exponent 31 */
    const uint32_t subnormal = muir_float_bits(muir_float_of(shifted + least) - muir_float_of(least));
    const uint32_t quiet = shifted > top ? 0x400000 : 0;
    const uint32_t special = (shifted + ((uint32_t)224 << 23)) | quiet; /* infinity and NaN */
    const uint32_t finite = shifted < (uint32_t)1 << 23 ? subnormal : shifted + ((uint32_t)112 << 23);
    return muir_float_of(sign | (shifted >= top ? special : finite));
}

/* Narrows fp32 to fp16. Adding 0.5, whose last bit is worth 2^-24, rounds to a multiple of the least
 * subnormal. Local. */
static inline uint16_t muir_fp16_of_portable(float x)
{
    const uint32_t bits = muir_float_bits(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    const uint32_t infinity = 0x7c00, quiet = 0x7e00 | (size >> 13 & 0x3ff);
    const uint32_t subnormal = muir_float_bits(muir_float_of(size) + 0.5f) - muir_float_bits(0.5f);
    const uint32_t normal = (size - ((uint32_t)112 << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    const uint32_t finite = size < (uint32_t)113 << 23 ? subnormal : normal;
    const uint32_t large = size > 0x7f800000 ? quiet : infinity;
    return (uint16_t)(sign | (size >= 0x47800000 ? large : finite)); /* from 2^16 up */
}

/* As the two above, by the instruction where there is one; the same bits. Local. */
static inline float muir_float_of_fp16(uint16_t half)
{
#if MUIR_HALF_IS_NATIVE
    _Float16 x;
    memcpy(&x, &half, sizeof x);
    return (float)x;
#else
    return muir_float_of_fp16_portable(half);
#endif
}

static inline uint16_t muir_fp16_of(float x)
{
#if MUIR_HALF_IS_NATIVE
    const _Float16 narrow = (_Float16)x;
    uint16_t half;
    memcpy(&half, &narrow, sizeof half);
    return half;
#else
    return muir_fp16_of_portable(x);
#endif
}

#endif
