/* SPDX-License-Identifier: BSD-3-Clause */
/* fp32 data that travel in 16 bits. */
#ifndef MUIR_COLLECTIVES_WIRE_H
#define MUIR_COLLECTIVES_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Constant, name: what is on the wire; PLAIN: what is in memory. */
#define MUIR_WIRE_LIST(X)                                                                                    \
    X(MUIR_WIRE_PLAIN, "plain")                                                                              \
    X(MUIR_WIRE_BF16, "bf16")                                                                                \
    X(MUIR_WIRE_FP16, "fp16")

typedef enum muir_wire {
#define MUIR_WIRE_ENUM(constant, name) constant,
    MUIR_WIRE_LIST(MUIR_WIRE_ENUM)
#undef MUIR_WIRE_ENUM
        MUIR_WIRE_COUNT
} muir_wire;

/* Name, never NULL. Local. */
const char *muir_wire_name(muir_wire wire);

/* Rounds n floats to the format of the wire, to nearest even, and back; not for PLAIN. Local. */
void muir_wire_narrow(muir_wire wire, size_t n, const float *from, uint16_t *to);
void muir_wire_widen(muir_wire wire, size_t n, const uint16_t *from, float *to);

/* What a receiver would make of n floats; `to` is `from` or apart from it. Not for PLAIN. Local. */
void muir_wire_round(muir_wire wire, size_t n, const float *from, float *to);

#endif
