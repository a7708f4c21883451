/* SPDX-License-Identifier: BSD-3-Clause */
/* fp8: what its bits mean, and the way to wider types and back; those of 16 bits are in base/half.h. */
#ifndef MUIR_KERNELS_ELEMENT_H
#define MUIR_KERNELS_ELEMENT_H

#include <stdint.h>

#include "base/half.h"

/* fp8 is e4m3: exponent bias 7, subnormals, no infinity, 0x7f and 0xff NaN. Read as the upper part of an
 * fp32, its value is too small by 2^(127 - 7). Exact in fp32, and in bf16.
 * Source: Open Compute Project, "OCP 8-bit Floating Point Specification", 2023. Local. */
static inline float muir_fp8_value(uint8_t x)
{
    const uint32_t sign = (uint32_t)(x & 0x80u) << 24, low = (uint32_t)(x & 0x7fu);
    const uint32_t bits = muir_float_bits(muir_float_of(low << 20) * 0x1p120f);
    return muir_float_of(sign | (low == 0x7fu ? 0x7fc00000u : bits));
}

/* The fp8 of a whole number of at most 16 in size, which has one exactly. Local. */
static inline uint8_t muir_fp8_of_whole(int value)
{
    const uint32_t bits = muir_float_bits((float)(value < 0 ? -value : value) * 0x1p-120f);
    return (uint8_t)((value < 0 ? 0x80u : 0u) | bits >> 20);
}

#endif
