/* SPDX-License-Identifier: BSD-3-Clause */
/* Elements of narrow types: what their bits mean, and the way to wider ones and back. */
#ifndef MUIR_KERNELS_ELEMENT_H
#define MUIR_KERNELS_ELEMENT_H

#include <stdint.h>
#include <string.h>

static inline float muir_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t muir_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* bf16 is the upper half of an fp32. Exact. Local. */
static inline float muir_bf16_value(uint16_t x)
{
    return muir_float_of_bits((uint32_t)x << 16);
}

/* To the nearest, ties to even; for numbers that are not NaN. Local. */
static inline uint16_t muir_bf16_of(float value)
{
    const uint32_t bits = muir_bits_of_float(value);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* fp8 is e4m3: exponent bias 7, subnormals, no infinity, 0x7f and 0xff NaN. Read as the upper part of an
 * fp32, its value is too small by 2^(127 - 7). Exact in fp32, and in bf16.
 * Source: Open Compute Project, "OCP 8-bit Floating Point Specification", 2023. Local. */
static inline float muir_fp8_value(uint8_t x)
{
    const uint32_t sign = (uint32_t)(x & 0x80u) << 24, low = (uint32_t)(x & 0x7fu);
    const uint32_t bits = muir_bits_of_float(muir_float_of_bits(low << 20) * 0x1p120f);
    return muir_float_of_bits(sign | (low == 0x7fu ? 0x7fc00000u : bits));
}

/* The fp8 of a whole number of at most 16 in size, which has one exactly. Local. */
static inline uint8_t muir_fp8_of_whole(int value)
{
    const uint32_t bits = muir_bits_of_float((float)(value < 0 ? -value : value) * 0x1p-120f);
    return (uint8_t)((value < 0 ? 0x80u : 0u) | bits >> 20);
}

#endif
