/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops between fp32 and what travels. */
#include "collectives/wire.h"

#include "base/simd.h"
#include "base/half.h"

static const char *const names[] = {
#define WIRE_NAME(constant, name) name,
    MUIR_WIRE_LIST(WIRE_NAME)
#undef WIRE_NAME
};

const char *muir_wire_name(muir_wire wire)
{
    return wire < MUIR_WIRE_COUNT ? names[wire] : "unknown";
}

#define WIRE_LOOP(name, from_type, to_type, convert)                                                         \
    MUIR_CLONES static void name(size_t n, const from_type *from, to_type *to)                               \
    {                                                                                                        \
        _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++) to[i] = convert(from[i]);                        \
    }

#define ROUND_BF16(x) muir_float_of_bf16(muir_bf16_of(x))
#define ROUND_FP16(x) muir_float_of_fp16(muir_fp16_of(x))

WIRE_LOOP(narrow_bf16, float, uint16_t, muir_bf16_of)
WIRE_LOOP(narrow_fp16, float, uint16_t, muir_fp16_of)
WIRE_LOOP(widen_bf16, uint16_t, float, muir_float_of_bf16)
WIRE_LOOP(widen_fp16, uint16_t, float, muir_float_of_fp16)
WIRE_LOOP(round_bf16, float, float, ROUND_BF16)
WIRE_LOOP(round_fp16, float, float, ROUND_FP16)

void muir_wire_narrow(muir_wire wire, size_t n, const float *from, uint16_t *to)
{
    (wire == MUIR_WIRE_BF16 ? narrow_bf16 : narrow_fp16)(n, from, to);
}

void muir_wire_widen(muir_wire wire, size_t n, const uint16_t *from, float *to)
{
    (wire == MUIR_WIRE_BF16 ? widen_bf16 : widen_fp16)(n, from, to);
}

void muir_wire_round(muir_wire wire, size_t n, const float *from, float *to)
{
    (wire == MUIR_WIRE_BF16 ? round_bf16 : round_fp16)(n, from, to);
}
